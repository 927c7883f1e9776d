import type { Clock } from '../daemon/clock.js'
import type { Log } from '../daemon/log.js'
import { leaderDocument } from '../model/documents/cluster.js'
import { commonLevel, levels, ourLevels } from '../model/levels.js'
import { readDocument } from '../store/documents.js'
import { keys } from '../store/keys.js'
import { keyDenied, levelsDiffer } from './messages.js'
import { Denied, type Store } from '../store/store.js'

/** Interval between two reads of the leader's key; the shorter one while no leader is known. */
const lookMs = 60_000
const lookForOneMs = 5_000

/*
 * What an agent knows about the leading scheduler, from the key `leader`: the level of documents that both write, and
 * the fence. It is read when the agent starts, once a minute, and when a desired document has a higher fence. Before
 * the first read, and if etcd denies permission, the leader counts as one of the lowest level.
 *
 * INVARIANT: the fence only comes from a linearizable read of the key. A desired document with a fence that no leader
 * has must not change it, or the agent would refuse its true leader.
 */
export class KnownLeader {
  level = levels.lowest
  /** The create revision of the leader's key; 0 before the first read. */
  fence = 0
  /** What an operator has to fix, for example rights in etcd of an earlier release. */
  problem: string | undefined
  private seen = false
  private current: Promise<void> | undefined
  private next: Promise<void> | undefined
  private closed = false
  private cancel: () => void = () => {}
  private readonly listeners = new Set<() => void>()

  constructor(private readonly parts: { store: Store; clock: Clock; log: Log }) {}

  /** Calls back when the level or the problem has changed. */
  onChange(listener: () => void): void {
    this.listeners.add(listener)
  }

  /** Reads the key `leader`. Throws a StoreError while etcd is away. Calls that come together share the next read. */
  look(): Promise<void> {
    if (!this.current) return (this.current = this.read().finally(() => (this.current = undefined)))
    this.next ??= this.current
      .catch(() => {})
      .then(() => {
        this.next = undefined
        return this.look()
      })
    return this.next
  }

  /** Reads the key soon, without waiting for the result. */
  lookSoon(): void {
    if (this.next || this.closed) return
    this.look().catch((error: unknown) => this.parts.log.debug('leader could not be read', { reason: String(error) }))
  }

  private async read(): Promise<void> {
    const before = `${this.level} ${this.problem}`
    try {
      const entry = await this.parts.store.get(keys.leader)
      this.seen = entry !== undefined
      this.problem = undefined
      if (entry) this.takeIn(entry)
    } catch (error) {
      if (!(error instanceof Denied)) throw error
      this.seen = true
      this.level = levels.lowest
      this.problem = keyDenied('leader')
    }
    if (before === `${this.level} ${this.problem}`) return
    this.parts.log.info('leader known', { level: this.level, ...(this.problem ? { problem: this.problem } : {}) })
    for (const listener of [...this.listeners]) listener()
  }

  /** Reads the key repeatedly, until closed. The caller has read it first. */
  start(): void {
    this.cancel()
    if (this.closed) return
    this.cancel = this.parts.clock.after(this.seen ? lookMs : lookForOneMs, () => {
      this.look()
        .catch((error: unknown) => this.parts.log.debug('leader could not be read', { reason: String(error) }))
        .finally(() => this.start())
    })
  }

  close(): void {
    this.closed = true
    this.cancel()
  }

  private takeIn(entry: Parameters<typeof readDocument>[0]): void {
    this.fence = entry.createRevision
    const read = readDocument(entry, leaderDocument)
    const theirs = 'document' in read ? read.document.documents : undefined
    const common = commonLevel(theirs)
    this.level = common ?? levels.lowest
    if (common !== undefined) return
    this.problem = levelsDiffer(theirs, ourLevels)
  }
}
