import type { Clock } from './clock.js'

/** What has failed for so long without a word from etcd about it is not helped by waiting: systemd starts the daemon anew. */
export const unhealthyAfterMs = 300_000

/** For how long something has been so without a break; 0 while it is not. */
export class ConditionTimer {
  private since: number | undefined

  constructor(private readonly clock: Clock) {}

  /** It is so from now on, or has been for longer. */
  begin(): void {
    this.since ??= this.clock.monotonicMs()
  }

  end(): void {
    this.since = undefined
  }

  get ms(): number {
    return this.since === undefined ? 0 : this.clock.monotonicMs() - this.since
  }
}
