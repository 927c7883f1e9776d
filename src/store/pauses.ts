import type { Clock } from '../daemon/clock.js'

/** The pauses of something that can be closed: closing ends all of them at once, and later ones at their beginning. */
export class Pauses {
  private readonly underWay = new Set<() => void>()
  private isClosed = false

  constructor(private readonly clock: Clock) {}

  /** Resolves after that time, or when closed; never rejects. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.isClosed) return resolve()
      const end = () => {
        cancel()
        this.underWay.delete(end)
        resolve()
      }
      const cancel = this.clock.after(ms, end)
      this.underWay.add(end)
    })
  }

  /** Ends all current pauses, and every later one at once. */
  close(): void {
    this.isClosed = true
    for (const end of [...this.underWay]) end()
  }
}
