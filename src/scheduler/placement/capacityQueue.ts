import type { Clock } from '../../daemon/clock.js'
import type { PoolRequest } from '../../model/space.js'
import { spaceOf } from '../cluster/space.js'
import type { DecisionStore } from '../commit/decision.js'

/*
 * Setups that wait until devices are free, in the order in which they came.
 *
 * The first request that fits is served first. Later requests may overtake one that does not fit yet, but only during the first
 * half of its time: from then on, free devices are reserved for it until it has all that it needs or gives up. So small requests do not
 * starve a large one, and they lose at most half of one call's time to it.
 *
 * INVARIANTS: the queue is only in memory; after a restart of the scheduler the calls are repeated, in any order.
 */

/** Devices that a request waits for. */
export interface Claim extends PoolRequest {
  slots: number
}

export interface Waiter extends Claim {
  /** From this time of the monotonic clock on, no later request overtakes it. */
  keepFromMs: number
}

/** How many of a pool's `free` slots a request may take, whether it is new or in the queue. */
export type LeftFor = (pool: string, free: number) => number

/** A place in the queue. Always call `leave` at the end. */
export interface QueuePlace {
  leftFor: LeftFor
  /** True when its turn has come; false when the time has passed or the place was left. */
  untilCapacity(timeoutMs: number): Promise<boolean>
  leave(): void
}

interface QueueEntry extends Waiter {
  token: string
  /** Undefined while it decides. */
  wake: ((hasCapacity: boolean) => void) | undefined
}

/** How many of `free` slots are left after these requests, which are in the order of the queue. */
export function leftBehind(ahead: readonly Waiter[], free: number, nowMs: number): number {
  let left = free
  for (const { slots, keepFromMs } of ahead) {
    if (slots <= left) left -= slots
    else if (nowMs >= keepFromMs) return 0
  }
  return left
}

/** Changes come in bursts; the devices are counted once for each. */
const checkPauseMs = 50

export class CapacityQueue {
  private waiting: QueueEntry[] = []
  private stopListening: (() => void) | undefined
  private cancelCheck: (() => void) | undefined

  constructor(
    private readonly decisions: Pick<DecisionStore, 'cluster' | 'onChange'>,
    private readonly clock: Clock,
  ) {}

  readonly leftFor: LeftFor = (pool, free) => this.leftBehind(this.waiting, pool, free)

  /** The slots of a pool that the waiting requests will take. */
  claimedSlots(pool: string): number {
    return this.waiting.reduce((sum, claim) => sum + (claim.pool === pool ? claim.slots : 0), 0)
  }

  /** The request of that name, and how many requests for the same pool are ahead of it. */
  positionOf(token: string): { claim: Claim; ahead: number } | undefined {
    const index = this.waiting.findIndex((entry) => entry.token === token)
    const claim = this.waiting[index]
    if (!claim) return undefined
    return { claim, ahead: this.waiting.slice(0, index).filter(({ pool }) => pool === claim.pool).length }
  }

  /** Joins the end of the queue, for at most `timeoutMs`. */
  join(token: string, claim: Claim, timeoutMs: number): QueuePlace {
    const keepFromMs = this.clock.monotonicMs() + timeoutMs / 2
    const entry: QueueEntry = { ...claim, token, keepFromMs, wake: undefined }
    this.waiting.push(entry)
    this.stopListening ??= this.decisions.onChange(() => this.checkSoon())
    return {
      leftFor: (pool, free) => this.leftBehind(this.waiting.slice(0, this.waiting.indexOf(entry)), pool, free),
      untilCapacity: (timeoutMs) => this.untilCapacity(entry, timeoutMs),
      leave: () => this.leave(entry),
    }
  }

  private untilCapacity(entry: QueueEntry, timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const wake = (hasCapacity: boolean) => {
        entry.wake = undefined
        cancel()
        resolve(hasCapacity)
      }
      const cancel = this.clock.after(timeoutMs, () => wake(false))
      entry.wake = wake
      this.checkSoon()
    })
  }

  private leave(entry: QueueEntry): void {
    entry.wake?.(false)
    this.waiting = this.waiting.filter((other) => other !== entry)
    if (this.waiting.length > 0) return this.checkSoon()
    this.stopListening?.()
    this.cancelCheck?.()
    this.stopListening = this.cancelCheck = undefined
  }

  private checkSoon(): void {
    this.cancelCheck ??= this.clock.after(checkPauseMs, () => {
      this.cancelCheck = undefined
      this.wakeReady()
    })
  }

  /** Wakes everybody whose turn has come. */
  private wakeReady(): void {
    /** The slots of each pool that are left for the next request. */
    const left = new Map<string, number>()
    for (const entry of this.waiting) {
      const { pool, slots, wake } = entry
      const free = left.get(pool) ?? spaceOf(this.decisions.cluster, entry).counts.free
      if (wake && slots <= free) wake(true)
      left.set(pool, leftBehind([entry], free, this.clock.monotonicMs()))
    }
  }

  private leftBehind(ahead: readonly QueueEntry[], pool: string, free: number): number {
    const rivals = ahead.filter((entry) => entry.pool === pool)
    return leftBehind(rivals, free, this.clock.monotonicMs())
  }
}
