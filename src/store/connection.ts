import type { CallOptions } from '@grpc/grpc-js'
import type { Clock } from '../daemon/clock.js'
import { backoffMs } from '../daemon/backoff.js'
import type { Log } from '../daemon/log.js'
import { EtcdClient } from './client.js'
import { type Certificates, certificatesOf, clientOptions, type EtcdOptions } from './clientOptions.js'
import { classify } from './errors.js'
import { Liveness } from './liveness.js'
import { Pauses } from './pauses.js'
import { StoreUnavailable } from './store.js'
import { checkTransition, type Transitions } from './transitions.js'

export interface Timings {
  /** Deadline of one call to one endpoint. */
  callMs: number
  /** How long a read or write is retried before it fails. */
  giveUpMs: number
  livenessEveryMs: number
  livenessDeadlineMs: number
  /** A watch that has received nothing for this long asks for a sign of life. */
  progressEveryMs: number
  /** A watch that has received nothing for this long is opened again. */
  silenceMs: number
  relistEveryMs: number
}

export const defaultTimings: Timings = {
  callMs: 3_000,
  giveUpMs: 15_000,
  livenessEveryMs: 5_000,
  livenessDeadlineMs: 3_000,
  progressEveryMs: 20_000,
  silenceMs: 50_000,
  relistEveryMs: 420_000,
}

/** With another endpoint to go to, an endpoint that does not answer is left sooner: leases have to be renewed meanwhile. */
const livenessDeadlineOfSeveralMs = 1_500

/*
 *   idle     no client: the next call opens one, after a pause when the last one was reset
 *   open     a client of the endpoint in use
 *   closed
 */
interface Open {
  name: 'open'
  client: EtcdClient
  liveness: Liveness
}
type State = { name: 'idle' } | Open | { name: 'closed' }
export type ConnectionState = State['name']

const transitions: Transitions<ConnectionState> = {
  idle: ['idle', 'open', 'closed'],
  open: ['idle', 'closed'],
  closed: [],
}

/** The pause after that many failed attempts: it grows, with jitter, so that many clients do not return at once. */
export const retryMs = (round: number) => backoffMs(round, 50, 2_000)

/** Shorter than a lease: an etcd that is back after any time gives each lease its whole time again, and it has to be renewed in that. */
const maxReconnectMs = 5_000

/** The pause before connecting again, after no endpoint has answered for so long: it grows with that, with jitter. */
export const reconnectMs = (awayMs: number, random: () => number = Math.random) =>
  Math.min(maxReconnectMs, Math.max(50, awayMs / 2)) * (0.5 + random() / 2)

/** One call may be sent now, on this client. */
export interface Link {
  client: EtcdClient
  /** For `failed` and `heard`. */
  generation: number
}

/**
 * The client of the endpoint in use, with one TCP connection for all calls and streams, and the choice of that endpoint.
 * A call that fails says little about the others: the endpoint is left when its connection is gone, or when it does not
 * answer to a second request either (`liveness.ts`).
 *
 * INVARIANTS: every call has a deadline; a generation is never used again after it was left.
 */
export class Connection {
  private link: State = { name: 'idle' }
  private index = 0
  private generation = 0
  /** Since when nothing was heard of any endpoint; undefined while the one in use answers. */
  private awaySince: number | undefined
  private connectAt = -Infinity
  private readonly resetListeners = new Set<(reason: string) => void>()
  private readonly pauses: Pauses
  private livenessUsers = 0
  private readonly certificates: Certificates

  /** Connects at the first call. Reads the TLS files now, and throws when one cannot be read. */
  constructor(
    private readonly options: EtcdOptions,
    readonly timings: Timings,
    readonly clock: Clock,
    readonly log: Log,
  ) {
    // Read once: a file that is missing for a moment while it is replaced must not end a program that reconnects.
    this.certificates = certificatesOf(options)
    this.index = Math.floor(Math.random() * options.endpoints.length)
    this.pauses = new Pauses(clock)
  }

  /** The endpoint in use, as written in the configuration. */
  get endpoint(): string {
    return this.options.endpoints[this.index]!
  }

  /** For logs and tests. */
  get state(): ConnectionState {
    return this.link.name
  }

  /** True from the call of `close` on. */
  get isClosed(): boolean {
    return this.link.name === 'closed'
  }

  /** The client in use, at once or after the pause before connecting again. Throws StoreUnavailable when closed. */
  async ready(): Promise<Link> {
    for (;;) {
      const restMs = this.connectAt - this.clock.monotonicMs()
      if (this.link.name !== 'idle' || restMs <= 0) return this.current()
      await this.pauses.wait(restMs)
    }
  }

  /**
   * One attempt at the endpoint in use. Throws StoreUnavailable when it did not answer or could not serve the call, and other
   * failures as their StoreError. After StoreUnavailable it is not known whether a write was done.
   */
  async attempt<T>(
    call: (client: EtcdClient, options: CallOptions) => Promise<T>,
    deadlineMs = this.timings.callMs,
  ): Promise<T> {
    const { client, generation } = await this.readyWithin(deadlineMs)
    const sentAt = this.clock.monotonicMs()
    try {
      const answer = await call(client, { deadline: Date.now() + deadlineMs })
      this.heard(generation)
      return answer
    } catch (error) {
      this.failed(generation, sentAt, error)
      throw classify(error).error
    }
  }

