import { Etcd3 } from 'etcd3'
import type { CallOptions } from '@grpc/grpc-js'
import { backoffMs } from '../daemon/backoff.js'
import type { Clock } from '../daemon/clock.js'
import type { Log } from '../daemon/log.js'
import { clientOptions, type Credentials, credentialsOf, type EtcdOptions } from './clientOptions.js'
import { classify } from './errors.js'
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
  /** A watch that has received nothing for this long is opened again. */
  silenceMs: number
  relistEveryMs: number
}

export const defaultTimings: Timings = {
  callMs: 3_000,
  giveUpMs: 15_000,
  livenessEveryMs: 5_000,
  livenessDeadlineMs: 3_000,
  silenceMs: 15_000,
  relistEveryMs: 420_000,
}

/*
 *   idle     no client yet, or the last one was reset: the next call opens one
 *   open     a client of the endpoint in use
 *   closed
 */
interface Open {
  name: 'open'
  client: Etcd3
  /** Successive reads without an answer. */
  misses: number
  /** When the endpoint last gave an answer that needs a quorum. */
  heardAt: number
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

/**
 * One etcd3 client for the endpoint in use, and the choice of that endpoint. etcd3's own retries and circuit breakers
 * are switched off (they repeat writes blindly); a call that fails for a reason that another endpoint may not share
 * moves on to the next one.
 *
 * INVARIANTS: every call has a deadline; a generation is never used again after `reset`.
 */
export class Connection {
  private link: State = { name: 'idle' }
  private index = 0
  private generation = 0
  private readonly resetListeners = new Set<(reason: string) => void>()
  private readonly pauses: Pauses
  private cancelLiveness: (() => void) | undefined
  private livenessUsers = 0
  private readonly credentials: Credentials

  /** Connects at the first call. Reads the TLS files now, and throws when one cannot be read. */
  constructor(
    private readonly options: EtcdOptions,
    readonly timings: Timings,
    readonly clock: Clock,
    readonly log: Log,
  ) {
    // Read once: a file that is missing for a moment while it is replaced must not end a program that reconnects.
    this.credentials = credentialsOf(options)
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

  /** The client in use, and its generation for `reset`. Throws StoreUnavailable when closed. */
  current(): { client: Etcd3; generation: number } {
    if (this.link.name === 'closed') throw new StoreUnavailable('the store is closed')
    if (this.link.name === 'open') return { client: this.link.client, generation: this.generation }
    const client = new Etcd3(clientOptions(this.options, this.endpoint, this.credentials, this.timings.callMs))
    this.enter({ name: 'open', client, misses: 0, heardAt: -Infinity })
    return { client, generation: this.generation }
  }

  /**
   * One attempt at the endpoint in use. After a failure that another endpoint may not have, it moves on to the next endpoint and throws
   * StoreUnavailable; other failures are thrown as their StoreError. After StoreUnavailable it is not known whether a write was
   * done.
   */
  async attempt<T>(
    call: (client: Etcd3, options: CallOptions) => Promise<T>,
    deadlineMs = this.timings.callMs,
  ): Promise<T> {
    const { client, generation } = this.current()
    try {
      const answer = await call(client, { deadline: Date.now() + deadlineMs })
      this.heardFromQuorum(generation)
      return answer
    } catch (error) {
      const failure = classify(error)
      if (failure.kind === 'unreachable') this.reset(generation, failure.error.message)
      throw failure.error
    }
  }

  /** Retries a read until it succeeds or `giveUpMs` have passed; errors that a retry cannot fix are thrown at once. */
  async retryRead<T>(call: (client: Etcd3, options: CallOptions) => Promise<T>): Promise<T> {
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

  /** Leaves the endpoint of that generation, unless it was left already. */
  reset(generation: number, reason: string): void {
    if (this.isClosed || generation !== this.generation) return
    this.generation++
    this.index = (this.index + 1) % this.options.endpoints.length
    this.enter({ name: 'idle' })
    this.announce(reason)
  }

  /**
   * Calls back with the reason each time that the endpoint in use is left, and at the close. Call the returned function to stop that.
   */
  onReset(listener: (reason: string) => void): () => void {
    this.resetListeners.add(listener)
    return () => this.resetListeners.delete(listener)
  }

  /** To be called for answers that show a quorum: calls are linearizable, and only etcd's leader renews leases. */
  heardFromQuorum(generation: number): void {
    if (generation !== this.generation || this.link.name !== 'open') return
    this.link.misses = 0
    this.link.heardAt = this.clock.monotonicMs()
  }

  /**
   * Reads linearizably when there was no such answer for a while, as long as there is a watch: without that, a member without a quorum
   * would only be silent. A program that renews a lease does not need it.
   */
  watchLiveness(): () => void {
    if (this.livenessUsers++ === 0) this.scheduleLiveness()
    let ended = false
    return () => {
      if (ended) return
      ended = true
      if (--this.livenessUsers === 0) this.cancelLiveness?.()
    }
  }

  /** Ends pauses, calls and streams. May be repeated. */
  close(): void {
    if (this.isClosed) return
    this.cancelLiveness?.()
    this.enter({ name: 'closed' })
    this.pauses.close()
    this.announce('closed')
  }

  /** Enters a state and closes the client of the previous state. */
  private enter(next: State): void {
    checkTransition('the connection', transitions, this.state, next.name)
    const before = this.link
    this.link = next
    if (before.name === 'open') before.client.close()
  }

  private announce(reason: string): void {
    for (const listener of [...this.resetListeners]) listener(reason)
  }

  private scheduleLiveness(inMs = this.timings.livenessEveryMs): void {
    this.cancelLiveness = this.clock.after(inMs, () => void this.checkLiveness())
  }

  private async checkLiveness(): Promise<void> {
    if (this.isClosed) return
    const heardAt = this.link.name === 'open' ? this.link.heardAt : -Infinity
    const quietMs = this.clock.monotonicMs() - heardAt
    if (quietMs < this.timings.livenessEveryMs) return this.scheduleLiveness(this.timings.livenessEveryMs - quietMs)
    const { client, generation } = this.current()
    try {
      const options = { deadline: Date.now() + this.timings.livenessDeadlineMs }
      await client.kv.range({ key: Buffer.from([0]), count_only: true, serializable: false }, options)
      this.heardFromQuorum(generation)
    } catch (error) {
      const failure = classify(error)
      // Any other answer, for example a denial, shows that the endpoint is alive.
      if (failure.kind === 'unreachable') this.miss(generation, failure.error.message)
    }
    if (this.livenessUsers > 0 && !this.isClosed) this.scheduleLiveness()
  }

  private miss(generation: number, reason: string): void {
    if (generation !== this.generation || this.link.name !== 'open') return
    if (++this.link.misses >= 2) this.reset(generation, `no answer to two reads: ${reason}`)
  }
}
