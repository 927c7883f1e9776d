import type { Clock } from '../daemon/clock.js'
import type { Log } from '../daemon/log.js'
import { leaderDocument } from '../model/documents.js'
import { commonLevel, levels, ourLevels } from '../model/levels.js'
import { readDocument } from '../store/documents.js'
import { keys } from '../store/keys.js'
import { Denied, type Store } from '../store/store.js'

/** Between two looks at the leader: soon while nobody is known to lead. */
const lookMs = 60_000
const lookForOneMs = 5_000

/*
 * What an agent knows of the scheduler that leads: the level of documents that both write, from the key `leader`. It is looked
 * at when the agent begins, once a minute, and when somebody has a reason to. Until it was seen, and where etcd's rights hide it, the
 * leader is taken for one of the lowest level.
 */
export class KnownLeader {
  level = levels.lowest
  /** What an operator has to mend, as rights in etcd that are of an earlier release. */
  problem: string | undefined
  private seen = false
  private closed = false
  private cancel: () => void = () => {}
  private readonly listeners = new Set<() => void>()

  constructor(private readonly parts: { store: Store; clock: Clock; log: Log }) {}

  /** Calls back when the level or the problem has changed. */
  onChange(listener: () => void): void {
    this.listeners.add(listener)
  }

  /** Reads the key `leader`. Throws a StoreError while etcd is away. */
  async look(): Promise<void> {
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
    const read = readDocument(entry, leaderDocument)
    const theirs = 'document' in read ? read.document.documents : undefined
    const common = commonLevel(theirs)
    this.level = common ?? levels.lowest
    if (common !== undefined) return
    this.problem = `the leading scheduler knows documents of levels ${theirs}, this agent of ${ourLevels}: upgrade the older one`
  }
}
