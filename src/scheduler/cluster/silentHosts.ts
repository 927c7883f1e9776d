import type { Clock } from '../../daemon/clock.js'
import { hostKey } from '../../model/cluster.js'
import type { ClusterCache, CacheEvent } from './cache.js'
import { hostIsSilent } from './messages.js'

/** An agent reports within seconds that it has begun with a new document. */
const silentMs = 10 * 60_000

/**
 * Hosts that are alive by their lease, but have not reported anything for a document that was written `silentMs` ago. A lease alone does not
 * prove that its owner is alive, because etcd lets anybody renew any lease. The time counts from when the host was alive and etcd answered.
 */
export class SilentHosts {
  /** By host: the documents without a report, and since when. */
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

  /** One for each silent host, in words for an operator. */
  problems(): string[] {
    if (!this.cache.isConnected) return []
    return [...this.unanswered].flatMap(([host, since]) => {
      const start = this.aliveSince.get(host)
      if (start === undefined) return []
      const silent = [...since.values()].filter(
        (told) => this.clock.monotonicMs() - Math.max(told, start, this.connectedSince) >= silentMs,
      )
      if (silent.length === 0) return []
      return [hostIsSilent(host, silentMs / 60_000, silent.length)]
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
