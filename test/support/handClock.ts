import type { Clock } from '../../src/daemon/clock.js'

/** Time that stands still until a test moves it. */
export class HandClock implements Clock {
  private now = 0
  private readonly timers = new Set<{ due: number; callback: () => void }>()

  unixSeconds(): number {
    return 1_000_000 + Math.floor(this.now / 1000)
  }

  monotonicMs(): number {
    return this.now
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { due: this.now + Math.max(0, ms), callback }
    this.timers.add(timer)
    return () => this.timers.delete(timer)
  }

  get timersLeft(): number {
    return this.timers.size
  }

  /** Everything that falls due on the way is called at its time, in order. */
  advance(ms: number): void {
    const end = this.now + ms
    for (;;) {
      const [next] = [...this.timers].filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)
      if (!next) break
      this.timers.delete(next)
      this.now = Math.max(this.now, next.due)
      next.callback()
    }
    this.now = end
  }
}

/** Time passes by a millisecond each time that somebody looks at it, as if there was always work. */
export class BusyClock extends HandClock {
  override monotonicMs(): number {
    this.advance(1)
    return super.monotonicMs()
  }
}
/** So many steps, of a millisecond each, work takes in a slice before others have their turn. */
export const mostStepsTogether = 21
