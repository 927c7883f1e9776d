import type { Clock } from '../../daemon/clock.js'

/** Changes of one host that are followed at once; then one more for each time that passes. */
const atOnce = 10
const perMs = 10_000

/**
 * When a host comes, goes or moves, everything is looked at. A host that does so without end, by a fault or on purpose, must not keep
 * the scheduler from all else: what it changes further is looked at a little later, together.
 */
export class HostChanges {
  private readonly spent = new Map<string, { count: number; atMs: number }>()
  private cancel: (() => void) | undefined

  constructor(
    private readonly clock: Clock,
    private readonly lookLater: () => void,
  ) {}

  /** Whether this change is followed at once; if not, it will be. */
  isFollowed(host: string): boolean {
    const count = this.spentBy(host)
    if (count > atOnce - 1) {
      this.cancel ??= this.clock.after(perMs, () => {
        this.cancel = undefined
        this.lookLater()
      })
      return false
    }
    this.spent.set(host, { count: count + 1, atMs: this.clock.monotonicMs() })
    return true
  }

  /** For people. */
  problems(): string[] {
    return [...this.spent.keys()]
      .filter((host) => this.spentBy(host) > atOnce - 1)
      .map((host) => `host ${host} comes, goes or changes its addresses all the time: followed every ${perMs / 1000} s`)
  }

  close(): void {
    this.cancel?.()
  }

  private spentBy(host: string): number {
    const { count = 0, atMs = 0 } = this.spent.get(host) ?? {}
    return Math.max(0, count - (this.clock.monotonicMs() - atMs) / perMs)
  }
}
