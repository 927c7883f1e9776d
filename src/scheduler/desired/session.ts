import { viewDirectory, viewsOf } from '../../model/access.js'
import { isCutOff, isStillMounted, isStillSwapping } from '../../model/buffers.js'
import { volumeOf } from '../../model/volumes.js'
import {
  hostKey,
  type Cluster,
  desiredOf,
  mountId,
  mountIdOf,
  sessionBuffers,
  sessionKey,
} from '../../model/cluster.js'
import type { BufferDocument } from '../../model/documents/buffer.js'
import type { Desired } from '../../model/documents/desired.js'
import type { MountView } from '../../model/documents/mount.js'
import type { SessionDocument } from '../../model/documents/session.js'
import { hostsCopying, isFannedOut } from '../../model/transfers.js'
import { persistentPath, privatePath, stripedPath, swapPath } from '../../model/paths.js'
import type { Transition } from './bufferTransitions.js'
import type { SchedulerConfig } from '../config.js'
import { type ClientSettings, dataPlaneOf, type MountClient } from '../dataplane/index.js'
import { desiredSwaps } from './swap.js'
import { desiredTransfers } from './transfers.js'
import { transitionOfTransfers } from './transferTransitions.js'
import type { DesiredRecord } from '../../model/desiredRecord.js'
import { hostDisconnected } from './messages.js'

/** The path of a session's buffer on its compute nodes, for the job's own or a persistent one that it uses. */
export function mountPath(
  mountRoot: string,
  session: SessionDocument,
  buffer: BufferDocument,
  view: MountView = 'striped',
): string {
  const isOwn = session.buffer !== undefined && buffer.name === session.token
  if (!isOwn) return persistentPath(mountRoot, session, buffer.name)
  const paths = { striped: stripedPath, private: privatePath, swap: swapPath }
  return paths[view](mountRoot, session)
}

export type SessionSettings = Pick<SchedulerConfig, 'mountRoot'> & ClientSettings

/** What every host should hold of this session now: its mounts on compute hosts, its transfers on storage hosts. */
export function desiredOfSession(
  cluster: Cluster,
  session: SessionDocument,
  settings: SessionSettings,
): DesiredRecord[] {
  return [...desiredMounts(cluster, session, settings), ...desiredTransfers(cluster, session)]
}

/** Before hosts are told of the session: makes what takes time, in short pieces. */
export function* prepareSession(cluster: Cluster, session: SessionDocument): Iterable<void> {
  if (isToRun(session)) return
  for (const { buffer } of sessionBuffers(cluster, session))
    yield* dataPlaneOf(buffer).prepare(cluster, buffer, mountClients(cluster, session, buffer))
}

/** Those that are told of the buffer anew, and not only to unmount it. */
function* mountClients(cluster: Cluster, session: SessionDocument, buffer: BufferDocument): Iterable<MountClient> {
  const isRunning = session.stage === 'running'
  for (const host of session.computeHosts)
    for (const view of viewsOf(buffer)) {
      const isTold = cluster.desired.mount.has(hostKey(host, mountId(session.id, buffer.id, view)))
      if (isRunning || view === 'swap' || !isTold) yield { host, session: session.id, view }
    }
}

function desiredMounts(
  cluster: Cluster,
  session: SessionDocument,
  { mountRoot, ...clients }: SessionSettings,
): DesiredRecord[] {
  if (isToRun(session)) {
    return desiredOf(cluster, 'mount', session).map(({ host, document }) => ({
      host,
      kind: 'mount',
      id: mountIdOf(document),
      document,
    }))
  }
  const wanted = session.stage === 'running' ? 'present' : 'absent'
  // guard: swap-off-first
  const wantedOf = (host: string, mount: MountId) => (holdsSwap(cluster, host, mount) ? 'present' : wanted)
  const records = new Map<string, DesiredRecord>()
  // Desired documents stay, even if their buffer no longer exists: only the hosts know whether they have unmounted it.
  for (const { host, document } of desiredOf(cluster, 'mount', session)) {
    add(records, host, { ...document, wanted: wantedOf(host, document) })
  }
  for (const { key, buffer } of sessionBuffers(cluster, session)) {
    // Without access, a host's mount would fail, or only appear to succeed.
    // guard: let-in-first
    if (wanted === 'present' && !dataPlaneOf(buffer).letsIn(cluster, session, buffer, clients)) continue
    const made = new Set(volumeOf(cluster, buffer)?.directories)
    for (const host of session.computeHosts) {
      for (const view of viewsOf(buffer)) {
        // What it was told is enough to unmount it.
        const told = cluster.desired.mount.get(hostKey(host, mountId(session.id, buffer.id, view)))
        if (told && wantedOf(host, told) === 'absent') continue
        const directory = viewDirectory(buffer, view, host)
        const may =
          wanted === 'present'
            ? (directory === '' || made.has(directory)) &&
              /* guard: namespaces-filled */ (view !== 'private' || isFannedOut(session))
            : isStillMounted(cluster, session, buffer, host, view)
        if (!may) continue
        const fresh = mountOf(cluster, session, key, buffer, host, mountRoot, wanted, view, directory)
        // The path never changes: the job's variables name it, and the host must unmount it there.
        const mount = { ...fresh, path: told?.path ?? fresh.path }
        add(records, host, { ...mount, wanted: wantedOf(host, mount) })
      }
    }
  }
  return [...records.values(), ...desiredSwaps(cluster, session, mountRoot)]
}

