import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { Etcd3, type IOptions } from 'etcd3'
import type { CallOptions } from '@grpc/grpc-js'
import { backoffMs } from '../daemon/backoff.js'
import type { Clock } from '../daemon/clock.js'
import type { Log } from '../daemon/log.js'
import { classify } from './errors.js'
import { type Pause, Pauses } from './pauses.js'
import { StoreUnavailable } from './store.js'

/** How to reach etcd. Files are PEM; they are read when the store opens. */
export interface EtcdOptions {
  endpoints: string[]
  user?: { name: string; password: string }
  tls?: { caFile: string; certFile?: string; keyFile?: string }
}

export interface Timings {
  /** Deadline of one call to one endpoint. */
  callMs: number
  /** How long a read or write is tried again before it fails. */
  giveUpMs: number
  livenessEveryMs: number
  livenessDeadlineMs: number
  /** A watch that heard nothing for so long is opened again. */
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

/**
 * One etcd3 client for the endpoint in use, and the choice of that endpoint. etcd3's own retries and circuit breakers
 * are switched off (they repeat writes blindly); a call that fails for a reason that another endpoint may not share
 * moves on to the next one.
 *
 * INVARIANTS: every call has a deadline; a generation is never used again after `reset`.
 */
export class Connection {
  private client: Etcd3 | undefined
  private index = 0
  private generation = 0
  private closed = false
  private readonly resetListeners = new Set<(reason: string) => void>()
  private readonly pauses: Pauses
  private misses = 0
  /** When the endpoint in use last gave an answer that it cannot give without its quorum. */
  private heardAt = -Infinity
  private cancelLiveness: (() => void) | undefined
  private livenessUsers = 0
  private readonly credentials: Pick<IOptions, 'credentials'>

  /** Connects at the first call. Reads the TLS files now, and throws when one cannot be read. */
  constructor(
    private readonly options: EtcdOptions,
    readonly timings: Timings,
    readonly clock: Clock,
    readonly log: Log,
  ) {
    this.pauses = new Pauses(clock)
    // Once, for a file that is missing for a moment, as while it is exchanged, must not end a program that reconnects.
    this.credentials = options.tls ? { credentials: readCredentials(options.tls) } : {}
    this.index = Math.floor(Math.random() * options.endpoints.length)
  }

  /** The one in use, as the configuration writes it. */
  get endpoint(): string {
    return this.options.endpoints[this.index]!
  }

  /** True from the call of `close` on. */
  get isClosed(): boolean {
    return this.closed
  }

  /** The client in use, and its generation, which `reset` takes. Throws StoreUnavailable when closed. */
  current(): { client: Etcd3; generation: number } {
    if (this.closed) throw new StoreUnavailable('the store is closed')
    this.client ??= new Etcd3(this.clientOptions())
    return { client: this.client, generation: this.generation }
  }

  /**
   * One attempt at the endpoint in use. A failure that may be the endpoint's own moves on to the next; it comes as
   * StoreUnavailable, every other one as the StoreError that it is. Whether a write was done is not known after
   * StoreUnavailable.
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

  /** Tries a read until it answers or `giveUpMs` have passed; errors that trying again cannot help are thrown at once. */
  async retryRead<T>(call: (client: Etcd3, options: CallOptions) => Promise<T>): Promise<T> {
    const start = this.clock.monotonicMs()
    for (let round = 0; ; round++) {
      try {
        return await this.attempt(call)
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error
        if (this.closed || this.clock.monotonicMs() - start > this.timings.giveUpMs) throw error
        await this.pause(round)
      }
    }
  }

  /** Jittered and growing, so that many clients do not come back at once. Ends at once when the connection is closed. */
  async pause(round: number): Promise<void> {
    await this.beginPause(round).ended
  }

  /** The same, for a caller that may have to end it. */
  beginPause(round: number): Pause {
    return this.pauses.begin(backoffMs(round, 50, 2_000))
  }

