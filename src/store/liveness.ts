import type { Clock } from '../daemon/clock.js'

export interface LivenessParts {
  clock: Clock
  /** It is asked when nothing was heard for this long. */
  everyMs: number
  /** Asks the endpoint, and resolves whether it answered. It has a deadline. */
  ask(): Promise<boolean>
  /** Called when the endpoint is dead. */
  onDead(reason: string): void
}

/**
 * Whether an endpoint answers. One call without an answer proves little: etcd may be busy with it, or this program was.
 * So it is asked again, and counts as dead when two requests in a row had no answer and nothing else was heard since.
 *
 *   quiet      nothing is asked; it is asked after `everyMs` without an answer, if anybody needs that
 *   asking     it was asked
 *   ended
 */
export class Liveness {
  private state: 'quiet' | 'asking' | 'ended' = 'quiet'
  /** Requests in a row without an answer. */
  private misses = 0
  private heardAt = -Infinity
  private isNeeded = false
  private cancel: () => void = () => {}

  constructor(private readonly parts: LivenessParts) {}

  /** To be called for every answer. */
  heard(): void {
    this.misses = 0
    this.heardAt = this.parts.clock.monotonicMs()
  }

  /** A request that was sent then got no answer. Other answers since show that the endpoint is alive. */
  miss(sentAt: number, reason: string): void {
    if (this.state === 'ended' || this.heardAt >= sentAt) return
    this.misses = Math.max(this.misses, 1)
    void this.ask(reason)
  }

  /** Whether it is asked when nothing was heard for a while: a member without a quorum would otherwise only be silent. */
  need(isNeeded: boolean): void {
    if (this.isNeeded === isNeeded || this.state === 'ended') return
    this.isNeeded = isNeeded
    this.cancel()
    if (isNeeded) this.schedule()
  }

  /** Asks no more and calls nobody. */
  end(): void {
    this.state = 'ended'
    this.cancel()
  }

  private schedule(inMs = this.parts.everyMs): void {
    this.cancel = this.parts.clock.after(inMs, () => {
      const quietMs = this.parts.clock.monotonicMs() - this.heardAt
      if (quietMs < this.parts.everyMs) return this.schedule(this.parts.everyMs - quietMs)
      void this.ask('no answer')
      this.schedule()
    })
  }

  private async ask(reason: string): Promise<void> {
    while (this.state === 'quiet') {
      this.state = 'asking'
      const answered = await this.parts.ask()
      if (this.hasEnded()) return
      this.state = 'quiet'
      if (answered) return this.heard()
      if (++this.misses >= 2) return this.parts.onDead(reason)
    }
  }

  private hasEnded(): boolean {
    return this.state === 'ended'
  }
}
