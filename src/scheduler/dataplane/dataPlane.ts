import type { Cluster } from '../../model/cluster.js'
import type { DesiredRecord } from '../../model/desiredRecord.js'
import type { BufferDocument } from '../../model/documents/buffer.js'
import type { DesiredMount } from '../../model/documents/mount.js'
import type { SessionDocument } from '../../model/documents/session.js'
import type { GlusterfsVolume, ObservedVolume } from '../../model/documents/volume.js'
import type { SchedulerConfig } from '../config.js'

/** Whom the scheduler's settings let in beside a session's hosts. */
export type ClientSettings = Pick<SchedulerConfig, 'adminClients' | 'computeNetworks'>

/** What a volume's document says that the plane alone understands; what every plane has, `desired/buffer.ts` adds. */
export type VolumeSpec = Pick<GlusterfsVolume, 'type' | 'options'>

/**
 * What makes one file system of a buffer's bricks, as far as the scheduler knows it: all options, commands and limits of it stand
 * behind this. Functions are pure: they read the cluster and the documents, and change nothing.
 */
export interface DataPlane {
  /** A volume name that no buffer has, had and is not rid of yet. `id`: the new buffer's. */
  freeVolumeName(cluster: Cluster, buffer: string, id: number): string
  volumeSpec(cluster: Cluster, buffer: BufferDocument, settings: ClientSettings): VolumeSpec
  /** Why its volume can only be made under another name and in fresh brick directories, as a line of its timeline; undefined when it can. */
  whyStartOver(reported: ObservedVolume): string | undefined
  /** Why the hosts of a session that starts cannot be let in beside those that are; undefined when they can. */
  whyNotLetIn(
    cluster: Cluster,
    buffer: BufferDocument,
    starting: SessionDocument,
    settings: ClientSettings,
  ): string | undefined
  /** The bricks let in everyone whom they should: before that no host is told to mount. */
  letsIn(cluster: Cluster, buffer: BufferDocument, settings: ClientSettings): boolean
  /** What a host mounts the buffer from. */
  mountSource(buffer: BufferDocument): Pick<DesiredMount, 'volume' | 'servers'>
  /** The command that mounts a buffer by hand, once it was built and until it leaves. */
  mountCommand(buffer: BufferDocument): string | undefined
  /** What storage hosts must know of one another. */
  desiredPeers(cluster: Cluster): DesiredRecord[]
  /** How operators look for volumes by hand. */
  byHand: {
    listVolumes: string
    nameOf(volume: string): string
    notFound(volume: string): string
    remove(volume: string, host: string): string
  }
}
