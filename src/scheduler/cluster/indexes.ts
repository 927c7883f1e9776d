import { hostKey, type Cluster, type ClusterIndex, type MountCounts } from '../../model/cluster.js'
import type { BufferDocument } from '../../model/documents/buffer.js'
import { type AnyDesired, type Desired, isOfSession, type SessionKind } from '../../model/documents/desired.js'
import type { InventoryDevice } from '../../model/documents/inventory.js'
import type { SessionDocument } from '../../model/documents/session.js'
import type { PoolRequest, PoolSpace } from '../../model/space.js'
import type { Spare } from '../../model/documents/brick.js'
import { isSpare } from '../../model/spares.js'
import { hostsOf, volumesOf } from '../../model/volumes.js'
import { Claims } from './claims.js'
import { claimedBy } from './devices.js'
import { SharedDisks } from './sharedDisks.js'
import { SessionMounts } from './sessionMounts.js'
import { Spaces } from './space.js'

/** Answers for which a full scan would be too slow with a thousand hosts and ten thousand buffers. */
export class Indexes implements ClusterIndex {
  private readonly bufferKeys = new Map<number, string>()
  private readonly sessionKeys = new Map<number, string>()
  private readonly users = new Map<string, Map<string, SessionDocument>>()
  private readonly ofBuffer = new Map<number, Set<string>>()
  private readonly ofSession = new Map<number, Map<string, { host: string; document: Desired[SessionKind] }>>()
  private readonly owners = new Map<string, number>()
  /** By host: the buffers that have, or had, a brick there. */
  private readonly buffersByHost = new Map<string, Set<number>>()
  /** By host: the sessions whose nodes it is among. */
  private readonly sessionsByHost = new Map<string, Set<number>>()
  private readonly unbuilt = new Set<number>()
  private readonly disks = new SharedDisks()
  private readonly spaces: Spaces
  readonly mounts = new SessionMounts()
  readonly claimedDevices = new Claims()
  readonly volumeNames = new Claims()
  readonly spares = new Map<string, Spare>()

  constructor(cluster: Cluster) {
    this.spaces = new Spaces(cluster)
  }

  get sharedDisks(): ReadonlyMap<string, string> {
    return this.disks.shared
  }

  spaceOf(request: PoolRequest): PoolSpace {
    return this.spaces.of(request)
  }

  mountsOf(sessionId: number): MountCounts {
    return this.mounts.of(sessionId)
  }

  /** Ids of the buffers that have, or had, a brick on that host. */
  buffersAt(host: string): Iterable<number> {
    return this.buffersByHost.get(host) ?? []
  }

  /** Ids of the sessions whose nodes that host is among. */
  sessionsAt(host: string): Iterable<number> {
    return this.sessionsByHost.get(host) ?? []
  }

  /** Ids of the buffers that were not built yet. */
  unbuiltBuffers(): Iterable<number> {
    return this.unbuilt
  }

  /** Key of the buffer's document by its id. */
  bufferKey(id: number): string | undefined {
    return this.bufferKeys.get(id)
  }

  sessionKey(id: number): string | undefined {
    return this.sessionKeys.get(id)
  }

  sessionsUsing(bufferKey: string) {
    return [...(this.users.get(bufferKey)?.values() ?? [])]
  }

  desiredOf<K extends SessionKind>(kind: K, sessionId: number): { host: string; document: Desired[K] }[] {
    return [...(this.ofSession.get(sessionId)?.values() ?? [])].filter(
      (one): one is { host: string; document: Desired[K] } => one.document.kind === kind,
    )
  }

  /** Every brick and volume key in `desired/` that is of the buffer with this id. */
  keysOfBuffer(id: number): ReadonlySet<string> {
    return this.ofBuffer.get(id) ?? new Set()
  }

  /** Every mount, transfer and swap key in `desired/` that is of the session with this id. */
  keysOfSession(id: number): ReadonlySet<string> {
    return new Set(this.ofSession.get(id)?.keys() ?? [])
  }

  /** Ids that desired keys name. */
  desiredOwners(): { buffers: Iterable<number>; sessions: Iterable<number> } {
    return { buffers: this.ofBuffer.keys(), sessions: this.ofSession.keys() }
  }

  /** Id of the buffer that a device was given to. */
  ownerOf(host: string, device: string): number | undefined {
    return this.owners.get(hostKey(host, device))
  }