  /** Retries a read until it succeeds or `giveUpMs` have passed; errors that a retry cannot fix are thrown at once. */
  async retryRead<T>(call: (client: EtcdClient, options: CallOptions) => Promise<T>): Promise<T> {
    const start = this.clock.monotonicMs()
    for (let round = 0; ; round++) {
      try {
        return await this.attempt(call)
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error
        if (this.isClosed || this.clock.monotonicMs() - start > this.timings.giveUpMs) throw error
        await this.pause(round)
      }
    }
  }

  /** Ends at once when the connection is closed. */
  pause(round: number): Promise<void> {
    return this.pauses.wait(retryMs(round))
  }

  /** A call or stream of that generation, begun then, has failed. */
  failed(generation: number, sentAt: number, error: unknown): void {
    if (generation !== this.generation || this.link.name !== 'open') return
    const failure = classify(error)
    if (failure.kind === 'disconnected') this.leave(failure.error.message)
    else if (failure.kind === 'unreachable') this.link.liveness.miss(sentAt, failure.error.message)
    else this.heard(generation)
  }

  /** To be called for answers that only a member with a quorum gives: calls are linearizable, and only etcd's leader renews leases. */
  heard(generation: number): void {
    if (generation !== this.generation || this.link.name !== 'open') return
    this.awaySince = undefined
    this.link.liveness.heard()
  }

  /**
   * Calls back with the reason each time that the endpoint in use is left, and at the close. Call the returned function to stop that.
   */
  onReset(listener: (reason: string) => void): () => void {
    this.resetListeners.add(listener)
    return () => this.resetListeners.delete(listener)
  }

  /**
   * Asks the endpoint when there was no answer for a while, until the returned function is called. A program that renews a lease
   * sends no such read.
   */
  watchLiveness(): () => void {
    this.livenessUsers++
    this.tellLiveness()
    let ended = false
    return () => {
      if (ended) return
      ended = true
      this.livenessUsers--
      this.tellLiveness()
    }
  }

  /** Ends pauses, calls and streams. May be repeated. */
  close(): void {
    if (this.isClosed) return
    this.enter({ name: 'closed' })
    this.pauses.close()
    this.announce('closed')
  }

  private current(): Link {
    if (this.link.name === 'closed') throw new StoreUnavailable('the store is closed')
    if (this.link.name === 'idle') this.open()
    return { client: (this.link as Open).client, generation: this.generation }
  }

  /** As `ready`; throws StoreUnavailable when that takes longer. */
  private async readyWithin(ms: number): Promise<Link> {
    const restMs = this.connectAt - this.clock.monotonicMs()
    if (this.link.name !== 'idle' || restMs <= ms) return this.ready()
    await this.pauses.wait(ms)
    if (this.link.name === 'idle') throw new StoreUnavailable('etcd did not answer, and is asked again later')
    return this.current()
  }

  private open(): void {
    const { generation, timings, clock } = this
    const client = new EtcdClient(clientOptions(this.options, this.endpoint, this.certificates, timings.callMs))
    const liveness = new Liveness({
      clock,
      everyMs: timings.livenessEveryMs,
      ask: () => this.ask(client),
      onDead: (reason) => {
        if (generation === this.generation) this.leave(`it does not answer: ${reason}`)
      },
    })
    this.enter({ name: 'open', client, liveness })
    this.tellLiveness()
  }

  /**
   * Whether that endpoint answers. With others to go to, it has to show a quorum too; a single one is not left for a lack of it.
   * Any answer counts, for example a denial.
   */
  private async ask(client: EtcdClient): Promise<boolean> {
    const isSingle = this.options.endpoints.length === 1
    const { livenessDeadlineMs } = this.timings
    const deadlineMs = isSingle ? livenessDeadlineMs : Math.min(livenessDeadlineMs, livenessDeadlineOfSeveralMs)
    const request = { key: Buffer.from([0]), count_only: true, serializable: isSingle }
    try {
      await client.kv.range(request, { deadline: Date.now() + deadlineMs })
      return true
    } catch (error) {
      return classify(error).kind === 'refused'
    }
  }

  private tellLiveness(): void {
    if (this.link.name === 'open') this.link.liveness.need(this.livenessUsers > 0)
  }

  /** Leaves the endpoint in use, for the next one or for another connection to the same. */
  private leave(reason: string): void {
    const now = this.clock.monotonicMs()
    this.awaySince ??= now
    this.connectAt = now + reconnectMs(now - this.awaySince)
    this.generation++
    this.index = (this.index + 1) % this.options.endpoints.length
    this.enter({ name: 'idle' })
    this.announce(reason)
  }

  /** Enters a state and closes the client of the previous state. */
  private enter(next: State): void {
    checkTransition('the connection', transitions, this.state, next.name)
    const before = this.link
    this.link = next
    if (before.name !== 'open') return
    before.liveness.end()
    before.client.close()
  }

  private announce(reason: string): void {
    for (const listener of [...this.resetListeners]) listener(reason)
  }
}
