import type { ClusterCache, CacheEvent } from '../cluster/cache.js'
import { Concerned } from '../cluster/concerned.js'
import { isOnlyProgress } from './onlyProgress.js'

/** What has to be reconciled: what changes concern, except those that change nothing of what hosts are told. */
export class WorkQueue extends Concerned {
  get isEmpty(): boolean {
    return this.buffers.size === 0 && this.sessions.size === 0 && !this.others
  }

  override addTouched(cache: ClusterCache, touched: readonly CacheEvent[]): void {
    super.addTouched(
      cache,
      touched.filter((event) => !isOnlyProgress(cache, event)),
    )
  }

  /** Takes out at most `count` of them. */
  take(count: number): { buffers: number[]; sessions: number[]; others: boolean } {
    const buffers = takeFrom(this.buffers, count)
    const sessions = takeFrom(this.sessions, count)
    const { others } = this
    this.others = false
    return { buffers, sessions, others }
  }
}

function takeFrom(set: Set<number>, count: number): number[] {
  const taken: number[] = []
  for (const id of set) {
    if (taken.length === count) break
    taken.push(id)
    set.delete(id)
  }
  return taken
}
