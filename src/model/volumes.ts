import { hostKey, type Cluster } from './cluster.js'
import type { BufferDocument, PlacedBrick } from './documents/buffer.js'
import type { ObservedVolume } from './documents/volume.js'
import { fingerprintOf } from './fingerprint.js'
import { merged, reportOf } from './volumeReports.js'

/*
 * Questions about what serves a buffer's bricks, answered from the desired documents of its hosts and from their reports. With
 * glusterd, one host at a time has the desired document of the volume, and reports on the whole volume. With the data plane
 * `direct`, each host has a document of what it serves itself, and the state of the volume is the sum of their reports.
 */

/**
 * The host that creates and deletes a volume of the buffer, one host at a time: the one that has its desired document, as
 * long as it is alive; otherwise the host of brick 0, or the first of the buffer's hosts that is alive. When all are
 * lost, it is a lost host.
 */
export function primaryOf(cluster: Cluster, buffer: BufferDocument, volume: string = buffer.volume): string {
  const told = hostsOf(buffer).find(
    (host) => cluster.hosts.has(host) && cluster.desired.volume.get(hostKey(host, volume))?.buffer.id === buffer.id,
  )
  const alive = buffer.bricks.find((brick) => cluster.hosts.has(brick.host))
  return told ?? (alive ?? buffer.bricks[0]!).host
}

/**
 * The volume as its primary reported it, or another of the buffer's hosts when the primary changed. Undefined before the
 * first report. A report on an earlier buffer with the same volume name does not count.
 */
export function volumeOf(
  cluster: Cluster,
  buffer: BufferDocument,
  volume: string = buffer.volume,
): ObservedVolume | undefined {
  if (buffer.dataPlane === 'direct') return merged(cluster, buffer)
  for (const host of new Set([primaryOf(cluster, buffer, volume), ...hostsOf(buffer)])) {
    const observed = cluster.observed.volume.get(hostKey(host, volume))
    if (observed?.bufferId === buffer.id) return observed
  }
  return undefined
}

/** True when some host has, or had, a desired document of this volume, so that the volume may exist. */
export function wasBegun(cluster: Cluster, buffer: BufferDocument, volume: string = buffer.volume): boolean {
  if (buffer.builtAt !== undefined || volume !== buffer.volume) return true
  if (volumeOf(cluster, buffer, volume)) return true
  return hostsOf(buffer).some((host) => cluster.desired.volume.get(hostKey(host, volume))?.buffer.id === buffer.id)
}

/** True when the volume was never begun, or is reported deleted. */
export function isVolumeGone(cluster: Cluster, buffer: BufferDocument, volume: string = buffer.volume): boolean {
  if (buffer.dataPlane === 'direct') return hostsOf(buffer).every((host) => isGoneFrom(cluster, buffer, host))
  return !wasBegun(cluster, buffer, volume) || volumeOf(cluster, buffer, volume)?.state === 'absent'
}

/** For the data plane `direct`: true when that host was never told to serve a brick of the volume, or reports that it serves none. */
export function isGoneFrom(cluster: Cluster, buffer: BufferDocument, host: string): boolean {
  const found = cluster.desired.volume.get(hostKey(host, buffer.volume))
  const told = found?.buffer.id === buffer.id ? found : undefined
  const observed = reportOf(cluster, buffer, host)
  // After a restore, for example, it is not known what hosts of a built buffer were told before.
  if (!observed) return buffer.builtAt === undefined && !told
  // guard: served-no-more
  if (observed.state !== 'absent') return false
  // A host that had a brick of the buffer before, and lost it to another host, has reported that earlier brick gone.
  return told?.type !== 'direct' || observed.allow === fingerprintOf(told)
}

/**
 * For the data plane `direct`: true for a host that has no brick of the buffer any more, and has not ended all that served one
 * there: its ports may be open to the buffer's clients.
 */
export function isLeftOn(cluster: Cluster, buffer: BufferDocument, host: string): boolean {
  if (buffer.dataPlane !== 'direct' || buffer.bricks.some((brick) => brick.host === host)) return false
  const isTold = cluster.desired.volume.get(hostKey(host, buffer.volume))?.buffer.id === buffer.id
  return (isTold || reportOf(cluster, buffer, host) !== undefined) && !isGoneFrom(cluster, buffer, host)
}

/** For the data plane `direct`: the hosts that serve a brick of the volume, or may serve one. */
export function hostsServing(cluster: Cluster, buffer: BufferDocument): string[] {
  return hostsOf(buffer).filter((host) => !isGoneFrom(cluster, buffer, host))
}

/** True when nothing serves this brick, or will: it may be unmounted and wiped once nobody has the buffer mounted. */
export function isUnserved(cluster: Cluster, buffer: BufferDocument, brick: PlacedBrick): boolean {
  if (buffer.dataPlane !== 'direct') return isVolumeStopped(cluster, buffer)
  return isGoneFrom(cluster, buffer, brick.host)
}

/** True for a brick that was replaced, when the desired document of its host no longer contains it. */
export function isReplaced(cluster: Cluster, buffer: BufferDocument, { host, device }: PlacedBrick): boolean {
  const told = cluster.desired.volume.get(hostKey(host, buffer.volume))
  return told?.type !== 'direct' || !told.bricks.some((brick) => brick.device === device)
}

/** True when nothing serves the volume any more, so that its bricks may be wiped; a record of it may be left. */
export function isVolumeStopped(cluster: Cluster, buffer: BufferDocument, volume: string = buffer.volume): boolean {
  return isVolumeGone(cluster, buffer, volume) || volumeOf(cluster, buffer, volume)?.stopped === true
}

/** All hosts that have, or had, a brick of the buffer or of one of its volumes. */
export function hostsOf({ bricks, released, formerVolumes }: BufferDocument): string[] {
  const former = formerVolumes.flatMap((volume) => volume.bricks)
  return [...new Set([...bricks, ...released, ...former].map(({ host }) => host))]
}

/** The buffer's volume, and those that were begun for it before and may exist still. */
export function volumesOf({ volume, formerVolumes }: BufferDocument): string[] {
  return [volume, ...formerVolumes.map((former) => former.volume)]
}
