import type { Clock } from '../../daemon/clock.js'
import { hostChangesTooOften } from './messages.js'

/** So many changes of one host are handled at once, and one more for each `perMs` that has passed. */
const atOnce = 10
const perMs = 10_000

/**
 * When a host comes, goes or changes its addresses, all that has to do with it is reconciled. A host that does so all the time, by a fault
 * or on purpose, must not keep the scheduler from other work: its further changes are handled together a little later.
 */
export class HostChanges {
  private readonly spent = new Map<string, { count: number; atMs: number }>()
  private readonly later = new Set<string>()
  private cancel: (() => void) | undefined

  constructor(
    private readonly clock: Clock,
    private readonly look: (hosts: string[]) => void,
  ) {}

  /** True when this change is to be handled at once; otherwise it is handled later. */
  isFollowed(host: string): boolean {
    const count = this.spentBy(host)
    if (count > atOnce - 1) {
      this.later.add(host)
      this.cancel ??= this.clock.after(perMs, () => this.lookLater())
      return false
    }
    this.spent.set(host, { count: count + 1, atMs: this.clock.monotonicMs() })
    return true
  }

  /** One for each such host, in words for an operator. */
  problems(): string[] {
    return [...this.spent.keys()]
      .filter((host) => this.spentBy(host) > atOnce - 1)
      .map((host) => hostChangesTooOften(host, perMs / 1000))
  }

  close(): void {
    this.cancel?.()
  }

  private lookLater(): void {
    const hosts = [...this.later]
    this.later.clear()
    this.cancel = undefined
    this.look(hosts)
  }

  private spentBy(host: string): number {
    const { count = 0, atMs = 0 } = this.spent.get(host) ?? {}
    return Math.max(0, count - (this.clock.monotonicMs() - atMs) / perMs)
  }
}
