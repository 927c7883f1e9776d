import {
  hostKey,
  brickPath,
  bufferKey,
  type Cluster,
  desiredOf,
  lastKnown,
  mountId,
  mountIdOf,
  swapId,
} from './cluster.js'
import { hostsCopying, unsaved } from './transfers.js'
import type { ObservedBrick } from './documents/brick.js'
import type { BufferDocument, PlacedBrick } from './documents/buffer.js'
import { type DesiredMount, type MountView, mountViews } from './documents/mount.js'
import type { SessionDocument } from './documents/session.js'
import type { ObservedVolume } from './documents/volume.js'

/** Questions about one buffer, answered from its document and from what the agents observed. */

/** The buffer's hosts in the volume's order: whom a client asks for the volume. */
export function serversOf(buffer: BufferDocument): string[] {
  return [...new Set(buffer.bricks.map((brick) => brick.host))]
}

/**
 * The volume's bricks in their order: the host, and the absolute path of the directory that is exported there.
 */
export function volumeBricks(buffer: BufferDocument): { host: string; path: string }[] {
  return buffer.bricks.map(({ host, device }) => ({ host, path: brickPath(device, buffer.directory) }))
}

/** An agent's report on this very brick; reports on an earlier brick of that device do not count. */
export function observedBrickOf(cluster: Cluster, brick: PlacedBrick): ObservedBrick | undefined {
  const observed = cluster.observed.brick.get(hostKey(brick.host, brick.device))
  // guard: report-of-brick
  return observed?.uuid === brick.uuid ? observed : undefined
}

/**
 * The agent has reported the brick formatted, mounted and stamped, with the buffer's present directory, and since the
 * host's last restart.
 */
export function isReady(cluster: Cluster, buffer: BufferDocument, brick: PlacedBrick): boolean {
  const observed = observedBrickOf(cluster, brick)
  return (
    observed?.state === 'ready' && observed.directory === buffer.directory && !isOfEarlierBoot(cluster, brick, observed)
  )
}

/**
 * The report was made before the host was restarted: its agent has not looked since. False where either boot is not
 * known.
 */
export function isOfEarlierBoot(
  cluster: Cluster,
  { host }: { host: string },
  { boot }: { boot?: string | undefined },
): boolean {
  const now = cluster.hosts.get(host)?.boot
  return now !== undefined && boot !== undefined && boot !== now
}

/** The boot ids of the buffer's hosts that report theirs, by host; of one that is away the last. */
export function bootsOf(cluster: Cluster, buffer: BufferDocument): Record<string, string> {
  return Object.fromEntries(
    serversOf(buffer).flatMap((host) => {
      const boot = lastKnown(cluster, host)?.boot
      return boot === undefined ? [] : [[host, boot]]
    }),
  )
}

/**
 * Hosts of its bricks that were restarted since the volume was looked at: what serves their bricks is not known. Empty
 * when the report names no boots, as those of the first release.
 */
export function hostsRestarted(cluster: Cluster, buffer: BufferDocument, { boots }: ObservedVolume): string[] {
  if (boots === undefined) return []
  return Object.entries(bootsOf(cluster, buffer)).flatMap(([host, boot]) => (boots[host] === boot ? [] : [host]))
}

/** Sessions that made or use the buffer, whatever stage they are in, its own session among them. */
export function sessionsUsing(cluster: Cluster, buffer: BufferDocument): readonly SessionDocument[] {
  const key = bufferKey(cluster, buffer)
  if (cluster.index) return cluster.index.sessionsUsing(key)
  return [...cluster.sessions.values()].filter((s) => s.buffer === key || s.uses.includes(key))
}

/** The session may still mount its buffers, has them mounted for a job that runs, or has data in them to be staged out. */
export function isLive(session: SessionDocument): boolean {
  return ['setup', 'staging-in', 'staged-in', 'running'].includes(session.stage) || unsaved(session).length > 0
}

/** Jobs that prevent the deletion of a buffer. Its own session is not among them. */
export function jobsHolding(cluster: Cluster, buffer: BufferDocument): SessionDocument[] {
  return sessionsUsing(cluster, buffer).filter((session) => session.kind === 'job' && isLive(session))
}

