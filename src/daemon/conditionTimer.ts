import type { Clock } from './clock.js'

/** Work that has failed for this long although etcd answers will not recover by itself: systemd restarts the daemon. */
export const unhealthyAfterMs = 300_000

/** For how long a condition has held without interruption; 0 while it does not hold. */
export class ConditionTimer {
  private since: number | undefined

  constructor(private readonly clock: Clock) {}

  /** The condition holds from now on; no effect if it holds already. */
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
