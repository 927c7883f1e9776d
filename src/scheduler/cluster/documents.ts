import type { ZodType } from 'zod'
import type { Log } from '../../daemon/log.js'
import { hostKey, type Cluster, emptyByKind, type IgnoredReport } from '../../model/cluster.js'
import type { BufferDocument } from '../../model/documents/buffer.js'
import type { LeaderDocument } from '../../model/documents/cluster.js'
import type { CordonDocument } from '../../model/documents/cordon.js'
import type { AnyDesired, Desired, DesiredKind } from '../../model/documents/desired.js'
import type { HostDocument } from '../../model/documents/host.js'
import type { InventoryDocument } from '../../model/documents/inventory.js'
import type { AnyObserved, Observed } from '../../model/documents/observed.js'
import type { SessionDocument } from '../../model/documents/session.js'
import { levelOfHost, levels } from '../../model/levels.js'
import { readDesired, readDocument, readObserved, collectionSchemas } from '../../store/documents.js'
import { keys, type ParsedKey, parseKey } from '../../store/keys.js'
import type { Entry } from '../../store/store.js'
import { Indexes } from './indexes.js'
import { StorageHosts } from './storageHosts.js'
import { OrphanReports } from './orphanReports.js'

/*
 * The documents of the cluster, by what they are about. Documents that do not match their schema are left out, listed in `invalid`
 * and logged.
 *
 * What only a storage host may report counts only for hosts that the configuration names as such (`StorageHosts`).
 *
 * INVARIANT: `revisions` holds the key of everything that was taken in, except reports that are forgotten (`OrphanReports`).
 */
export class ClusterDocuments implements Cluster {
  readonly hosts = new Map<string, HostDocument>()
  /** Of storage hosts alone. */
  readonly lastSeen = new Map<string, HostDocument>()
  readonly inventories = new Map<string, InventoryDocument>()
  readonly ignored: ReadonlyMap<string, IgnoredReport>
  readonly cordons = new Map<string, CordonDocument>()
  readonly buffers = new Map<string, BufferDocument>()
  readonly sessions = new Map<string, SessionDocument>()
  readonly desired = emptyByKind<Desired>()
  readonly observed = emptyByKind<Observed>()
  readonly invalid = new Map<string, string>()
  readonly mountpoints = new Map<string, string>()
  lastId = 0
  leader: { document: LeaderDocument; createRevision: number } | undefined
  /** Who asked to lead, and when. */
  leaderWanted: { value: unknown; modRevision: number } | undefined
  readonly index: Indexes = new Indexes(this)

  private readonly revisions = new Map<string, number>()
  /** The level of documents of each host that was ever alive; a host that is lost keeps its last. */
  private readonly levels = new Map<string, number | undefined>()
  private readonly storageHosts: StorageHosts
  private readonly orphans = new OrphanReports()

  constructor(
    protected readonly log: Log,
    patterns: readonly string[],
  ) {
    this.storageHosts = new StorageHosts(patterns)
    this.ignored = this.storageHosts.ignored
  }

  /** 0 when the key does not exist: what a compare wants. */
  revisionOf(key: string): number {
    return this.revisions.get(key) ?? 0
  }

  /** The buffer with that id, and its name: its key. */
  bufferById(id: number): { name: string; buffer: BufferDocument } | undefined {
    const name = this.index.bufferKey(id)
    const buffer = name === undefined ? undefined : this.buffers.get(name)
    return buffer && { name: name!, buffer }
  }

  /** The session with that id, and its name: its key. */
  sessionById(id: number): { name: string; session: SessionDocument } | undefined {
    const name = this.index.sessionKey(id)
    const session = name === undefined ? undefined : this.sessions.get(name)
    return session && { name: name!, session }
  }

  /**
   * In what form a host is told. A host that was never seen alive is told all: one that does not understand leaves a document
   * alone, and it is written anew when the host says what it knows. undefined: it cannot be told anything.
   */
  levelOf(host: string): number | undefined {
    return this.levels.has(host) ? this.levels.get(host) : levels.highest
  }

  /** Whether the configuration names it as one. */
  isStorageHost(host: string): boolean {
    return this.storageHosts.isNamed(host)
  }

