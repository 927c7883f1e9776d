import type { Clock } from '../daemon/clock.js'

export interface Pause {
  /** Resolves when the time is over, or the pause was ended. */
  ended: Promise<void>
  /** Ends it now. */
  end: () => void
}

/** The pauses of something that can be closed: all of them end at once then, and none begins from then on. */
export class Pauses {
  private readonly underWay = new Set<() => void>()
  private isClosed = false

  constructor(private readonly clock: Clock) {}

  /** `ended` resolves after that time, at its `end`, or when all are closed; never rejects. */
  begin(ms: number): Pause {
    let end = () => {}
    const ended = new Promise<void>((resolve) => {
      if (this.isClosed) return resolve()
      const cancel = this.clock.after(ms, () => end())
      end = () => {
        cancel()
        this.underWay.delete(end)
        resolve()
      }
      this.underWay.add(end)
    })
    return { ended, end }
  }

  /** Ends all that are under way, and each that is begun later. */
  close(): void {
    this.isClosed = true
    for (const end of [...this.underWay]) end()
  }
}
