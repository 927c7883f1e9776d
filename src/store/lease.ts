import type { ILeaseKeepAliveRequest, ILeaseKeepAliveResponse } from 'etcd3'
import type { Connection } from './connection.js'
import { type Lease, StoreUnavailable } from './store.js'

type KeepAliveStream = {
  write(request: ILeaseKeepAliveRequest): void
  end(): void
  cancel(): void
  on(event: 'data', handler: (response: ILeaseKeepAliveResponse) => void): void
  on(event: 'error', handler: (error: Error) => void): void
  on(event: 'end', handler: () => void): void
}

/**
 * The times of a lease in milliseconds: when it is renewed, how long one try may take, how long after a failure the next
 * begins at the latest, and until when it is held. When one member is silent, a whole second try still fits in.
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
 * INVARIANT: `isHeld` is false before the server can have dropped the lease. The server counts from when it received
 * the last renewal, we from when we sent it, and we stop at two thirds.
 */
/** A lease that renews itself until it is lost, revoked or left to expire. */
export class EtcdLease implements Lease {
  private lost = false
  private readonly listeners: (() => void)[] = []
  private cancelRenewal: () => void = () => {}
  private cancelExpiry: () => void = () => {}
  private readonly stopLiveness: () => void
  private readonly times: ReturnType<typeof leaseTimes>
  private stream: { generation: number; opened: Promise<KeepAliveStream> } | undefined
  /** Settles the renewal under way, of which there is one at a time. */
  private answer: (outcome: number | Error) => void = () => {}

  /**
   * Tried again for `giveUpMs`; then StoreUnavailable. A grant whose answer was lost leaves a lease without keys, which
   * runs out.
   */
  static async grant(connection: Connection, ttlSeconds: number): Promise<EtcdLease> {
    const start = connection.clock.monotonicMs()
    for (let round = 0; ; round++) {
      const sentAt = connection.clock.monotonicMs()
      try {
        const response = await connection.attempt((client, options) =>
          client.leaseClient.leaseGrant({ TTL: ttlSeconds, ID: 0 }, options),
        )
        return new EtcdLease(connection, response.ID, ttlSeconds, sentAt)
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
  ) {
    this.times = leaseTimes(ttlSeconds)
    this.stopLiveness = connection.watchLiveness()
    this.scheduleExpiry()
    this.scheduleRenewal(this.times.everyMs)
  }

  /** As `Lease` says. */
  isHeld(): boolean {
    return !this.lost && this.connection.clock.monotonicMs() < this.heldUntil()
  }

  /** As `Lease` says; at once when it is lost already. */
  onLost(callback: () => void): void {
    if (this.lost) callback()
    else this.listeners.push(callback)
  }

  /** As `Lease` says. Throws nothing when etcd is away: the lease runs out then. */
  async revoke(): Promise<void> {
    this.lose()
    if (this.connection.isClosed) return
    await this.connection
      .attempt((client, options) => client.leaseClient.leaseRevoke({ ID: this.id }, options))
      .catch(() => {
        // It expires by itself.
      })
  }

  /** As `Lease` says; nobody is called back. */
  letExpire(): void {
    this.listeners.length = 0
    this.lose()
  }

  private heldUntil(): number {
    return this.renewedAt + this.times.heldMs
  }

  private scheduleExpiry(): void {
    this.cancelExpiry()
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
    if (this.lost) return
    const sentAt = this.connection.clock.monotonicMs()
    try {
      const ttl = await this.renewOnce(Math.min(this.connection.timings.callMs, this.times.deadlineMs))
      if (this.lost) return
      if (ttl <= 0) return this.lose()
      this.renewedAt = sentAt
      this.scheduleExpiry()
      this.scheduleRenewal(this.times.everyMs)
    } catch (error) {
      this.connection.log.debug('lease renewal failed', { lease: this.id, reason: String(error) })
      if (!this.lost) this.scheduleRenewal(this.times.retryMs * (0.4 + Math.random() * 0.6))
    }
  }

  /** The TTL that the server grants; 0 when it does not know the lease any more. */
  private renewOnce(deadlineMs: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const { generation } = this.connection.current()
      const cancel = this.connection.clock.after(deadlineMs, () => {
        // Its late answer must not be taken for that to a later renewal.
        this.leaveStream((stream) => stream.cancel())
        this.connection.reset(generation, 'a lease renewal got no answer')
        reject(new Error('no answer in time'))
      })
      this.answer = (outcome) => {
        this.answer = () => {}
        cancel()
        if (outcome instanceof Error) return reject(outcome)
        this.connection.heardFromQuorum(generation)
        resolve(outcome)
      }
      this.renewals().then(
        (stream) => stream.write({ ID: this.id }),
        (error: unknown) => this.answer(error instanceof Error ? error : new Error(String(error))),
      )
    })
  }

  /** One stream for all renewals, as long as its connection lasts: opening one costs several times as much as a renewal. */
  private async renewals(): Promise<KeepAliveStream> {
    const { client, generation } = this.connection.current()
    if (this.stream?.generation === generation) return this.stream.opened
    this.leaveStream((stream) => stream.end())
    const opened = client.leaseClient.leaseKeepAlive() as unknown as Promise<KeepAliveStream>
    const mine = { generation, opened }
    this.stream = mine
    try {
      const stream = await opened
      const over = (reason: Error) => {
        if (this.stream !== mine) return
        this.stream = undefined
        this.answer(reason)
      }
      stream.on('data', (response) => {
        if (this.stream === mine) this.answer(Number(response.TTL))
      })
      stream.on('error', over)
      stream.on('end', () => over(new Error('the stream ended')))
      return stream
    } catch (error) {
      if (this.stream === mine) this.stream = undefined
      throw error
    }
  }

  private leaveStream(leave: (stream: KeepAliveStream) => void): void {
    const left = this.stream
    this.stream = undefined
    left?.opened.then(leave, () => {})
  }

  private lose(): void {
    if (this.lost) return
    this.lost = true
    this.cancelRenewal()
    this.cancelExpiry()
    this.stopLiveness()
    // Ended, not cancelled: etcd3 takes a cancelled stream for a broken host and drops its connections.
    this.leaveStream((stream) => stream.end())
    for (const listener of this.listeners) listener()
  }
}
