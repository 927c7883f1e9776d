import type { KeepAliveStream } from './client.js'
import type { Connection, Link } from './connection.js'

/** The connection was left before a renewal was answered. */
export class ConnectionLeft extends Error {
  override name = 'ConnectionLeft'
}

export interface Renewal {
  /** The TTL that the server grants; 0 when it no longer knows the lease. */
  ttlSeconds: number
  /** When it was sent. */
  sentAt: number
}

/**
 * The renewals of a lease, one at a time, over one stream while its connection lasts: opening a stream costs several times as much as a
 * renewal.
 */
export class Renewals {
  private stream: { generation: number; opened: Promise<KeepAliveStream> } | undefined
  /** Settles the current renewal. */
  private answer: (outcome: number | Error) => void = () => {}
  private readonly stopListening: () => void

  constructor(
    private readonly connection: Connection,
    private readonly leaseId: string,
  ) {
    this.stopListening = connection.onReset((reason) => {
      this.leave()
      this.answer(new ConnectionLeft(reason))
    })
  }

  /** Sent as soon as there is a connection. Rejects when there is no answer within the deadline from then on. */
  async renew(deadlineMs: number): Promise<Renewal> {
    const { connection } = this
    const link = await connection.ready()
    const sentAt = connection.clock.monotonicMs()
    try {
      const ttlSeconds = await this.send(link, deadlineMs)
      connection.heard(link.generation)
      return { ttlSeconds, sentAt }
    } catch (error) {
      // A late answer must not count for a later renewal.
      this.leave()
      connection.failed(link.generation, sentAt, error)
      throw error
    }
  }

  /** Ends the stream. */
  end(): void {
    this.stopListening()
    this.leave()
  }

  private send(link: Link, deadlineMs: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const cancel = this.connection.clock.after(deadlineMs, () =>
        this.answer(new Error('a lease renewal got no answer')),
      )
      this.answer = (outcome) => {
        this.answer = () => {}
        cancel()
        if (outcome instanceof Error) reject(outcome)
        else resolve(outcome)
      }
      this.open(link).then(
        (stream) => stream.write({ ID: this.leaseId }),
        (error: unknown) => this.answer(error instanceof Error ? error : new Error(String(error))),
      )
    })
  }

  private async open({ client, generation }: Link): Promise<KeepAliveStream> {
    if (this.stream?.generation === generation) return this.stream.opened
    this.leave()
    const opened = client.leaseKeepAlive()
    const mine = { generation, opened }
    this.stream = mine
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
  }

  private leave(): void {
    const left = this.stream
    this.stream = undefined
    left?.opened.then(
      (stream) => stream.cancel(),
      () => {},
    )
  }
}
