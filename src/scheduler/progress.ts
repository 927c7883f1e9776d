import { viewsOf } from '../model/access.js'
import { hasOnlyCutOff, hostsUnmounting, isCutOff, isStillSwapping } from '../model/buffers.js'
import { volumeOf } from '../model/volumes.js'
import { hostKey, type Cluster, mountId, sessionBuffers, swapId } from '../model/cluster.js'
import type { BufferDocument } from '../model/documents/buffer.js'
import type { SessionDocument } from '../model/documents/session.js'
import type { StageDirection } from '../model/documents/transferFields.js'
import { isDeletedInBackground, phaseOf } from '../model/phase.js'
import { hostToUnmount } from '../model/messages.js'
import { describeWiping } from '../model/wipes.js'
import { currentTransfer, hostsCopying, isFannedOut, transfersOf, nameOf } from '../model/transfers.js'
import { canBeArchived, tokenStateOf } from './admission/tokenState.js'
import * as messages from './admission/messages.js'
import { countsOf, waitsOf } from './desired/index.js'

/*
 * The progress of a call, for `DecisionStore.waitFor`: derived from the cluster alone, after every change.
 *
 *   const end = await decisions.waitFor((cluster) => settled(setupProgress(cluster, token, sessionId)), limitMs)
 */
export type Progress =
  | { state: 'done' }
  /** It cannot succeed; nothing is retried. */
  | { state: 'failed'; reason: string }
  | { state: 'waiting'; waitingFor: string[] }

/** The progress when it is done or failed, else undefined, as `waitFor` wants it. */
export function settled(progress: Progress): Exclude<Progress, { state: 'waiting' }> | undefined {
  return progress.state === 'waiting' ? undefined : progress
}

/** Done when the job's own buffer and those it uses are built. Failed when one of them failed, or the session was torn down. */
export function setupProgress(cluster: Cluster, token: string, sessionId: number): Progress {
  const session = cluster.sessions.get(token)
  if (session?.id !== sessionId || session.stage === 'leaving')
    return { state: 'failed', reason: messages.wasTornDown() }
  const reports = sessionBuffers(cluster, session).map(({ key, buffer }) => ({
    key,
    isBuilt: buffer.builtAt !== undefined,
    ...phaseOf(cluster, buffer),
  }))
  const failed = reports.find(({ phase }) => phase === 'failed')
  if (failed) return { state: 'failed', reason: failed.reason ?? messages.unknownFailure(failed.key) }
  const unbuilt = reports.filter(({ isBuilt }) => !isBuilt)
  return waitingOrDone(
    unbuilt.flatMap(({ waitingFor }) => waitingFor),
    unbuilt.length === 0,
  )
}

/** True when an `Admission` that said `leaving` can be decided again: the old session is gone, or can be archived. */
export function mayStart(cluster: Cluster, token: string): boolean {
  const tokenState = tokenStateOf(cluster, token)
  return (!tokenState.session && !tokenState.buffer) || canBeArchived(cluster, tokenState)
}

/**
 * Done when every buffer is mounted on every compute host, and its swap is on. Failed when a host reports that it cannot. A host without
 * an agent is waited for: the agent may be restarting, or etcd was not reachable for a moment.
 */
export function mountProgress(cluster: Cluster, token: string, sessionId: number): Progress {
  const session = cluster.sessions.get(token)
  if (session?.id !== sessionId || session.stage !== 'running')
    return { state: 'failed', reason: messages.noLongerRunning(token) }
  const fanOut = fanOutProgress(cluster, session)
  if (fanOut.state === 'failed') return fanOut
  const waitingFor = fanOut.state === 'waiting' ? fanOut.waitingFor : []
  for (const { key, buffer } of sessionBuffers(cluster, session)) {
    const views = viewsOf(buffer).filter((view) => view !== 'private' || fanOut.state === 'done')
    for (const [host, view] of session.computeHosts.flatMap((host) => views.map((view) => [host, view] as const))) {
      const observed = cluster.observed.mount.get(hostKey(host, mountId(sessionId, buffer.id, view)))
      if (observed?.state === 'mounted') {
        const swap = view === 'swap' ? swapProgress(cluster, session, key, buffer, host) : undefined
        if (swap?.state === 'failed') return swap
        // guard: swap-awaited
        if (swap?.state === 'waiting') waitingFor.push(...swap.waitingFor)
        continue
      }
      if (!cluster.hosts.has(host)) {
        waitingFor.push(messages.agentToAnswer(host))
        continue
      }
      if (observed?.problem?.terminal)
        return { state: 'failed', reason: messages.cannotMount(host, key, view, observed.problem.message) }
      const wasTold =
        observed !== undefined || cluster.desired.mount.has(hostKey(host, mountId(sessionId, buffer.id, view)))
      const detail = wasTold ? detailOf(observed) : volumeWait(cluster, buffer, host)
      waitingFor.push(withDetail(messages.hostToMount(host, key, view), detail))
    }
  }
  return waitingOrDone(waitingFor)
}

