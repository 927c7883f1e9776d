import { isDeepStrictEqual } from 'node:util'
import type { BufferDocument } from '../../model/documents/buffer.js'
import { type AnyDesired, isOfSession } from '../../model/documents/desired.js'
import type { HostDocument } from '../../model/documents/host.js'
import type { InventoryDevice, InventoryDocument } from '../../model/documents/inventory.js'
import type { SessionDocument } from '../../model/documents/session.js'
import type { ClusterCache, CacheEvent } from './cache.js'

/** The buffers and sessions, by id, that changes of the cluster concern, and whether anything that belongs to neither is concerned. */
export class Concerned {
  readonly buffers = new Set<number>()
  readonly sessions = new Set<number>()
  others = false

  /** `follows`: whether a host's change counts now. */
  constructor(private readonly follows: (host: string) => boolean = () => true) {}

  /** All buffers and sessions, and every owner that desired keys name, so that orphans are found. */
  addAll(cache: ClusterCache): void {
    for (const { id } of cache.buffers.values()) this.buffers.add(id)
    for (const { id } of cache.sessions.values()) this.sessions.add(id)
    const owners = cache.index.desiredOwners()
    for (const id of owners.buffers) this.buffers.add(id)
    for (const id of owners.sessions) this.sessions.add(id)
    this.others = true
  }

  addTouched(cache: ClusterCache, touched: readonly CacheEvent[]): void {
    for (const change of touched) this.addOne(cache, change)
  }

  /** What depends on whether a host is alive, on its boot, its addresses or its release. */
  addHost(cache: ClusterCache, host: string): void {
    for (const id of cache.index.buffersAt(host)) {
      this.buffers.add(id)
      const key = cache.index.bufferKey(id)
      if (key !== undefined) this.addUsers(cache, key)
    }
    for (const id of cache.index.sessionsAt(host)) this.addSessionOf(cache, id)
    if (!cache.isStorageHost(host)) return
    this.others = true
    if (cache.inventories.has(host)) this.addUnbuilt(cache)
  }

  private addOne(cache: ClusterCache, { parsed, before, after }: CacheEvent): void {
    switch (parsed.collection) {
      case 'buffers':
        for (const buffer of [before, after] as (BufferDocument | undefined)[]) {
          if (!buffer) continue
          this.buffers.add(buffer.id)
          this.addUsers(cache, parsed.name)
        }
        return
      case 'sessions':
        for (const session of [before, after] as (SessionDocument | undefined)[]) {
          if (session) this.addSession(cache, session)
        }
        return
      case 'mountpoints': {
        const buffer = cache.buffers.get(parsed.name)
        if (buffer) this.buffers.add(buffer.id)
        return
      }
      case 'hosts':
        // A host that came, went or was restarted changes primaries, phases and what is waited for; another document of
        // it does not.
        if (!before === !after && reachOf(before) === reachOf(after)) return
        if (this.follows(parsed.host)) this.addHost(cache, parsed.host)
        return
      case 'inventory':
        if (hasMoreBlank(devicesIn(before), devicesIn(after))) this.addUnbuilt(cache)
        return
      case 'cordons':
        return this.addUnbuilt(cache)
      case 'desired':
        for (const desired of [before, after] as (AnyDesired | undefined)[]) if (desired) this.addOwner(desired)
        if (parsed.kind === 'peer' || parsed.kind === 'adopt') this.others = true
        return
      case 'observed':
        return this.addObserved(cache, parsed)
      default:
        return
    }
  }

  /** There may now be a device for a brick that could not be replaced. */
  private addUnbuilt(cache: ClusterCache): void {
    for (const id of cache.index.unbuiltBuffers()) this.buffers.add(id)
  }

  private addObserved(cache: ClusterCache, { host, kind, id }: { host: string; kind: string; id: string }): void {
    if (kind === 'brick') {
      const owner = cache.index.ownerOf(host, id)
      if (owner !== undefined) this.buffers.add(owner)
    } else if (kind === 'volume') {
      for (const report of [cache.observed.volume, cache.desired.volume]) {
        const found = report.get(`${host}/${id}`)
        if (!found) continue
        const buffer = 'buffer' in found ? found.buffer.id : found.bufferId
        this.buffers.add(buffer)
        // Their mounts wait until the volume allows their access.
        const key = cache.index.bufferKey(buffer)
        if (key !== undefined) this.addUsers(cache, key)
      }
    } else if (kind === 'mount' || kind === 'swap') {
      const [session, buffer] = id.split('.').map(Number)
      if (Number.isInteger(session)) this.sessions.add(session!)
      if (Number.isInteger(buffer)) this.buffers.add(buffer!)
    } else if (kind === 'transfer') {
      const session = Number(id.split('.')[0])
      if (Number.isInteger(session)) this.addSessionOf(cache, session)
    } else {
      this.others = true
    }
  }

  private addOwner(desired: AnyDesired): void {
    if (isOfSession(desired)) this.sessions.add(desired.session.id)
    if ('buffer' in desired) this.buffers.add(desired.buffer.id)
  }

  private addSessionOf(cache: ClusterCache, id: number): void {
    this.sessions.add(id)
    const found = cache.sessionById(id)
    if (found) this.addSession(cache, found.session)
  }

  private addSession(cache: ClusterCache, session: SessionDocument): void {
    this.sessions.add(session.id)
    for (const key of [...(session.buffer === undefined ? [] : [session.buffer]), ...session.uses]) {
      const buffer = cache.buffers.get(key)
      if (buffer) this.buffers.add(buffer.id)
    }
  }

  private addUsers(cache: ClusterCache, bufferKey: string): void {
    for (const { id } of cache.index.sessionsUsing(bufferKey)) this.sessions.add(id)
  }
}

function devicesIn(document: unknown): InventoryDevice[] {
  return (document as InventoryDocument | undefined)?.devices ?? []
}

/** A device became blank, or a blank one changed; others are given to nobody. */
function hasMoreBlank(before: InventoryDevice[], after: InventoryDevice[]): boolean {
  const known = new Map(before.map((device) => [device.name, device]))
  return after.some((device) => device.state === 'blank' && !isDeepStrictEqual(device, known.get(device.name)))
}

function reachOf(document: unknown): string {
  const { roles, addresses, boot, versions } = (document ?? { roles: [], addresses: [], versions: {} }) as Pick<
    HostDocument,
    'roles' | 'addresses' | 'boot' | 'versions'
  >
  return [...roles, '', ...addresses, '', boot, versions['documents']].join()
}
