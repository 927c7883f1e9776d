import type { Clock } from '../../daemon/clock.js'
import { hostKey } from '../../model/cluster.js'
import type { ClusterCache, CacheEvent } from './cache.js'

/** An agent tells within seconds that it has begun with what it is told. */
const silentMs = 10 * 60_000

/**
 * Hosts that are alive by their lease and do not answer: what they were told so long ago has no report at all. A lease alone does not tell that
 * its owner lives, for etcd lets anybody who reaches it renew any lease. Counted from when the host came, and from when etcd was back.
 */
export class SilentHosts {
  /** What has no report, by host: since when that is known. */
  private readonly unanswered = new Map<string, Map<string, number>>()
  private readonly aliveSince = new Map<string, number>()
  private connectedSince = 0
  private wasConnected = false
  private readonly stop: () => void

  constructor(
    private readonly cache: ClusterCache,
    private readonly clock: Clock,
  ) {
    this.stop = cache.onChange((touched) => this.note(touched))
  }

  /** For people. */
  problems(): string[] {
    if (!this.cache.isConnected) return []
    return [...this.unanswered].flatMap(([host, since]) => {
      const start = this.aliveSince.get(host)
      if (start === undefined) return []
      const silent = [...since.values()].filter(
        (told) => this.clock.monotonicMs() - Math.max(told, start, this.connectedSince) >= silentMs,
      )
      if (silent.length === 0) return []
      return [
        `host ${host} is alive by its lease in etcd, and has not answered in ${silentMs / 60_000} minutes to ${silent.length} of what it is told: see whether its agent runs, and its log`,
      ]
    })
  }

  close(): void {
    this.stop()
  }

  private note(touched: CacheEvent[]): void {
    const now = this.clock.monotonicMs()
    if (this.cache.isConnected && !this.wasConnected) this.connectedSince = now
    this.wasConnected = this.cache.isConnected
    for (const { parsed, after } of touched) {
      if (parsed.collection === 'hosts') this.noteHost(parsed.host, after !== undefined, now)
      if (parsed.collection === 'desired' || parsed.collection === 'observed') this.noteAnswer(parsed, now)
    }
  }

  private noteHost(host: string, isAlive: boolean, now: number): void {
    if (!isAlive) this.aliveSince.delete(host)
    else if (!this.aliveSince.has(host)) this.aliveSince.set(host, now)
  }

  private noteAnswer(
    { host, kind, id }: { host: string; kind: keyof ClusterCache['desired']; id: string },
    now: number,
  ) {
    const place = hostKey(host, id)
    const isOpen = this.cache.desired[kind].has(place) && !this.cache.observed[kind].has(place)
    const open = this.unanswered.get(host) ?? new Map<string, number>()
    const name = `${kind}/${id}`
    if (!isOpen) open.delete(name)
    else if (!open.has(name)) open.set(name, now)
    if (open.size === 0) this.unanswered.delete(host)
    else this.unanswered.set(host, open)
  }
}
