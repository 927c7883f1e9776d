import type { Log } from '../../daemon/log.js'
import { type ParsedKey, parseKey } from '../../store/keys.js'
import type { Change, Entry, Store, Watch, Write } from '../../store/store.js'
import { ClusterDocuments } from './documents.js'

const maxUnknown = 1_000

/*
 * The cluster as it is in etcd, by one watch over everything: a consistent state of one revision, some milliseconds old.
 *
 * INVARIANT: listeners are called only after a whole batch was applied.
 */
export class ClusterCache extends ClusterDocuments {
  isSynced = false
  isConnected = false

  private readonly lastEvents = new Map<string, number>()
  private readonly listeners = new Set<(touched: CacheEvent[]) => void>()
  /** Where unknown keys were seen: each place is logged once. */
  private readonly unknown = new Set<string>()
  private readonly watch: Watch

  /** `patterns`: the hosts that the configuration names as storage hosts. */
  constructor(store: Store, log: Log, patterns: readonly string[]) {
    super(log, patterns)
    this.watch = store.watch('', {
      onChanges: (changes) => this.takeIn(changes),
      onSynced: () => {
        this.isSynced = true
        this.tell([])
      },
      onConnection: (state, reason) => {
        this.isConnected = state === 'connected'
        if (state === 'lost') log.warn('etcd is away, the memory of the cluster grows old', { reason })
        else log.info('following etcd')
        this.tell([])
      },
    })
  }

  /** True when the watch has delivered what a successful transaction of that revision wrote. */
  holds(writes: Write[], revision: number): boolean {
    return writes.every((write) => {
      if ('deletePrefix' in write) return true
      const key = 'put' in write ? write.put : write.delete
      if (parseKey(key)?.collection === 'events') return true
      const seen = this.revisionOf(key)
      return 'put' in write ? seen >= revision : seen === 0 || seen > revision
    })
  }

  /** Sequence of the last event of that name; 0 when it has none. */
  lastEventOf(name: string): number {
    return this.lastEvents.get(name) ?? 0
  }

  /** Calls back after each batch with its changes; with none when only the connection has changed. */
  onChange(listener: (touched: CacheEvent[]) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Calls the listeners for a change that is not in the documents: leadership was won or lost. */
  announce(): void {
    this.tell([])
  }

  close(): Promise<void> {
    return this.watch.close()
  }

  private takeIn(changes: Change[]): void {
    const touched: CacheEvent[] = []
    for (const { key, entry } of changes) {
      const parsed = parseKey(key)
      if (parsed?.collection === 'events') {
        this.takeEvent(parsed, entry)
        continue
      }
      if (!parsed) {
        if (entry) this.noteUnknown(key)
        continue
      }
      touched.push({ key, parsed, ...this.take(parsed, key, entry) })
    }
    this.tell(touched)
  }

  private noteUnknown(key: string): void {
    const place = key.split('/').slice(0, 2).join('/').slice(0, 100)
    if (this.unknown.has(place) || this.unknown.size >= maxUnknown) return
    this.unknown.add(place)
    this.log.warn('keys that no program of ours writes', { below: place })
  }

  private takeEvent(parsed: ParsedKey & { collection: 'events' }, entry: Entry | undefined): void {
    if (entry) this.lastEvents.set(parsed.name, Math.max(parsed.sequence, this.lastEventOf(parsed.name)))
    else if (parsed.sequence === this.lastEventOf(parsed.name)) this.lastEvents.delete(parsed.name)
  }

  private tell(touched: CacheEvent[]): void {
    for (const listener of [...this.listeners]) listener(touched)
  }
}

/** A key that changed, with its document before and after where the loop needs to know. */
export interface CacheEvent {
  key: string
  parsed: ParsedKey
  before: unknown
  after: unknown
}