  /** Leaves the endpoint that served `generation`, unless somebody did already. */
  reset(generation: number, reason: string): void {
    if (this.closed || generation !== this.generation) return
    this.generation++
    this.misses = 0
    this.heardAt = -Infinity
    const old = this.client
    this.client = undefined
    this.index = (this.index + 1) % this.options.endpoints.length
    old?.close()
    for (const listener of [...this.resetListeners]) listener(reason)
  }

  /**
   * Calls back, with the reason, each time that the endpoint in use is left, and at the close. Returns what ends that.
   */
  onReset(listener: (reason: string) => void): () => void {
    this.resetListeners.add(listener)
    return () => this.resetListeners.delete(listener)
  }

  /** Calls are linearizable, and leases renewed by the leader alone: their answers show that the endpoint has a quorum. */
  heardFromQuorum(generation: number): void {
    if (generation !== this.generation) return
    this.misses = 0
    this.heardAt = this.clock.monotonicMs()
  }

  /**
   * A linearizable read when nothing of the kind was heard for a while, as long as somebody watches: a member cut off from
   * its quorum is silent otherwise. Who renews a lease needs none.
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
    this.closed = true
    this.cancelLiveness?.()
    this.client?.close()
    this.client = undefined
    this.pauses.close()
    for (const listener of [...this.resetListeners]) listener('closed')
  }

  private scheduleLiveness(inMs = this.timings.livenessEveryMs): void {
    this.cancelLiveness = this.clock.after(inMs, () => void this.checkLiveness())
  }

  private async checkLiveness(): Promise<void> {
    if (this.closed) return
    const quietMs = this.clock.monotonicMs() - this.heardAt
    if (quietMs < this.timings.livenessEveryMs) return this.scheduleLiveness(this.timings.livenessEveryMs - quietMs)
    const { client, generation } = this.current()
    try {
      const options = { deadline: Date.now() + this.timings.livenessDeadlineMs }
      await client.kv.range({ key: Buffer.from([0]), count_only: true, serializable: false }, options)
      this.heardFromQuorum(generation)
    } catch (error) {
      const failure = classify(error)
      // Any other answer, a denial for one, is an answer: the endpoint lives.
      if (failure.kind === 'unreachable' && generation === this.generation && ++this.misses >= 2) {
        this.reset(generation, `no answer to two reads: ${failure.error.message}`)
      }
    }
    if (this.livenessUsers > 0 && !this.isClosed) this.scheduleLiveness()
  }

  private clientOptions(): IOptions {
    const { user } = this.options
    return {
      hosts: this.endpoint,
      grpcOptions: {
        'grpc.keepalive_time_ms': 10_000,
        'grpc.keepalive_timeout_ms': 5_000,
        'grpc.max_receive_message_length': 64 * 1024 * 1024,
        'grpc.max_send_message_length': 16 * 1024 * 1024,
        'grpc.initial_reconnect_backoff_ms': 100,
        'grpc.max_reconnect_backoff_ms': 1_000,
        // Each client has a connection of its own: a shared one would outlive the reset that left it.
        'grpc.use_local_subchannel_pool': 1,
        ...(isIP(new URL(withScheme(this.endpoint)).hostname) ? { 'grpc.enable_http_proxy': 0 } : {}),
      },
      ...this.credentials,
      ...(user ? { auth: { username: user.name, password: user.password } } : {}),
      defaultCallOptions: (context) => (context.isStream ? {} : { deadline: Date.now() + this.timings.callMs }),
      faultHandling: { global: noPolicy, host: () => noPolicy },
    }
  }
}

function readCredentials({ caFile, certFile, keyFile }: NonNullable<EtcdOptions['tls']>) {
  return {
    rootCertificate: readFileSync(caFile),
    ...(certFile && keyFile ? { certChain: readFileSync(certFile), privateKey: readFileSync(keyFile) } : {}),
  }
}

/** A fault policy that calls through once: retrying is ours (FAULTS rule 6). */
const noPolicy = {
  execute: async (call: (context: { signal: AbortSignal }) => unknown) =>
    call({ signal: new AbortController().signal }),
} as unknown as NonNullable<NonNullable<IOptions['faultHandling']>['global']>

function withScheme(endpoint: string): string {
  return /^https?:\/\//.test(endpoint) ? endpoint : `http://${endpoint}`
}