/**
 * False while the counts say that some host has still to mount or swap, and that none has reported that it cannot: `mountProgress` would
 * ask each of thousands of hosts, after each of thousands of reports.
 */
export function mayHaveMounted(cluster: Cluster, token: string): boolean {
  const session = cluster.sessions.get(token)
  const counts = session && cluster.index?.mountsOf(session.id)
  if (!counts || session.stage !== 'running' || counts.problems > 0) return true
  // A fan-out that fails is in no mount's report.
  if (!isFannedOut(session)) return true
  const views = sessionBuffers(cluster, session).flatMap(({ buffer }) => viewsOf(buffer))
  const swaps = views.filter((view) => view === 'swap').length
  const nodes = session.computeHosts.length
  return counts.mounted >= views.length * nodes && counts.swapping >= swaps * nodes
}

/** False while some node that is alive has a mount of the session, and was not cut off from it: it is waited for. */
export function mayHaveUnmounted(cluster: Cluster, token: string): boolean {
  const session = cluster.sessions.get(token)
  const left = session && cluster.index?.mountsOf(session.id).left
  if (!left) return true
  const standing = new Set(sessionBuffers(cluster, session).map(({ buffer }) => buffer.id))
  for (const { host, buffer } of left.values()) {
    const isWaitedFor = cluster.hosts.has(host) && standing.has(buffer) && !isCutOff(session, { id: buffer }, host)
    if (isWaitedFor && session.computeHosts.includes(host)) return false
  }
  return true
}

/** Done when the fan-out is in each node's namespace: no node mounts its own before that. */
function fanOutProgress(cluster: Cluster, session: SessionDocument): Progress {
  const [fanOut] = transfersOf(session, 'fill')
  if (!fanOut || isFannedOut(session)) return { state: 'done' }
  if (fanOut.ended) return { state: 'failed', reason: messages.transferFailed(nameOf(fanOut), fanOut.ended.reason) }
  const counts = countsOf(cluster, session, fanOut)
  const far = counts && counts.totalFiles > 0 ? [messages.filesCopied(counts.files, counts.totalFiles)] : []
  const details = [...far, ...waitsOf(cluster, session, fanOut)]
  return { state: 'waiting', waitingFor: [[nameOf(fanOut), ...details].join(': ')] }
}

/** Done when every transfer of that direction is done, or was dropped. */
export function transferProgress(
  cluster: Cluster,
  token: string,
  sessionId: number,
  direction: StageDirection,
): Progress {
  const session = cluster.sessions.get(token)
  if (session?.id !== sessionId || session.stage === 'leaving')
    return { state: 'failed', reason: messages.wasTornDown() }
  const transfers = transfersOf(session, direction)
  const failed = transfers.filter(({ ended: settled }) => settled?.state === 'failed')
  const current = currentTransfer(session)
  if (failed[0] && current?.direction !== direction) {
    const [transfer] = failed
    const reason =
      direction === 'out'
        ? messages.dataKept(token, transfer)
        : messages.transferFailed(nameOf(transfer), transfer.ended!.reason)
    return { state: 'failed', reason }
  }
  if (!current || current.direction !== direction)
    return waitingOrDone(
      [messages.transfersToBegin()],
      transfers.every(({ ended: settled }) => settled !== undefined),
    )
  const waits = waitsOf(cluster, session, current)
  return { state: 'waiting', waitingFor: [withDetail(nameOf(current), waits.join('; '))] }
}

/** True while a transfer of that direction goes on, or has still to begin: neither done nor failed, whatever hosts report. */
export function isTransferring(cluster: Cluster, token: string, direction: StageDirection): boolean {
  const session = cluster.sessions.get(token)
  return session !== undefined && currentTransfer(session)?.direction === direction
}

/** The swap of a host that has mounted the place of its swap file. */
function swapProgress(
  cluster: Cluster,
  session: SessionDocument,
  key: string,
  buffer: BufferDocument,
  host: string,
): Progress {
  const observed = cluster.observed.swap.get(hostKey(host, swapId(session.id, buffer.id)))
  if (observed?.state === 'on') return { state: 'done' }
  if (observed?.problem?.terminal)
    return { state: 'failed', reason: messages.cannotSwap(host, key, observed.problem.message) }
  return { state: 'waiting', waitingFor: [withDetail(messages.hostToSwap(host, key), detailOf(observed))] }
}