  /** What hosts write too much of, for people. */
  problems(): string[] {
    return this.orphans.problems()
  }

  /** What `derive` gives when these documents have been written, or deleted. They are put back before anything else runs. */
  assuming<T>(documents: readonly AssumedDocument[], derive: () => T): T {
    const before = documents.map((document) => this.exchange(document))
    try {
      return derive()
    } finally {
      for (const document of before.reverse()) this.exchange(document)
    }
  }

  private exchange(assumed: AssumedDocument): AssumedDocument {
    const { kind, name } = assumed
    if (kind === 'buffer') {
      const before = this.buffers.get(name)
      this.index.removeBuffer(name, before)
      this.keep(this.buffers, name, assumed.document)
      this.index.addBuffer(name, assumed.document)
      return { kind, name, document: before }
    }
    const before = this.sessions.get(name)
    this.index.removeSession(name, before)
    this.keep(this.sessions, name, assumed.document)
    this.index.addSession(name, assumed.document)
    return { kind, name, document: before }
  }

  /** Takes in what is stored at a key, or that the key was deleted. Returns its document before and after. */
  protected take(parsed: ParsedKey, key: string, entry: Entry | undefined): { before: unknown; after: unknown } {
    if (entry) this.revisions.set(key, entry.modRevision)
    else this.revisions.delete(key)
    this.invalid.delete(key)
    const before = this.documentAt(parsed)
    this.replace(parsed, key, entry)
    return { before, after: this.documentAt(parsed) }
  }

  private replace(parsed: ParsedKey, key: string, entry: Entry | undefined): void {
    switch (parsed.collection) {
      case 'hosts':
        this.put(this.hosts, parsed.host, entry, collectionSchemas.hosts)
        this.keep(this.hosts, parsed.host, this.storageHosts.ofHost(parsed.host, this.hosts.get(parsed.host)))
        this.noteLevel(parsed.host)
        this.index.touchDevices(parsed.host)
        return
      case 'inventory': {
        const before = this.inventories.get(parsed.host)?.devices ?? []
        this.put(this.inventories, parsed.host, entry, collectionSchemas.inventory)
        this.keep(
          this.inventories,
          parsed.host,
          this.storageHosts.ofInventory(parsed.host, this.inventories.get(parsed.host)),
        )
        this.index.replaceDevices(parsed.host, before, this.inventories.get(parsed.host)?.devices ?? [])
        return
      }
      case 'cordons':
        this.index.touchDevices(parsed.host)
        return this.put(this.cordons, placeOf(parsed), entry, collectionSchemas.cordons)
      case 'buffers': {
        this.index.removeBuffer(parsed.name, this.buffers.get(parsed.name))
        this.put(this.buffers, parsed.name, entry, collectionSchemas.buffers)
        this.index.addBuffer(parsed.name, this.buffers.get(parsed.name))
        return
      }
      case 'sessions': {
        this.index.removeSession(parsed.name, this.sessions.get(parsed.name))
        this.put(this.sessions, parsed.name, entry, collectionSchemas.sessions)
        this.index.addSession(parsed.name, this.sessions.get(parsed.name))
        return
      }
      case 'mountpoints':
        if (typeof entry?.value === 'string') this.mountpoints.set(parsed.name, entry.value)
        else this.mountpoints.delete(parsed.name)
        return
      case 'desired': {
        const map = this.desired[parsed.kind] as Map<string, AnyDesired>
        const id = hostKey(parsed.host, parsed.id)
        this.index.removeDesired(key, parsed.host, map.get(id))
        this.set(map, id, entry && readDesired(entry, parsed), key)
        this.index.addDesired(key, parsed.host, map.get(id))
        const { host, kind } = parsed
        this.noteMount(parsed, this.observed[kind].get(id))
        return this.noteStray(parsed, keys.observed(host, kind, parsed.id), this.observed[kind].get(id))
      }
      case 'observed': {
        const map = this.observed[parsed.kind] as Map<string, AnyObserved>
        const before = map.get(hostKey(parsed.host, parsed.id))
        this.set(map, hostKey(parsed.host, parsed.id), entry && readObserved(entry, parsed), key)
        if (parsed.kind === 'brick' && this.index.spares.has(hostKey(parsed.host, parsed.id)))
          this.index.touchDevices(parsed.host)
        this.noteMount(parsed, before)
        return this.noteStray(parsed, key, entry?.value)
      }
      case 'placement': {
        const read = entry && this.valid(key, readDocument(entry, collectionSchemas.placement))
        this.lastId = read?.lastId ?? 0
        return
      }
      case 'leader': {
        const document = entry && this.valid(key, readDocument(entry, collectionSchemas.leader))
        this.leader = document && { document, createRevision: entry.createRevision }
        return
      }
      case 'leader-wanted':
        this.leaderWanted = entry && { value: entry.value, modRevision: entry.modRevision }
        return
      case 'cluster':
      case 'events':
        return
    }
  }

