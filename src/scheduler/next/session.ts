import { viewDirectory, viewsOf } from '../../model/access.js'
import { isLeft, serversOf, volumeOf } from '../../model/buffers.js'
import { at, type Cluster, desiredMountsOf, mountIdOf, sessionBuffers, sessionKey } from '../../model/cluster.js'
import type { AccessMode, BufferDocument, Desired, SessionDocument } from '../../model/documents.js'
import { hostsCopying } from '../../model/transfers.js'
import { persistentPath, privatePath, stripedPath } from '../../model/paths.js'
import type { FollowUp } from './buffer.js'
import type { SchedulerConfig } from '../config.js'
import { allowedClients, type ClientSettings } from './clients.js'
import { followTransfers, transferWants } from './transfers.js'
import type { Want } from './wants.js'

/** Where a session has a buffer on its compute nodes: the job's own, or a persistent one that it uses. */
export function mountPath(
  mountRoot: string,
  session: SessionDocument,
  buffer: BufferDocument,
  view: AccessMode = 'striped',
): string {
  const isOwn = session.buffer !== undefined && buffer.name === session.token
  if (!isOwn) return persistentPath(mountRoot, session, buffer.name)
  return view === 'private' ? privatePath(mountRoot, session) : stripedPath(mountRoot, session)
}

export type SessionSettings = Pick<SchedulerConfig, 'mountRoot'> & ClientSettings

/** What every host should hold of this session now: its mounts on compute hosts, its stage lines on storage hosts. */
export function desiredOfSession(cluster: Cluster, session: SessionDocument, settings: SessionSettings): Want[] {
  return [...mountWants(cluster, session, settings), ...transferWants(cluster, session)]
}

function mountWants(cluster: Cluster, session: SessionDocument, { mountRoot, ...clients }: SessionSettings): Want[] {
  if (isToRun(session)) {
    return desiredMountsOf(cluster, session).map(({ host, document }) => ({
      host,
      kind: 'mount',
      id: mountIdOf(document),
      document,
    }))
  }
  const wanted = session.stage === 'running' ? 'present' : 'absent'
  const wants = new Map<string, Want>()
  // What hosts were told stays told, also of a buffer that is gone: they alone know whether they have let go of it.
  for (const { host, document } of desiredMountsOf(cluster, session)) {
    add(wants, host, { ...document, wanted })
  }
  for (const { key, buffer } of sessionBuffers(cluster, session)) {
    // GlusterFS refuses a host that it was not told of, and mount would report that it worked.
    if (wanted === 'present' && !letsIn(cluster, buffer, clients)) continue
    for (const host of session.computeHosts) {
      for (const view of viewsOf(buffer)) {
        const directory = viewDirectory(buffer, view, host)
        const may =
          wanted === 'present' ? isMade(cluster, buffer, directory) : isLeft(cluster, session, buffer, host, view)
        if (may) add(wants, host, mountOf(session, key, buffer, mountRoot, wanted, view, directory))
      }
    }
  }
  return [...wants.values()]
}

/**
 * A stage line that came to its end; or a session that leaves: it is gone when its own buffer is, and every host has let go of
 * what it mounted and copied.
 */
export function followSession(cluster: Cluster, session: SessionDocument, now: number): FollowUp | undefined {
  if (session.stage !== 'leaving') return followTransfers(cluster, session, now)
  if (session.buffer !== undefined && cluster.buffers.has(session.buffer)) return undefined
  const left = desiredMountsOf(cluster, session).some(
    ({ host, document }) => cluster.observed.mount.get(at(host, mountIdOf(document)))?.state !== 'absent',
  )
  if (left || hostsCopying(cluster, session).length > 0) return undefined
  return { changes: [{ kind: 'session', name: sessionKey(cluster, session), document: undefined }], events: [] }
}

/** It has not come to its nodes yet. */
function isToRun({ stage }: SessionDocument): boolean {
  return stage === 'setup' || stage === 'staging-in' || stage === 'staged-in'
}

/** The bricks let in everyone whom they should. */
function letsIn(cluster: Cluster, buffer: BufferDocument, clients: ClientSettings): boolean {
  return volumeOf(cluster, buffer)?.allow === allowedClients(cluster, buffer, clients)
}

function isMade(cluster: Cluster, buffer: BufferDocument, directory: string): boolean {
  return directory === '' || volumeOf(cluster, buffer)?.directories?.includes(directory) === true
}

function mountOf(
  session: SessionDocument,
  key: string,
  buffer: BufferDocument,
  mountRoot: string,
  wanted: 'present' | 'absent',
  view: AccessMode,
  directory: string,
): Omit<Desired['mount'], 'fence'> {
  const clientCache = buffer.clientCache?.[view]
  return {
    v: 1,
    kind: 'mount',
    session: { id: session.id, token: session.token },
    buffer: { id: buffer.id, name: key },
    volume: buffer.volume,
    servers: serversOf(buffer),
    ...(view === 'striped' ? {} : { view }),
    ...(directory === '' ? {} : { directory }),
    ...(clientCache === undefined ? {} : { clientCache }),
    path: mountPath(mountRoot, session, buffer, view),
    wanted,
  }
}

function add(wants: Map<string, Want>, host: string, document: Omit<Desired['mount'], 'fence'>): void {
  const id = mountIdOf(document)
  wants.set(at(host, id), { host, kind: 'mount', id, document })
}
