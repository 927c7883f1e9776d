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

/*
 * INVARIANT: `isHeld` is false before the server can have dropped the lease. The server counts from when it received
 * the last renewal, we from when we sent it, and we stop at two thirds.
 */
export class EtcdLease implements Lease {
  private lost = false
  private readonly listeners: (() => void)[] = []
  private cancelRenewal: () => void = () => {}
  private cancelExpiry: () => void = () => {}
  private readonly stopLiveness: () => void

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
    private readonly ttlSeconds: number,
    private renewedAt: number,
  ) {
    this.stopLiveness = connection.watchLiveness()
    this.scheduleExpiry()
    this.scheduleRenewal(this.ttlSeconds * 300)
  }

  isHeld(): boolean {
    return !this.lost && this.connection.clock.monotonicMs() < this.heldUntil()
  }

  onLost(callback: () => void): void {
    if (this.lost) callback()
    else this.listeners.push(callback)
  }

  async revoke(): Promise<void> {
    this.lose()
    if (this.connection.isClosed) return
    await this.connection
      .attempt((client, options) => client.leaseClient.leaseRevoke({ ID: this.id }, options))
      .catch(() => {
        // It expires by itself.
      })
  }

  letExpire(): void {
    this.listeners.length = 0
    this.lose()
  }

  private heldUntil(): number {
    return this.renewedAt + (this.ttlSeconds * 1000 * 2) / 3
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
      const ttl = await this.renewOnce(Math.min(this.connection.timings.callMs, this.ttlSeconds * 300))
      if (this.lost) return
      if (ttl <= 0) return this.lose()
      this.renewedAt = sentAt
      this.scheduleExpiry()
      this.scheduleRenewal(this.ttlSeconds * 300)
    } catch (error) {
      this.connection.log.debug('lease renewal failed', { lease: this.id, reason: String(error) })
      if (!this.lost) this.scheduleRenewal(200 + Math.random() * 300)
    }
  }

  /** The TTL that the server grants; 0 when it does not know the lease any more. */
  private async renewOnce(deadlineMs: number): Promise<number> {
    const { client, generation } = this.connection.current()
    const stream = (await client.leaseClient.leaseKeepAlive()) as unknown as KeepAliveStream
    try {
      return await new Promise<number>((resolve, reject) => {
        const cancel = this.connection.clock.after(deadlineMs, () => {
          this.connection.reset(generation, 'a lease renewal got no answer')
          reject(new Error('no answer in time'))
        })
        const settle = (act: () => void) => {
          cancel()
          act()
        }
        stream.on('data', (response) =>
          settle(() => {
            this.connection.heardFromQuorum(generation)
            resolve(Number(response.TTL))
          }),
        )
        stream.on('error', (error) => settle(() => reject(error)))
        stream.on('end', () => settle(() => reject(new Error('the stream ended'))))
        stream.write({ ID: this.id })
      })
    } catch (error) {
      stream.cancel()
      throw error
    } finally {
      // Ended, not cancelled: etcd3 takes a cancelled stream for a broken host and drops its connections.
      stream.end()
    }
  }

  private lose(): void {
    if (this.lost) return
    this.lost = true
    this.cancelRenewal()
    this.cancelExpiry()
    this.stopLiveness()
    for (const listener of this.listeners) listener()
  }
}