/**
 * Hosts that were told to mount the buffer for that session, in any mode, and have not reported that they unmounted it. Lost hosts are
 * among them.
 */
export function hostsMounting(cluster: Cluster, session: SessionDocument, buffer: { id: number }): string[] {
  return session.computeHosts.filter((host) =>
    mountViews.some((view) => isStillMounted(cluster, session, buffer, host, view)),
  )
}

/** True when that host was told to mount that view of the buffer, and has not reported that it unmounted it. */
export function isStillMounted(
  cluster: Cluster,
  session: { id: number },
  buffer: { id: number },
  host: string,
  view: MountView,
): boolean {
  const key = hostKey(host, mountId(session.id, buffer.id, view))
  const known = cluster.observed.mount.has(key) || cluster.desired.mount.has(key)
  return known && cluster.observed.mount.get(key)?.state !== 'absent'
}

/** True when that host could not unmount the buffer in time: it is treated like a lost host, and only its session waits for it. */
export function isCutOff({ cutOff = [] }: SessionDocument, buffer: { id: number }, host: string): boolean {
  return cutOff.some((entry) => entry.host === host && entry.buffer === buffer.id)
}

/** Of that session the host has nothing left but what it was cut off from. */
export function hasOnlyCutOff(cluster: Cluster, session: SessionDocument, host: string): boolean {
  if (!session.cutOff?.some((entry) => entry.host === host)) return false
  const mounts = desiredOf(cluster, 'mount', session).filter((told) => told.host === host)
  const swaps = desiredOf(cluster, 'swap', session).filter((told) => told.host === host)
  return (
    mounts.every(
      ({ document }) =>
        cluster.observed.mount.get(hostKey(host, mountIdOf(document)))?.state === 'absent' ||
        isCutOff(session, document.buffer, host),
    ) && swaps.every(({ document }) => !isStillSwapping(cluster, session, document.buffer, host))
  )
}

/** Hosts that have not unmounted since they were cut off, each with the session and the buffer as it was told. */
export function cutOffHosts(cluster: Cluster): { host: string; session: SessionDocument; mount: DesiredMount }[] {
  return [...cluster.sessions.values()].flatMap((session) =>
    session.cutOff === undefined
      ? []
      : desiredOf(cluster, 'mount', session)
          .filter(({ host, document }) => isCutOff(session, document.buffer, host))
          .filter(({ host, document }) =>
            isStillMounted(cluster, session, document.buffer, host, document.view ?? 'striped'),
          )
          .map(({ host, document }) => ({ host, session, mount: document })),
  )
}

/** Those of `mountsLeft` that are alive and were not cut off: they can still unmount normally. */
export function hostsUnmounting(cluster: Cluster, session: SessionDocument, buffer: { id: number }): string[] {
  return hostsMounting(cluster, session, buffer).filter(
    (host) => cluster.hosts.has(host) && /* guard: cut-off-stays */ !isCutOff(session, buffer, host),
  )
}

/** True when that host was told to swap on the buffer, and has not reported that its swap is off. */
export function isStillSwapping(
  cluster: Cluster,
  session: { id: number },
  buffer: { id: number },
  host: string,
): boolean {
  const key = hostKey(host, swapId(session.id, buffer.id))
  const known = cluster.observed.swap.has(key) || cluster.desired.swap.has(key)
  return known && cluster.observed.swap.get(key)?.state !== 'absent'
}

/**
 * Hosts that are alive and must still unmount the buffer before its volume is stopped: compute nodes of all sessions,
 * and storage hosts that copy. Each once.
 */
export function hostsToUnmount(cluster: Cluster, buffer: BufferDocument): string[] {
  const hosts = sessionsUsing(cluster, buffer).flatMap((session) => [
    ...hostsUnmounting(cluster, session, buffer),
    // guard: copies-ended
    ...hostsCopying(cluster, session, buffer),
  ])
  return [...new Set(hosts)].filter((host) => cluster.hosts.has(host))
}
