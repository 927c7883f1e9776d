import type { Clock } from '../daemon/clock.js'
import type { Memory } from './memory.js'

/**
 * How long hosts have been away. A host that is missing for a moment, because etcd was, is not lost: nothing is placed
 * elsewhere on its account until the grace has passed.
 */
export class Absences {
  private readonly since = new Map<string, number>()
  private readonly stop: () => void

  constructor(
    private readonly memory: Memory,
    private readonly clock: Clock,
    private readonly graceMs: number,
    private readonly onGone: () => void,
  ) {
    this.stop = memory.onChange(() => {
      for (const host of this.since.keys()) if (memory.hosts.has(host)) this.since.delete(host)
    })
  }

  /** Asked of a host that is missing, it starts to count. */
  isGone(host: string): boolean {
    if (this.memory.hosts.has(host)) return false
    const since = this.since.get(host)
    if (since !== undefined) return this.clock.monotonicMs() - since >= this.graceMs
    this.since.set(host, this.clock.monotonicMs())
    this.clock.after(this.graceMs, () => this.onGone())
    return false
  }

  close(): void {
    this.stop()
  }
}
