import type { Clock } from '../../daemon/clock.js'
import type { ClusterCache } from './cache.js'

/**
 * How long hosts have been away. A host that is missing for a moment, for example because etcd did not answer, is not lost: its bricks are
 * placed elsewhere only after the grace time.
 */
export class HostGrace {
  private readonly away = new Map<string, { sinceMs: number; cancel: () => void }>()
  private readonly stop: () => void

  constructor(
    private readonly cache: ClusterCache,
    private readonly clock: Clock,
    private readonly graceMs: number,
    private readonly onLost: (host: string) => void,
  ) {
    this.stop = cache.onChange((touched) => {
      for (const { parsed } of touched) {
        if (parsed.collection === 'hosts' && cache.hosts.has(parsed.host)) this.forget(parsed.host)
      }
    })
  }

  /** The time of a missing host counts from the first call. */
  isLost(host: string): boolean {
    if (this.cache.hosts.has(host)) return false
    const sinceMs = this.away.get(host)?.sinceMs
    if (sinceMs !== undefined) return this.clock.monotonicMs() - sinceMs >= this.graceMs
    const cancel = this.clock.after(this.graceMs, () => this.onLost(host))
    this.away.set(host, { sinceMs: this.clock.monotonicMs(), cancel })
    return false
  }

  close(): void {
    this.stop()
    for (const { cancel } of this.away.values()) cancel()
  }
  private forget(host: string): void {
    this.away.get(host)?.cancel()
    this.away.delete(host)
  }
}
