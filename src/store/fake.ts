import { type Clock, systemClock } from '../daemon/clock.js'
import {
  type Change,
  type Compare,
  type Entry,
  type Lease,
  LeaseGone,
  type LeaseOptions,
  maxOperations,
  type Store,
  StoreError,
  StoreUnavailable,
  type Usage,
  type Watch,
  type WatchHandlers,
  type Write,
  type WriteResult,
} from './store.js'

export interface FakeProgram {
  clock: Clock
  /** Runs it later: when, and after what else, is the simulation's choice. */
  defer: (act: () => void) => void
}

export interface GrantedLease {
  id: string
  /** False when the lease is not known any more. */
  renew(): boolean
}

/**
 * etcd in memory, for simulation and for unit tests: one backing for several stores. Every answer and every delivery
 * goes through `defer`, so that a simulation can choose their order; a store can be cut off from it.
 */
export class FakeEtcd {
  revision = 1
  private readonly entries = new Map<string, { entry: Entry; leaseId: string | undefined }>()
  private readonly leases = new Map<string, { keys: Set<string>; cancel: () => void; lose: () => void }>()
  private readonly watchers = new Set<{ prefix: string; deliver(changes: Change[], revision: number): void }>()
  private nextLease = 1

  constructor(
    readonly clock: Clock = systemClock,
    /** As `MemoryProgram.defer`, for programs that are opened without one of their own. */
    readonly defer: (act: () => void) => void = (act) => setImmediate(act),
  ) {}

  /** `program`: the clock and the order of deliveries of one program alone, which may be frozen or dead. */
  open(program: Partial<FakeProgram> = {}): FakeStore {
    return new FakeStore(this, { clock: this.clock, defer: this.defer, ...program })
  }

  /** A copy of the entry, at once. */
  read(key: string): Entry | undefined {
    const found = this.entries.get(key)?.entry
    return found && structuredClone(found)
  }

  /** Copies of the entries by key, at once. */
  list(prefix: string): { entries: Entry[]; revision: number } {
    const entries = [...this.entries.values()].map(({ entry }) => entry).filter((entry) => entry.key.startsWith(prefix))
    entries.sort((a, b) => (a.key < b.key ? -1 : 1))
    return { entries: structuredClone(entries), revision: this.revision }
  }

  /** As `Store.write`, at once: throws StoreError for too many writes, LeaseGone for a lease that is not there. */
  write(compares: Compare[], writes: Write[]): WriteResult {
    if (writes.length === 0 || compares.length + writes.length > maxOperations)
      throw new StoreError('1 to 100 operations')
    refuseDuplicates(writes)
    if (!compares.every((compare) => this.holds(compare))) return { won: false }
    for (const write of writes) {
      if ('put' in write && write.lease && !this.leases.has(write.lease.id)) throw new LeaseGone('lease not found')
    }
    this.revision++
    const changes = writes.flatMap((write) => this.apply(write))
    this.announce(changes)
    return { won: true, revision: this.revision }
  }

  /** `lose` is called when it has expired. */
  grant(ttlSeconds: number, lose: () => void): GrantedLease {
    const id = String(this.nextLease++)
    const arm = () => this.clock.after(ttlSeconds * 1000, () => this.expire(id))
    const lease = { keys: new Set<string>(), cancel: arm(), lose }
    this.leases.set(id, lease)
    return {
      id,
      renew: () => {
        if (!this.leases.has(id)) return false
        lease.cancel()
        lease.cancel = arm()
        return true
      },
    }
  }

  /** Ends the lease now, with its keys. Does nothing when it is gone. */
  expire(id: string): void {
    const lease = this.leases.get(id)
    if (!lease) return
    lease.cancel()
    this.leases.delete(id)
    const gone = [...lease.keys].filter((key) => this.entries.get(key)?.leaseId === id)
    if (gone.length > 0) {
      this.revision++
      this.announce(gone.flatMap((key) => this.apply({ delete: key })))
    }
    lease.lose()
  }

  /** What etcd lets anybody do who reaches it: the lease of that key is renewed, whoever holds it. */
  keepAlive(key: string, ttlSeconds: number): void {
    const id = this.entries.get(key)?.leaseId
    const lease = id === undefined ? undefined : this.leases.get(id)
    if (id === undefined || !lease) return
    lease.cancel()
    lease.cancel = this.clock.after(ttlSeconds * 1000, () => this.expire(id))
  }

  /** As if it was restored from a snapshot: leases granted since are unknown to it, and their holders do not know that. */
  forgetLeases(): void {
    for (const { cancel } of this.leases.values()) cancel()
    this.leases.clear()
  }