  addBuffer(key: string, buffer: BufferDocument | undefined): void {
    if (!buffer) return
    this.bufferKeys.set(buffer.id, key)
    for (const { host, device } of [...buffer.bricks, ...buffer.released])
      this.owners.set(hostKey(host, device), buffer.id)
    if (buffer.builtAt === undefined) this.unbuilt.add(buffer.id)
    this.claimedDevices.add(claimedBy(buffer))
    this.volumeNames.add(volumesOf(buffer))
    for (const host of hostsOf(buffer)) {
      entryOf(this.buffersByHost, host, () => new Set()).add(buffer.id)
      this.spaces.touch(host)
    }
  }

  /** A buffer that is archived may be under its new key before it is gone from the old one. */
  removeBuffer(key: string, buffer: BufferDocument | undefined): void {
    if (!buffer) return
    this.claimedDevices.remove(claimedBy(buffer))
    this.volumeNames.remove(volumesOf(buffer))
    for (const host of hostsOf(buffer)) this.spaces.touch(host)
    if (this.bufferKeys.get(buffer.id) !== key) return
    this.bufferKeys.delete(buffer.id)
    this.unbuilt.delete(buffer.id)
    for (const host of hostsOf(buffer)) removeFrom(this.buffersByHost, host, buffer.id)
    for (const { host, device } of [...buffer.bricks, ...buffer.released]) {
      if (this.owners.get(hostKey(host, device)) === buffer.id) this.owners.delete(hostKey(host, device))
    }
  }

  addSession(key: string, session: SessionDocument | undefined): void {
    if (!session) return
    this.sessionKeys.set(session.id, key)
    for (const buffer of buffersOf(session)) entryOf(this.users, buffer, () => new Map()).set(key, session)
    for (const host of session.computeHosts) entryOf(this.sessionsByHost, host, () => new Set()).add(session.id)
  }

  removeSession(key: string, session: SessionDocument | undefined): void {
    if (!session) return
    for (const buffer of buffersOf(session)) removeFrom(this.users, buffer, key)
    if (this.sessionKeys.get(session.id) !== key) return
    this.sessionKeys.delete(session.id)
    for (const host of session.computeHosts) removeFrom(this.sessionsByHost, host, session.id)
  }

  /** Its host may have come or gone, or something of it was cordoned. */
  touchDevices(host: string): void {
    this.spaces.touch(host)
  }

  replaceDevices(host: string, before: readonly InventoryDevice[], after: readonly InventoryDevice[]): void {
    this.spaces.touch(host)
    for (const other of this.disks.replace(host, before, after)) this.spaces.touch(other)
  }

  addDesired(key: string, host: string, document: AnyDesired | undefined): void {
    if (!document) return
    if (document.kind === 'brick') {
      this.spaces.touch(host)
      // No buffer owns a spare: nobody but the scheduler's spares writes or deletes its document.
      if (isSpare(document)) return void this.spares.set(hostKey(host, document.device), document)
    }
    if (isOfSession(document)) {
      entryOf(this.ofSession, document.session.id, () => new Map()).set(key, { host, document })
    } else if ('buffer' in document) {
      entryOf(this.ofBuffer, document.buffer.id, () => new Set()).add(key)
    }
  }

  removeDesired(key: string, host: string, document: AnyDesired | undefined): void {
    if (!document) return
    if (document.kind === 'brick') {
      this.spaces.touch(host)
      if (isSpare(document)) return void this.spares.delete(hostKey(host, document.device))
    }
    if (isOfSession(document)) removeFrom(this.ofSession, document.session.id, key)
    else if ('buffer' in document) removeFrom(this.ofBuffer, document.buffer.id, key)
  }
}

function buffersOf({ buffer, uses }: SessionDocument): string[] {
  return buffer === undefined ? uses : [buffer, ...uses]
}

function entryOf<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let found = map.get(key)
  if (found === undefined) map.set(key, (found = make()))
  return found
}

/** Deletes empty entries, so that names of deleted buffers do not pile up. */
function removeFrom<K, M>(map: Map<K, Map<M, unknown> | Set<M>>, key: K, member: M): void {
  const found = map.get(key)
  found?.delete(member)
  if (found?.size === 0) map.delete(key)
}
