import type { Clock } from '../daemon/clock.js'
import type { Log } from '../daemon/log.js'
import { leaderDocument } from '../model/documents/cluster.js'
import { commonLevel, levels, ourLevels } from '../model/levels.js'
import { readDocument } from '../store/documents.js'
import { keys } from '../store/keys.js'
import { Denied, type Store } from '../store/store.js'

/** Between two looks at the leader: soon while nobody is known to lead. */
const lookMs = 60_000
const lookForOneMs = 5_000

/*
 * What an agent knows of the scheduler that leads, from the key `leader`: the level of documents that both write, and the fence. It
 * is looked at when the agent begins, once a minute, and when a desired document has a higher fence. Until it was seen, and where
 * etcd's rights hide it, the leader is taken for one of the lowest level.
 *
 * INVARIANT: the fence comes from a linearizable read of the key alone. A desired document with a fence that no leader has
 * teaches nothing, or it would make the agent refuse its true leader.
 */
export class KnownLeader {
  level = levels.lowest
  /** The create revision of the leader's key; 0 before it was seen. */
  fence = 0
  /** What an operator has to fix, as rights in etcd that are of an earlier release. */
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

  /** Looks soon, for a reason that is not worth waiting for. */
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
      this.problem = 'etcd denies this agent to read the key "leader": run etcd-users.sh of this release for this host'
    }
    if (before === `${this.level} ${this.problem}`) return
    this.parts.log.info('leader known', { level: this.level, ...(this.problem ? { problem: this.problem } : {}) })
    for (const listener of [...this.listeners]) listener()
  }

  /** Looks again and again, until closed; the first look was the caller's. */
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
    this.problem = `the leading scheduler knows documents of levels ${theirs}, this agent of ${ourLevels}: upgrade the older one`
  }
}