/**
 * Ends a transfer; or deletes a session that leaves, when its own buffer is deleted and every host has unmounted and ended what
 * it was told for the session.
 */
export function transitionOfSession(cluster: Cluster, session: SessionDocument, now: number): Transition | undefined {
  const cut = cutOffStuck(cluster, session)
  if (cut) return cut
  if (session.stage !== 'leaving') return transitionOfTransfers(cluster, session, now)
  if (session.buffer !== undefined && cluster.buffers.has(session.buffer)) return undefined
  const left = desiredOf(cluster, 'mount', session).some(
    ({ host, document }) => cluster.observed.mount.get(hostKey(host, mountIdOf(document)))?.state !== 'absent',
  )
  if (left || hostsCopying(cluster, session).length > 0) return undefined
  const swaps = desiredOf(cluster, 'swap', session)
  if (swaps.some(({ host, document }) => isStillSwapping(cluster, session, document.buffer, host))) return undefined
  return { changes: [{ kind: 'session', name: sessionKey(cluster, session), document: undefined }], events: [] }
}

/**
 * Hosts that report that they could not unmount a buffer in time. This is recorded in the session, because a restarted agent reports it only
 * after it has tried again for that long, and must not get access again meanwhile.
 */
function cutOffStuck(cluster: Cluster, session: SessionDocument): Transition | undefined {
  const fresh = desiredOf(cluster, 'mount', session).flatMap(({ host, document }) => {
    const observed = cluster.observed.mount.get(hostKey(host, mountIdOf(document)))
    const isStuck = document.wanted === 'absent' && observed?.state === 'leaving' && observed.problem?.terminal === true
    if (!isStuck || isCutOff(session, document.buffer, host)) return []
    return [{ host, buffer: document.buffer, message: observed.problem!.message }]
  })
  if (fresh.length === 0) return undefined
  const entries = fresh.map(({ host, buffer }) => ({ host, buffer: buffer.id }))
  const known = (session.cutOff ?? []).concat(entries)
  const cutOff = known.filter(
    (entry, index) => known.findIndex((o) => o.host === entry.host && o.buffer === entry.buffer) === index,
  )
  return {
    changes: [{ kind: 'session', name: sessionKey(cluster, session), document: { ...session, cutOff } }],
    events: fresh.map(({ host, buffer, message }) => hostDisconnected(host, buffer.name, session.token, message)),
  }
}

/** The job has not started on its nodes yet. */
function isToRun({ stage }: SessionDocument): boolean {
  return stage === 'setup' || stage === 'staging-in' || stage === 'staged-in'
}

type MountId = Pick<Desired['mount'], 'session' | 'buffer' | 'view'>

/**
 * The place of a swap file stays mounted until the host has reported that its swap is off. A host that is away is told to unmount at
 * once: if its volume no longer exists when the host returns, it must not try to mount it; then its agent keeps the order. What
 * was told is not taken back.
 */
function holdsSwap(cluster: Cluster, host: string, mount: MountId): boolean {
  if (mount.view !== 'swap' || !cluster.hosts.has(host)) return false
  const told = cluster.desired.mount.get(hostKey(host, mountIdOf(mount)))
  return told?.wanted === 'present' && isStillSwapping(cluster, mount.session, mount.buffer, host)
}

function mountOf(
  cluster: Cluster,
  session: SessionDocument,
  key: string,
  buffer: BufferDocument,
  host: string,
  mountRoot: string,
  wanted: 'present' | 'absent',
  view: MountView,
  directory: string,
): Omit<Desired['mount'], 'fence'> {
  const clientCache = view === 'swap' ? undefined : buffer.clientCache?.[view]
  return {
    v: 1,
    kind: 'mount',
    session: { id: session.id, token: session.token },
    buffer: { id: buffer.id, name: key },
    ...dataPlaneOf(buffer).mountSource(cluster, buffer, view, { host, session: session.id }),
    ...(view === 'striped' ? {} : { view }),
    ...(directory === '' ? {} : { directory }),
    ...(clientCache === undefined ? {} : { clientCache }),
    path: mountPath(mountRoot, session, buffer, view),
    wanted,
  }
}

function add(records: Map<string, DesiredRecord>, host: string, document: Omit<Desired['mount'], 'fence'>): void {
  const id = mountIdOf(document)
  records.set(hostKey(host, id), { host, kind: 'mount', id, document })
}
