import type { Clock } from '../../daemon/clock.js'
import type { Log } from '../../daemon/log.js'
import type { Cluster } from '../../model/cluster.js'
import type { LeaderDocument } from '../../model/documents/cluster.js'
import { keys } from '../../store/keys.js'
import { type Compare, LeaseGone, type Store, StoreUnavailable, type Write } from '../../store/store.js'
import {
  type Committed,
  type Decision,
  type DecisionStore,
  type DocumentChange,
  type Following,
  NotLeader,
} from './decision.js'
import type { ClusterCache } from '../cluster/cache.js'
import { conflicts } from './messages.js'
import { isRefusal } from './refusal.js'
import { joined, type Transaction, transactionOf } from './transaction.js'
import { Waiters } from './waiters.js'

/** The part of an election that deciding needs. */
export interface Leadership {
  /** Our fence while we lead and our lease is held. */
  fence(): number | undefined
  leader(): LeaderDocument | undefined
}

/** If the cache does not show what was written within this time, the caller is told that etcd is silent. */
const echoMs = 15_000
const maxTries = 20

/**
 * INVARIANTS: one decision at a time, each made on a cache that contains all earlier decisions; every write is made under our fence and
 * compares the revisions on which it was decided.
 */
export class Committer implements DecisionStore {
  private last: Promise<unknown> = Promise.resolve()
  private closed = false
  /** Called by `close`, to end everything that waits for the cluster. */
  private readonly waiting = new Set<() => void>()
  private readonly waiters: Waiters

  constructor(
    private readonly store: Store,
    private readonly cache: ClusterCache,
    private readonly leadership: Leadership,
    private readonly clock: Clock,
    private readonly log: Log,
    /** What hosts are told because of a decision, to be written with it. */
    private readonly follow: (fence: number, changes: DocumentChange[]) => Promise<Following | undefined> = () =>
      Promise.resolve(undefined),
  ) {
    this.waiters = new Waiters(cache)
  }

  get cluster(): Cluster {
    return this.cache
  }

  isLeader(): boolean {
    return this.fence() !== undefined
  }

  /** Our fence, once the cache has read up to our election: then it contains all writes of earlier leaders. */
  fence(): number | undefined {
    const fence = this.leadership.fence()
    return fence !== undefined && this.cache.isSynced && this.cache.leader?.createRevision === fence ? fence : undefined
  }

  commit<T>(decide: (cluster: Cluster) => Decision<T>): Promise<Committed<T>> {
    const result = this.last.then(() => this.decideAndWrite(decide))
    this.last = result.catch(() => {})
    return result
  }

  async waitFor<T>(
    check: (cluster: Cluster) => T | undefined,
    timeoutMs: number,
    token?: string,
  ): Promise<T | undefined> {
    const found = check(this.cache)
    if (found !== undefined || this.closed) return found
    return new Promise((resolve, reject) => {
      const end = (act: () => void) => {
        this.waiting.delete(giveUp)
        cancel()
        stop()
        act()
      }
      const giveUp = () => end(() => resolve(undefined))
      this.waiting.add(giveUp)
      const cancel = this.clock.after(timeoutMs, giveUp)
      const ask = () => {
        try {
          const found = check(this.cache)
          if (found !== undefined) end(() => resolve(found))
        } catch (error) {
          end(() => reject(error instanceof Error ? error : new Error(String(error))))
        }
      }
      const stop = token === undefined ? this.onChange(ask) : this.waiters.add(token, ask)
    })
  }

  onChange(callback: () => void): () => void {
    return this.cache.onChange(callback)
  }

  /** Writes once; false when a compare failed. Resolves when the cache contains the writes, or the changes that conflicted. */
  async write({ compares, writes }: Transaction): Promise<boolean> {
    const result = await this.store.write(compares, writes)
    if (result.won) await this.untilHeld(writes, result.revision)
    else await this.catchUp(compares)
    return result.won
  }

  close(): void {
    this.closed = true
    for (const giveUp of [...this.waiting]) giveUp()
  }

  private async decideAndWrite<T>(decide: (cluster: Cluster) => Decision<T>): Promise<Committed<T>> {
    for (let tries = 0; tries < maxTries; tries++) {
      const fence = await this.leaderFence()
      const decision = decide(this.cache)
      if ('refused' in decision) return decision
      if (decision.changes.length === 0) return { result: decision.result }
      // Before any await, so that the revisions of the decision are compared.
      const decided = transactionOf(this.cache, fence, decision.changes)
      const following = await this.follow(fence, decision.changes)
      if (following ? await this.writeBoth(decided, following) : await this.write(decided)) {
        return { result: decision.result }
      }
      this.log.debug('a decision was overtaken and is made again', { tries })
    }
    throw new StoreUnavailable(conflicts())
  }

  /**
   * The decision alone when etcd refuses what follows from it, or no longer knows the lease of its events: the loop writes that, and
   * says what is refused.
   */
  private async writeBoth(decided: Transaction, following: Following): Promise<boolean> {
    try {
      const won = await this.write(joined(decided, following))
      if (!won) following.undo()
      return won
    } catch (error) {
      following.undo()
      if (!isRefusal(error) && !(error instanceof LeaseGone)) throw error
      return this.write(decided)
    }
  }

  private async leaderFence(): Promise<number> {
    // We are elected, but the cache may be some milliseconds behind.
    if (this.leadership.fence() !== undefined && this.fence() === undefined) {
      await this.waitFor(() => (this.leadership.fence() === undefined ? 0 : this.fence()), echoMs)
    }
    const fence = this.fence()
    if (fence === undefined) throw new NotLeader(this.leadership.leader()?.host)
    return fence
  }

  private async untilHeld(writes: Write[], revision: number): Promise<void> {
    const held = await this.waitFor(() => this.cache.holds(writes, revision) || undefined, echoMs)
    if (!held) throw new StoreUnavailable('etcd accepted the change, but its watch does not show it')
  }

  /** After a conflict: waits until the cache contains the changes that conflicted. */
  private async catchUp(compares: Compare[]): Promise<void> {
    for (const compare of compares) {
      const entry = await this.store.get(compare.key)
      const seen = entry?.modRevision ?? 0
      const isBehind = () =>
        seen === 0 ? this.cache.revisionOf(compare.key) > 0 : this.cache.revisionOf(compare.key) < seen
      if (
        compare.key === keys.leader &&
        'createRevision' in compare &&
        entry?.createRevision !== compare.createRevision
      )
        throw new NotLeader(this.leadership.leader()?.host)
      if (isBehind() && !(await this.waitFor(() => (isBehind() ? undefined : true), echoMs)))
        throw new StoreUnavailable('etcd has changes that its watch does not show')
    }
  }
}
