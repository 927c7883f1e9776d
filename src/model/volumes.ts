import { hostKey, type Cluster } from './cluster.js'
import type { BufferDocument, PlacedBrick } from './documents/buffer.js'
import type { ObservedVolume } from './documents/volume.js'
import { merged, reportOf } from './volumeReports.js'

/*
 * Questions about what serves a buffer's bricks, answered from what its hosts were told and from what they reported. glusterd's
 * volume is told to one host at a time, and has a report of its own; of the data plane `direct` each host is told what it serves
 * itself, and the volume is what their reports say together.
 */

/**
 * The host that makes and removes a volume of the buffer, one host at a time: the one that was told of the volume, as
 * long as it is alive; else brick 0's, or the first of the buffer's hosts that is alive. It may name a lost host when
 * all are lost.
 */
export function primaryOf(cluster: Cluster, buffer: BufferDocument, volume: string = buffer.volume): string {
  const told = hostsOf(buffer).find(
    (host) => cluster.hosts.has(host) && cluster.desired.volume.get(hostKey(host, volume))?.buffer.id === buffer.id,
  )
  const alive = buffer.bricks.find((brick) => cluster.hosts.has(brick.host))
  return told ?? (alive ?? buffer.bricks[0]!).host
}

/**
 * The volume as its primary reported it, or as another of the buffer's hosts did when the primary changed. Undefined
 * before the first report; one of an earlier buffer with the same volume name does not count.
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

/** Some host was told of this volume, so that it may exist. */
export function wasBegun(cluster: Cluster, buffer: BufferDocument, volume: string = buffer.volume): boolean {
  if (buffer.builtAt !== undefined || volume !== buffer.volume) return true
  if (volumeOf(cluster, buffer, volume)) return true
  return hostsOf(buffer).some((host) => cluster.desired.volume.get(hostKey(host, volume))?.buffer.id === buffer.id)
}

/** It was never begun, or its going was seen. */
export function isVolumeGone(cluster: Cluster, buffer: BufferDocument, volume: string = buffer.volume): boolean {
  if (buffer.dataPlane === 'direct') return hostsOf(buffer).every((host) => isGoneFrom(cluster, buffer, host))
  return !wasBegun(cluster, buffer, volume) || volumeOf(cluster, buffer, volume)?.state === 'absent'
}

/** Of the data plane `direct`: that host was never told to serve a brick of it, or reports that it serves none. */
export function isGoneFrom(cluster: Cluster, buffer: BufferDocument, host: string): boolean {
  const observed = reportOf(cluster, buffer, host)
  if (observed) return observed.state === 'absent'
  // Of one that was built it is not known what was told before, as after a restore.
  return (
    buffer.builtAt === undefined && cluster.desired.volume.get(hostKey(host, buffer.volume))?.buffer.id !== buffer.id
  )
}

/** Of the data plane `direct`: those that serve a brick of it, or may. */
export function hostsServing(cluster: Cluster, buffer: BufferDocument): string[] {
  return hostsOf(buffer).filter((host) => !isGoneFrom(cluster, buffer, host))
}

/** Nothing serves this brick any more, nor will: it may be taken away once nobody has the buffer mounted. */
export function isUnserved(cluster: Cluster, buffer: BufferDocument, brick: PlacedBrick): boolean {
  if (buffer.dataPlane !== 'direct') return isVolumeStopped(cluster, buffer)
  return isGoneFrom(cluster, buffer, brick.host)
}

/** A brick that was replaced: its host is told, if it was told of it at all, of a volume without it. */
export function isReplaced(cluster: Cluster, buffer: BufferDocument, { host, device }: PlacedBrick): boolean {
  const told = cluster.desired.volume.get(hostKey(host, buffer.volume))
  return told?.type !== 'direct' || !told.bricks.some((brick) => brick.device === device)
}

/** Nothing serves the volume any more, so its bricks may be taken away; a record of it may be left. */
export function isVolumeStopped(cluster: Cluster, buffer: BufferDocument, volume: string = buffer.volume): boolean {
  return isVolumeGone(cluster, buffer, volume) || volumeOf(cluster, buffer, volume)?.stopped === true
}

/** All that have, or had, a brick of it or of one of its volumes. */
export function hostsOf({ bricks, released, formerVolumes }: BufferDocument): string[] {
  const former = formerVolumes.flatMap((volume) => volume.bricks)
  return [...new Set([...bricks, ...released, ...former].map(({ host }) => host))]
}
