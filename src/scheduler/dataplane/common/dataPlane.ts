import type { Cluster } from '../../../model/cluster.js'
import type { DesiredRecord } from '../../../model/desiredRecord.js'
import type { BufferDocument, PlacedBrick } from '../../../model/documents/buffer.js'
import type { InventoryDocument } from '../../../model/documents/inventory.js'
import type { DesiredMount, MountView } from '../../../model/documents/mount.js'
import type { DesiredSwap } from '../../../model/documents/swap.js'
import type { DesiredTransfer } from '../../../model/documents/transfer.js'
import type { SessionDocument } from '../../../model/documents/session.js'
import type { ObservedVolume } from '../../../model/documents/volume.js'
import type { SchedulerConfig } from '../../config.js'

/** Whom the scheduler's settings let in beside a session's hosts. */
export type ClientSettings = Pick<SchedulerConfig, 'adminClients' | 'computeNetworks'>

/** Who mounts a buffer: a host, for the session with that id, in that view. */
export interface MountClient {
  host: string
  session: number
  view: MountView
}

/** What a buffer's volume is to be. */
export interface WantedVolume {
  /** The buffer's key, for people. */
  name: string
  /** undefined: it was not begun, and its time has not come. */
  wanted: 'started' | 'absent' | undefined
  settings: ClientSettings
}

/**
 * What makes one file system of a buffer's bricks, as far as the scheduler knows it: all options, commands and limits of it stand
 * behind this. Functions are pure: they read the cluster and the documents, and change nothing.
 */
export interface DataPlane {
  /** A volume name that no buffer has, had and is not rid of yet. `id`: the new buffer's. */
  freeVolumeName(cluster: Cluster, buffer: string, id: number): string
  /** What a new buffer's document says of this plane; a secret in it is another one each time. */
  ofNewBuffer(
    newUuid: () => string,
    /** When it is made, in unix seconds, if it is to be served with TLS. */
    certifiedAt?: number,
  ): Pick<BufferDocument, 'dataPlane' | 'secret' | 'certifiedAt'>
  /** Bricks that were just placed, with what clients find them by; or why they cannot be served. */
  served(cluster: Cluster, bricks: PlacedBrick[]): { bricks: PlacedBrick[] } | { refused: string }
  /** The buffer with bricks that can be served where those of it cannot, as its hosts report; undefined when all can. */
  mended(cluster: Cluster, buffer: BufferDocument): { buffer: BufferDocument; event: string } | undefined
  /** The buffer as it is to be written now that other sessions use it, or time has passed; undefined when nothing changes. */
  renewed(
    cluster: Cluster,
    buffer: BufferDocument,
    context: { newUuid: () => string; now: number },
  ): BufferDocument | undefined
  /** What storage hosts are told of its volume, and of volumes that were begun for it before. */
  desiredVolumes(cluster: Cluster, buffer: BufferDocument, volume: WantedVolume): DesiredRecord[]
  /** Each brick is served as soon as it is ready: its host is told of the volume together with the brick. */
  servesBricksByThemselves: boolean
  /** A brick that is replaced once the volume was begun wants another volume, in directories that no create has touched. */
  startsOverToReplace: boolean
  /** Why its volume can only be made under another name and in fresh brick directories, as a line of its timeline; undefined when it can. */
  whyStartOver(reported: ObservedVolume): string | undefined
  /** Why the hosts of a session that starts cannot be let in beside those that are; undefined when they can. */
  whyNotLetIn(
    cluster: Cluster,
    buffer: BufferDocument,
    starting: SessionDocument,
    settings: ClientSettings,
  ): string | undefined
  /** The bricks let in every host of that session: before that none is told to mount. */
  letsIn(cluster: Cluster, session: SessionDocument, buffer: BufferDocument, settings: ClientSettings): boolean
  /**
   * Makes ahead, in short pieces, what takes time to make of what the buffer's hosts and those clients are told. It is done
   * again for another document of the buffer.
   */
  prepare(cluster: Cluster, buffer: BufferDocument, clients: Iterable<MountClient>): Iterable<void>
  /** What that host mounts the buffer from, in that view, for the session with that id. */
  mountSource(
    cluster: Cluster,
    buffer: BufferDocument,
    view: MountView,
    client: Omit<MountClient, 'view'>,
  ): Pick<DesiredMount, 'volume' | 'servers' | 'direct'>
  /** What a storage host mounts the buffer from, to copy in those of its directories for the session with that id. */
  transferSource(
    buffer: BufferDocument,
    namespace: Pick<DesiredTransfer, 'directory' | 'nodes' | 'template'>,
    session: number,
  ): Pick<DesiredTransfer, 'volume' | 'servers' | 'direct' | 'tls'>
  /** What a swap file's host must find mounted at its place, beside the volume and its directory. */
  swapSource(host: string): Pick<DesiredSwap, 'export'>
  /** The command that mounts a buffer by hand, once it was built and until it leaves. */
  mountCommand(buffer: BufferDocument): string | undefined
  /** What storage hosts must know of one another: all of it, also what they were told before. */
  desiredPeers(cluster: Cluster, isStorageHost: (host: string) => boolean): DesiredRecord[]
  /** Why storage hosts do not come to know one another, in words for an operator. */
  problemsOfPeers(cluster: Cluster, isStorageHost: (host: string) => boolean): string[]
}

type ServedVolume = NonNullable<InventoryDocument['served']>[number]

/** What is said of a volume that a host serves, and no buffer has there; and what operators do about it. */
export interface Unclaimed {
  nameOf(volume: string, host: string): string
  found(served: ServedVolume): string
  remove(host: string, served: ServedVolume): string
}

/** How operators look for volumes by hand, where hosts list them. */
export interface ByHand {
  listVolumes: string
  nameOf(volume: string): string
  notFound(volume: string): string
  remove(volume: string, host: string): string
}
