import type { ILeaseKeepAliveRequest, ILeaseKeepAliveResponse } from 'etcd3'
import type { Connection } from './connection.js'
import type { RawStream } from './rawStream.js'

type KeepAliveStream = RawStream<ILeaseKeepAliveRequest, ILeaseKeepAliveResponse>

/**
 * The renewals of a lease, one at a time, over one stream while its connection lasts: opening a stream costs several times as much as a
 * renewal.
 */
export class Renewals {
  private stream: { generation: number; opened: Promise<KeepAliveStream> } | undefined
  /** Settles the current renewal. */
  private answer: (outcome: number | Error) => void = () => {}

  constructor(
    private readonly connection: Connection,
    private readonly leaseId: string,
  ) {}

  /** The TTL that the server grants; 0 when it no longer knows the lease. */
  renew(deadlineMs: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const { generation } = this.connection.current()
      const cancel = this.connection.clock.after(deadlineMs, () => {
        // A late answer must not count for a later renewal.
        this.leave((stream) => stream.cancel())
        this.connection.reset(generation, 'a lease renewal got no answer')
        reject(new Error('timed out'))
      })
      this.answer = (outcome) => {
        this.answer = () => {}
        cancel()
        if (outcome instanceof Error) return reject(outcome)
        this.connection.heardFromQuorum(generation)
        resolve(outcome)
      }
      this.open().then(
        (stream) => stream.write({ ID: this.leaseId }),
        (error: unknown) => this.answer(error instanceof Error ? error : new Error(String(error))),
      )
    })
  }

  /** Ends the stream without cancelling it: etcd3 considers the host of a cancelled stream broken, and drops its connections. */
  end(): void {
    this.leave((stream) => stream.end())
  }

  private async open(): Promise<KeepAliveStream> {
    const { client, generation } = this.connection.current()
    if (this.stream?.generation === generation) return this.stream.opened
    this.end()
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

  private leave(leave: (stream: KeepAliveStream) => void): void {
    const left = this.stream
    this.stream = undefined
    left?.opened.then(leave, () => {})
  }
}
