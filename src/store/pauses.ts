import type { Clock } from '../daemon/clock.js'

/** The pauses of something that can be closed: all of them end at once then, and none begins from then on. */
export class Pauses {
  private readonly underWay = new Set<() => void>()
  private isClosed = false

  constructor(private readonly clock: Clock) {}

  /** Resolves after that time, or when all are closed; never rejects. */
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

  /** Ends all that are under way, and each that is begun later. */
  close(): void {
    this.isClosed = true
    for (const end of [...this.underWay]) end()
  }
}
