import type { Connection } from './connection.js'
import { ConnectionLeft, Renewals } from './renewals.js'
import { type Lease, type LeaseOptions, StoreUnavailable } from './store.js'
import { checkTransition, type Transitions } from './transitions.js'

/**
 * The times of a lease in milliseconds: when it is renewed, how long one attempt may take, how long after a failure the next attempt begins
 * at the latest, and until when it is held. When one member is silent, a whole second attempt is still possible.
 */
export function leaseTimes(ttlSeconds: number) {
  return {
    everyMs: ttlSeconds * 200,
    deadlineMs: ttlSeconds * 200,
    retryMs: ttlSeconds * 50,
    heldMs: (ttlSeconds * 1000 * 2) / 3,
  }
}

/*
 *   waiting    renewed or granted; the next renewal begins later
 *   renewing   a renewal is in progress
 *   lost       dropped by the server, or given up; unless it is renewed until it is gone, also not renewed in time
 *
 * INVARIANT: `isHeld` is false before the server can have dropped the lease. The server counts from when it received
 * the last renewal, we from when we sent it, and we stop at two thirds.
 */
export type LeaseState = 'waiting' | 'renewing' | 'lost'

const transitions: Transitions<LeaseState> = {
  waiting: ['renewing', 'lost'],
  renewing: ['waiting', 'lost'],
  lost: [],
}

/** A lease that renews itself until it is lost, revoked or left to expire. */
export class EtcdLease implements Lease {
  private current: LeaseState = 'waiting'
  private readonly listeners: (() => void)[] = []
  private cancelRenewal: () => void = () => {}
  private cancelExpiry: () => void = () => {}
  private readonly stopLiveness: () => void
  private readonly times: ReturnType<typeof leaseTimes>
  private readonly renewals: Renewals

  /**
   * Retried for `giveUpMs`; then StoreUnavailable. A grant whose answer was lost leaves a lease without keys, which expires.
   */
  static async grant(connection: Connection, ttlSeconds: number, options: LeaseOptions = {}): Promise<EtcdLease> {
    const start = connection.clock.monotonicMs()
    for (let round = 0; ; round++) {
      const sentAt = connection.clock.monotonicMs()
      try {
        const response = await connection.attempt((client, call) =>
          client.leases.leaseGrant({ TTL: ttlSeconds, ID: 0 }, call),
        )
        return new EtcdLease(connection, response.ID, ttlSeconds, sentAt, options.untilGone ?? false)
      } catch (error) {
        // A grant whose answer was lost leaves a lease without keys, which expires by itself.
        if (!(error instanceof StoreUnavailable) || connection.isClosed) throw error
        if (connection.clock.monotonicMs() - start > connection.timings.giveUpMs) throw error
        await connection.pause(round)
      }
    }
  }

  private constructor(
    private readonly connection: Connection,
    readonly id: string,
    ttlSeconds: number,
    private renewedAt: number,
    private readonly untilGone: boolean,
  ) {
    this.times = leaseTimes(ttlSeconds)
    this.renewals = new Renewals(connection, id)
    this.stopLiveness = connection.watchLiveness()
    this.scheduleExpiry()
    this.scheduleRenewal(this.times.everyMs)
  }

  /** For logs and tests. */
  get state(): LeaseState {
    return this.current
  }

  /** As `Lease` says. */
  isHeld(): boolean {
    return !this.is('lost') && this.connection.clock.monotonicMs() < this.heldUntil()
  }

  /** As `Lease` says; calls back at once when it is lost already. */
  onLost(callback: () => void): void {
    if (this.is('lost')) callback()
    else this.listeners.push(callback)
  }

  /** As `Lease` says. It does not throw when etcd does not answer: then the lease expires. */
  async revoke(): Promise<void> {
    this.lose()
    if (this.connection.isClosed) return
    await this.connection
      .attempt((client, options) => client.leases.leaseRevoke({ ID: this.id }, options))
      .catch(() => {
        // It expires by itself.
      })
  }

  /** As `Lease` says; `onLost` callbacks are not called. */
  letExpire(): void {
    this.listeners.length = 0
    this.lose()
  }

  private heldUntil(): number {
    return this.renewedAt + this.times.heldMs
  }

  private scheduleExpiry(): void {
    this.cancelExpiry()
    if (this.untilGone) return
    this.cancelExpiry = this.connection.clock.after(
      Math.max(0, this.heldUntil() - this.connection.clock.monotonicMs()),
      () => {
        if (this.isHeld()) this.scheduleExpiry()
        else this.lose()
      },
    )
  }

  private scheduleRenewal(inMs: number): void {
    this.cancelRenewal = this.connection.clock.after(inMs, () => void this.renew())
  }

  private async renew(): Promise<void> {
    if (this.is('lost')) return
    this.enter('renewing')
    try {
      const { ttlSeconds, sentAt } = await this.renewals.renew(
        Math.min(this.connection.timings.callMs, this.times.deadlineMs),
      )
      if (this.is('lost')) return
      if (ttlSeconds <= 0) return this.lose()
      this.enter('waiting')
      this.renewedAt = sentAt
      this.scheduleExpiry()
      this.scheduleRenewal(this.times.everyMs)
    } catch (error) {
      this.connection.log.debug('lease renewal failed', { lease: this.id, reason: String(error) })
      if (this.is('lost')) return
      this.enter('waiting')
      // After the connection was left, the renewal is sent as soon as there is another.
      this.scheduleRenewal(error instanceof ConnectionLeft ? 0 : this.times.retryMs * (0.4 + Math.random() * 0.6))
    }
  }

  private is(name: LeaseState): boolean {
    return this.current === name
  }

  private enter(next: LeaseState): void {
    checkTransition(`the lease ${this.id}`, transitions, this.current, next)
    this.current = next
  }

  private lose(): void {
    if (this.is('lost')) return
    this.enter('lost')
    this.cancelRenewal()
    this.cancelExpiry()
    this.stopLiveness()
    this.renewals.end()
    for (const listener of this.listeners) listener()
  }
}
