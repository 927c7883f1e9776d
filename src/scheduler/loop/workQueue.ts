import type { ClusterCache, CacheEvent } from '../cluster/cache.js'
import { Concerned } from '../cluster/concerned.js'
import { isOnlyCopying, isOnlyProgress } from './onlyProgress.js'

/** What has to be reconciled: what changes concern, except those that change nothing of what hosts are told. */
export class WorkQueue extends Concerned {
  spares = false
  /** Ids of sessions with more copied, for the next `takeCopying`. */
  private readonly copying = new Set<number>()

  get isEmpty(): boolean {
    return this.buffers.size === 0 && this.sessions.size === 0 && !this.others && !this.spares
  }

  override addAll(cache: ClusterCache): void {
    super.addAll(cache)
    this.spares = true
  }

  override addHost(cache: ClusterCache, host: string): void {
    super.addHost(cache, host)
    if (cache.isStorageHost(host)) this.spares = true
  }

  override addTouched(cache: ClusterCache, touched: readonly CacheEvent[]): void {
    if (touched.some(({ parsed }) => concernsSpares(parsed))) this.spares = true
    super.addTouched(
      cache,
      touched.filter((event) => !isOnlyProgress(cache, event) && !this.isPutOff(event)),
    )
  }

  get isCopying(): boolean {
    return this.copying.size > 0
  }

  /** Sessions that have only copied more since the last time are to be reconciled now. */
  takeCopying(): void {
    for (const id of this.copying) this.sessions.add(id)
    this.copying.clear()
  }

  private isPutOff(event: CacheEvent): boolean {
    if (!isOnlyCopying(event) || event.parsed.collection !== 'observed') return false
    this.copying.add(Number(event.parsed.id.split('.')[0]))
    return true
  }

  /** Takes out at most `count` of them. */
  take(count: number): { buffers: number[]; sessions: number[]; others: boolean; spares: boolean } {
    const buffers = takeFrom(this.buffers, count)
    const sessions = takeFrom(this.sessions, count)
    const { others, spares } = this
    this.others = this.spares = false
    return { buffers, sessions, others, spares }
  }
}

function concernsSpares(parsed: CacheEvent['parsed']): boolean {
  if (parsed.collection === 'desired' || parsed.collection === 'observed') return parsed.kind === 'brick'
  return parsed.collection === 'inventory' || parsed.collection === 'cordons'
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
