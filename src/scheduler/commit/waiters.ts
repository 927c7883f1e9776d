import type { CacheEvent, ClusterCache } from '../cluster/cache.js'
import { Concerned } from '../cluster/concerned.js'

/**
 * Calls that wait for the session of a token, or for a buffer of that name. A change of the cluster wakes those whom it concerns, each
 * once for a batch of changes; the others cost nothing.
 */
export class Waiters {
  private readonly byToken = new Map<string, Set<() => void>>()

  constructor(private readonly cache: ClusterCache) {
    cache.onChange((touched) => this.wake(touched))
  }

  /** Calls back after each change that concerns the token, until the returned function is called. */
  add(token: string, wake: () => void): () => void {
    const waiting = this.byToken.get(token) ?? new Set()
    this.byToken.set(token, waiting.add(wake))
    return () => {
      waiting.delete(wake)
      if (waiting.size === 0 && this.byToken.get(token) === waiting) this.byToken.delete(token)
    }
  }

  private wake(touched: readonly CacheEvent[]): void {
    if (this.byToken.size === 0 || touched.length === 0) return
    for (const token of this.tokensOf(touched)) for (const wake of [...(this.byToken.get(token) ?? [])]) wake()
  }

  private tokensOf(touched: readonly CacheEvent[]): Set<string> {
    const concerned = new Concerned()
    concerned.addTouched(this.cache, touched)
    const tokens = new Set<string>()
    // Those that are gone are known by their keys alone.
    for (const { parsed } of touched)
      if (parsed.collection === 'sessions' || parsed.collection === 'buffers') tokens.add(parsed.name)
    for (const id of concerned.buffers) {
      const found = this.cache.bufferById(id)
      if (!found) continue
      tokens.add(found.buffer.name)
      for (const { token } of this.cache.index.sessionsUsing(found.name)) tokens.add(token)
    }
    for (const id of concerned.sessions) {
      const token = this.cache.sessionById(id)?.session.token
      if (token !== undefined) tokens.add(token)
    }
    return tokens
  }
}