  private documentAt(parsed: ParsedKey): unknown {
    switch (parsed.collection) {
      case 'hosts':
        return this.hosts.get(parsed.host)
      case 'inventory':
        return this.inventories.get(parsed.host)
      case 'buffers':
        return this.buffers.get(parsed.name)
      case 'sessions':
        return this.sessions.get(parsed.name)
      case 'desired':
        return this.desired[parsed.kind].get(hostKey(parsed.host, parsed.id))
      case 'observed':
        return this.observed[parsed.kind].get(hostKey(parsed.host, parsed.id))
      default:
        return undefined
    }
  }

  /** Counts what a host is told or reports of a mount or a swap; `before`: its report until now. */
  private noteMount(
    { host, kind, id }: { host: string; kind: DesiredKind; id: string },
    before: AnyObserved | undefined,
  ) {
    if (kind !== 'mount' && kind !== 'swap') return
    const at = hostKey(host, id)
    const [old, now] = [before, this.observed[kind].get(at)] as (Observed['mount' | 'swap'] | undefined)[]
    this.index.mounts.note({ kind, host, id }, old, now, this.desired[kind].has(at))
  }

  /** Notes whether a report has a desired document. Reports without one are forgotten when a host has too many. */
  private noteStray(
    { host, kind, id }: { host: string; kind: DesiredKind; id: string },
    key: string,
    report: unknown,
  ): void {
    if (report === undefined || this.desired[kind].has(hostKey(host, id))) return this.orphans.remove(host, key)
    for (const old of this.orphans.add(host, key, JSON.stringify(report).length)) {
      const orphan = parseKey(old) as ParsedKey & { collection: 'observed' }
      const before = this.observed[orphan.kind].get(hostKey(host, orphan.id))
      this.observed[orphan.kind].delete(hostKey(host, orphan.id))
      this.noteMount(orphan, before)
      this.revisions.delete(old)
      this.invalid.delete(old)
    }
  }

  private noteLevel(host: string): void {
    const document = this.hosts.get(host)
    if (!document) return
    this.levels.set(host, levelOfHost(document))
    if (this.isStorageHost(host)) this.lastSeen.set(host, document)
  }

  private put<T>(map: Map<string, T>, name: string, entry: Entry | undefined, schema: ZodType<T>): void {
    this.set(map, name, entry && readDocument(entry, schema), entry?.key ?? '')
  }

  private set<T>(
    map: Map<string, T>,
    name: string,
    read: Parameters<typeof this.valid<T>>[1] | undefined,
    key: string,
  ) {
    this.keep(map, name, read && this.valid(key, read))
  }

  private keep<T>(map: Map<string, T>, name: string, document: T | undefined): void {
    if (document === undefined) map.delete(name)
    else map.set(name, document)
  }

  private valid<T>(key: string, read: { document: T } | { invalid: string }): T | undefined {
    if ('document' in read) return read.document
    this.log.error('a document in etcd does not match its schema: it is left out', { problem: read.invalid })
    this.invalid.set(key, read.invalid)
    return undefined
  }
}

/** A document by the name of its key; deleted when undefined. */
export type AssumedDocument =
  | { kind: 'buffer'; name: string; document: BufferDocument | undefined }
  | { kind: 'session'; name: string; document: SessionDocument | undefined }

function placeOf({ host, device }: { host: string; device?: string }): string {
  return device === undefined ? host : hostKey(host, device)
}