/** Done when no compute host that is alive has a buffer of the session mounted. */
export function unmountProgress(cluster: Cluster, token: string, sessionId: number): Progress {
  const session = cluster.sessions.get(token)
  if (session?.id !== sessionId) return { state: 'done' }
  return waitingOrDone(waitingToUnmount(cluster, session))
}

/** Done when it is removed, or waits only for lost hosts, operators and long wipes: Slurm does not wait for these. */
export function teardownProgress(cluster: Cluster, token: string, sessionId: number): Progress {
  const { session, buffer } = tokenStateOf(cluster, token)
  if (session && session.id !== sessionId) return { state: 'done' }
  if (buffer && buffer.wanted !== 'absent') return { state: 'done' }
  const report = buffer && phaseOf(cluster, buffer)
  const ofBuffer = !report || isDeletedInBackground(report) ? [] : report.waitingFor
  const ofSession = session ? [...waitingToUnmount(cluster, session), ...waitingToEndCopies(cluster, session)] : []
  const isBusy = report?.phase === 'deleting' || (session !== undefined && !buffer && !isHidden(cluster, session))
  return waitingOrDone([...ofSession, ...ofBuffer], !isBusy)
}

/** True when a session waits only for lost hosts, or its buffer is blocked or only being wiped: Slurm no longer sees it. */
export function isHidden(cluster: Cluster, session: SessionDocument): boolean {
  if (session.stage !== 'leaving') return false
  if (cluster.sessions.get(session.token)?.id !== session.id) return true
  const buffer = session.buffer === undefined ? undefined : cluster.buffers.get(session.buffer)
  if (buffer) return isDeletedInBackground(phaseOf(cluster, buffer))
  const away = [...session.computeHosts, ...hostsCopying(cluster, session)].filter(
    (host) => !cluster.hosts.has(host) || hasOnlyCutOff(cluster, session, host),
  )
  return (
    away.length > 0 &&
    waitingToUnmount(cluster, session).length === 0 &&
    waitingToEndCopies(cluster, session).length === 0
  )
}

export function adoptProgress(cluster: Cluster, host: string, device: string): Progress {
  const observed = cluster.observed.adopt.get(hostKey(host, device))
  const found = cluster.inventories.get(host)?.devices.find(({ name }) => name === device)
  if (observed?.state === 'done' || found?.state === 'blank') return { state: 'done' }
  if (observed?.problem?.terminal) return { state: 'failed', reason: observed.problem.message }
  const detail = observed?.wiping ? describeWiping(observed.wiping) : detailOf(observed)
  return { state: 'waiting', waitingFor: [withDetail(messages.hostToWipe(host, device), detail)] }
}

/** A host is told to mount when the volume allows its access and has its directory. */
function volumeWait(cluster: Cluster, buffer: BufferDocument, host: string): string {
  return messages.accessToVolume(buffer.volume, host, detailOf(volumeOf(cluster, buffer)))
}

function withDetail(where: string, detail: string): string {
  return detail === '' ? where : `${where}: ${detail}`
}

function detailOf(observed: { problem?: { message: string } | undefined; waitingFor: string[] } | undefined): string {
  return observed?.problem?.message ?? observed?.waitingFor.join(', ') ?? ''
}

function waitingToUnmount(cluster: Cluster, session: SessionDocument): string[] {
  const told = sessionBuffers(cluster, session).flatMap(({ key, buffer }) =>
    hostsUnmounting(cluster, session, buffer).map((host) => {
      const swap = isStillSwapping(cluster, session, buffer, host)
        ? [cluster.observed.swap.get(hostKey(host, swapId(session.id, buffer.id)))]
        : []
      const reports = [
        ...swap,
        ...viewsOf(buffer).map((view) =>
          cluster.observed.mount.get(hostKey(host, mountId(session.id, buffer.id, view))),
        ),
      ]
      const observed = reports.find((report) => report?.problem) ?? reports.find((report) => report?.waitingFor.length)
      return withDetail(hostToUnmount(host, key), detailOf(observed))
    }),
  )
  return [...new Set(told)]
}

function waitingToEndCopies(cluster: Cluster, session: SessionDocument): string[] {
  return hostsCopying(cluster, session)
    .filter((host) => cluster.hosts.has(host))
    .map(messages.hostToStopCopying)
}

function waitingOrDone(waitingFor: string[], isDone: boolean = waitingFor.length === 0): Progress {
  return isDone ? { state: 'done' } : { state: 'waiting', waitingFor }
}
