import type { ILeaseKeepAliveRequest, ILeaseKeepAliveResponse } from 'etcd3'
import type { Connection } from './connection.js'
import type { RawStream } from './rawStream.js'

type KeepAliveStream = RawStream<ILeaseKeepAliveRequest, ILeaseKeepAliveResponse>

/**
 * The renewals of a lease, one at a time, over one stream for as long as its connection lasts: opening one costs several times as
 * much as a renewal.
 */
export class Renewals {
  private stream: { generation: number; opened: Promise<KeepAliveStream> } | undefined
  /** Settles the renewal under way. */
  private answer: (outcome: number | Error) => void = () => {}

  constructor(
    private readonly connection: Connection,
    private readonly leaseId: string,
  ) {}

  /** The TTL that the server grants; 0 when it does not know the lease any more. */
  renew(deadlineMs: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const { generation } = this.connection.current()
      const cancel = this.connection.clock.after(deadlineMs, () => {
        // Its late answer must not be taken for that to a later renewal.
        this.leave((stream) => stream.cancel())
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
      this.open().then(
        (stream) => stream.write({ ID: this.leaseId }),
        (error: unknown) => this.answer(error instanceof Error ? error : new Error(String(error))),
      )
    })
  }

  /** Ended, not cancelled: etcd3 takes a cancelled stream for a broken host and drops its connections. */
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