  /** Delivers every change below the prefix in the moment in which it is made. Returns what ends that. */
  subscribe(watcher: { prefix: string; deliver(changes: Change[], revision: number): void }): () => void {
    this.watchers.add(watcher)
    return () => this.watchers.delete(watcher)
  }

  private holds(compare: Compare): boolean {
    const entry = this.entries.get(compare.key)?.entry
    return 'createRevision' in compare
      ? (entry?.createRevision ?? 0) === compare.createRevision
      : (entry?.modRevision ?? 0) === compare.modRevision
  }

  private apply(write: Write): Change[] {
    if ('deletePrefix' in write) {
      return [...this.entries.keys()]
        .filter((key) => key.startsWith(write.deletePrefix))
        .flatMap((key) => this.apply({ delete: key }))
    }
    if ('delete' in write) return this.entries.delete(write.delete) ? [{ key: write.delete }] : []
    const createRevision = this.entries.get(write.put)?.entry.createRevision ?? this.revision
    const entry: Entry = {
      key: write.put,
      value: structuredClone(write.value),
      createRevision,
      modRevision: this.revision,
    }
    this.entries.set(write.put, { entry, leaseId: write.lease?.id })
    if (write.lease) this.leases.get(write.lease.id)?.keys.add(write.put)
    return [{ key: write.put, entry }]
  }

  private announce(changes: Change[]): void {
    for (const watcher of this.watchers) {
      const seen = changes.filter((change) => change.key.startsWith(watcher.prefix))
      if (seen.length > 0) watcher.deliver(structuredClone(seen), this.revision)
    }
  }
}

/** One program's door to a MemoryEtcd. `cut` drops its calls and watches as a lost network does, until `heal`. */
export class FakeStore implements Store {
  private closed = false
  private isCut = false
  private readonly watches = new Set<MemoryWatch>()
  private readonly leases = new Set<MemoryLease>()

  private sendsOn = false

  constructor(
    private readonly etcd: FakeEtcd,
    private readonly program: FakeProgram,
  ) {}

  /** From now on calls fail with StoreUnavailable, watches hear nothing, and leases are not renewed. */
  cut(): void {
    this.isCut = true
    for (const watch of this.watches) watch.cut()
  }

  /** Ends `cut`: watches list anew. */
  heal(): void {
    this.isCut = false
    for (const watch of this.watches) watch.heal()
  }

  /**
   * As if the program was killed: nothing is revoked, nothing more is delivered. `sendsOn`: what it had sent already still
   * reaches etcd.
   */
  kill({ sendsOn = false } = {}): void {
    this.closed = true
    this.sendsOn = sendsOn
    for (const watch of this.watches) void watch.close()
    for (const lease of this.leases) lease.abandon()
  }

  /** As `Store` says; never tried again. */
  list(prefix: string) {
    return this.answer(() => this.etcd.list(prefix))
  }

  /** As `Store` says; never tried again. */
  get(key: string) {
    return this.answer(() => this.etcd.read(key))
  }

  /** As `Store` says; never tried again, so that OutcomeUnknown does not come. */
  write(compares: Compare[], writes: Write[]) {
    return this.answer(() => this.etcd.write(compares, writes))
  }

  /** As `Store` says. */
  watch(prefix: string, handlers: WatchHandlers): Watch {
    const watch = new MemoryWatch(this.etcd, prefix, handlers, this.program.defer)
    this.watches.add(watch)
    if (!this.isCut) watch.heal()
    return watch
  }

  /** As `Store` says. */
  lease(ttlSeconds: number, { untilGone = false }: LeaseOptions = {}): Promise<Lease> {
    return this.answer(() => {
      const isConnected = () => !this.isCut && !this.closed
      const lease = new MemoryLease(this.etcd, this.program.clock, { ttlSeconds, untilGone }, isConnected)
      this.leases.add(lease)
      return lease
    })
  }

  /** Counts keys and values alone, and is never full. */
  usage(): Promise<Usage> {
    return this.answer(() => {
      const { entries } = this.etcd.list('')
      const sizeBytes = entries.reduce((sum, { key, value }) => sum + key.length + JSON.stringify(value).length, 0)
      return { sizeBytes, inUseBytes: sizeBytes, isFull: false }
    })
  }

  /** As `Store` says: leases are not revoked, and run out. */
  async close(): Promise<void> {
    this.closed = true
    for (const watch of this.watches) await watch.close()
    for (const lease of this.leases) lease.abandon()
  }

  private answer<T>(act: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.program.defer(() => {
        if (this.isCut || (this.closed && !this.sendsOn)) return reject(new StoreUnavailable('cut off'))
        try {
          const result = act()
          this.program.defer(() => resolve(result))
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)))
        }
      })
    })
  }
}

class MemoryWatch implements Watch {
  private readonly known = new Map<string, number>()
  private unsubscribe: (() => void) | undefined
  private closed = false
  private epoch = 0
  private readonly pending: (() => void)[] = []

  constructor(
    private readonly etcd: FakeEtcd,
    private readonly prefix: string,
    private readonly handlers: WatchHandlers,
    private readonly defer: (act: () => void) => void,
  ) {}

  heal(): void {
    const epoch = ++this.epoch
    this.unsubscribe?.()
    const { entries, revision } = this.etcd.list(this.prefix)
    this.unsubscribe = this.etcd.subscribe({
      prefix: this.prefix,
      deliver: (changes) => this.later(epoch, () => this.report(changes)),
    })
    this.later(epoch, () => {
      const listed = new Set(entries.map((entry) => entry.key))
      const gone = [...this.known.keys()].filter((key) => !listed.has(key)).map((key) => ({ key }))
      const news = entries.filter((entry) => this.known.get(entry.key) !== entry.modRevision)
      this.handlers.onConnection?.('connected')
      this.report([...gone, ...news.map((entry) => ({ key: entry.key, entry }))])
      this.handlers.onSynced?.(revision)
    })
  }

  cut(): void {
    this.epoch++
    this.unsubscribe?.()
    this.handlers.onConnection?.('lost', 'cut off')
  }

  close(): Promise<void> {
    this.closed = true
    this.unsubscribe?.()
    return Promise.resolve()
  }

  /** Whatever order `defer` chooses: what one watch delivers comes in the order in which it happened. */
  private later(epoch: number, act: () => void): void {
    this.pending.push(() => {
      if (!this.closed && epoch === this.epoch) act()
    })
    this.defer(() => this.pending.shift()?.())
  }

  private report(changes: Change[]): void {
    if (changes.length === 0) return
    for (const { key, entry } of changes) {
      if (entry) this.known.set(key, entry.modRevision)
      else this.known.delete(key)
    }
    this.handlers.onChanges(changes)
  }
}

class MemoryLease implements Lease {
  readonly id: string
  private readonly renewOnServer: () => boolean
  private renewedAt: number
  private lost = false
  private cancel: () => void = () => {}
  private readonly listeners: (() => void)[] = []

  constructor(
    private readonly etcd: FakeEtcd,
    private readonly clock: Clock,
    private readonly options: Required<LeaseOptions> & { ttlSeconds: number },
    private readonly isConnected: () => boolean,
  ) {
    const granted = etcd.grant(options.ttlSeconds, () => this.lose())
    this.id = granted.id
    this.renewOnServer = granted.renew
    this.renewedAt = clock.monotonicMs()
    this.tick()
  }

  isHeld(): boolean {
    return !this.lost && this.clock.monotonicMs() - this.renewedAt < (this.options.ttlSeconds * 2000) / 3
  }

  onLost(callback: () => void): void {
    if (this.lost) callback()
    else this.listeners.push(callback)
  }

  revoke(): Promise<void> {
    this.lose()
    if (this.isConnected()) this.etcd.expire(this.id)
    return Promise.resolve()
  }

  letExpire(): void {
    this.abandon()
  }

  abandon(): void {
    this.lost = true
    this.cancel()
  }

  private tick(): void {
    const { ttlSeconds, untilGone } = this.options
    this.cancel = this.clock.after(ttlSeconds * 300, () => {
      if (this.lost) return
      if (this.isConnected()) {
        if (!this.renewOnServer()) return this.lose()
        this.renewedAt = this.clock.monotonicMs()
      }
      if (!untilGone && !this.isHeld()) return this.lose()
      this.tick()
    })
  }

  private lose(): void {
    if (this.lost) return
    this.lost = true
    this.cancel()
    for (const listener of this.listeners) listener()
  }
}

/** As etcd does, whose answer would depend on the order of the operations otherwise. Two deletes may overlap. */
function refuseDuplicates(writes: Write[]): void {
  const put = new Set<string>()
  for (const write of writes) {
    if (!('put' in write)) continue
    if (put.has(write.put)) throw new StoreError(`duplicate key in a transaction: ${write.put}`)
    put.add(write.put)
  }
  for (const key of put) {
    for (const write of writes) {
      if (
        ('delete' in write && write.delete === key) ||
        ('deletePrefix' in write && key.startsWith(write.deletePrefix))
      )
        throw new StoreError(`duplicate key in a transaction: ${key} is put and deleted`)
    }
  }
}
