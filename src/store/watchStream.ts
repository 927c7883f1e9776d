import type { IEvent, IWatchResponse } from 'etcd3'
import type { WatchRawStream } from './client.js'
import type { Connection } from './connection.js'
import { checkTransition, type Transitions } from './transitions.js'
import { rangeEnd } from './values.js'

/*
 * One raw watch stream of etcd.
 *
 *   opening    asked for, from a revision on; the server must say `created`
 *   watching   complete batches are reported; asked for progress now and then, so that a silent server is noticed
 *   left       nothing that it still brings is reported: it may be older than what is listed next
 *
 * INVARIANT: a batch cut into fragments is reported whole or not at all.
 */
export type WatchStreamState = 'opening' | 'watching' | 'left'

const transitions: Transitions<WatchStreamState> = {
  opening: ['watching', 'left'],
  watching: ['left'],
  left: [],
}

/**
 * reopen: open another stream at the revision that this one has reached. relist: the server has compacted that revision, or
 * cancelled the stream. check: it is time to look whether nothing was missed.
 */
export type Ending = 'reopen' | 'relist' | 'check'

export interface Outcome {
  ending: Ending
  reason: string
}

export interface WatchStreamHandlers {
  /** Once, when the server says `created`. */
  onCreated(): void
  /** All events of one revision or of several, whole. */
  onEvents(events: IEvent[]): void
}

/** One raw watch stream, from its opening until it is left. */
export class WatchStream {
  /** How it ended. Resolves when it is left. */
  readonly outcome: Promise<Outcome>
  private current: WatchStreamState = 'opening'
  private heardAt: number
  private fragments: IEvent[] = []
  private settle: (outcome: Outcome) => void = () => {}
  private cancelCheck: () => void = () => {}
  private readonly cancelRelist: () => void
  private readonly stopListening: () => void

  /** Opens it as soon as there is a connection. Throws when it cannot open a stream. */
  static async open(
    connection: Connection,
    prefix: string,
    fromRevision: number,
    handlers: WatchStreamHandlers,
  ): Promise<WatchStream> {
    const { client, generation } = await connection.ready()
    return new WatchStream(connection, generation, await client.watch(), { prefix, fromRevision }, handlers)
  }

  private constructor(
    private readonly connection: Connection,
    private readonly generation: number,
    private readonly stream: WatchRawStream,
    { prefix, fromRevision }: { prefix: string; fromRevision: number },
    private readonly handlers: WatchStreamHandlers,
  ) {
    const { clock, timings } = connection
    this.outcome = new Promise<Outcome>((resolve) => (this.settle = resolve)).finally(() => this.release())
    this.heardAt = clock.monotonicMs()
    this.stopListening = connection.onReset((reason) => this.leave('reopen', reason))
    this.scheduleCheck(timings.callMs)
    this.cancelRelist = clock.after(timings.relistEveryMs * (0.75 + Math.random() / 2), () =>
      this.leave('check', 'time to look again'),
    )
    stream.on('error', (error) => this.fail(clock.monotonicMs(), error))
    stream.on('end', () => this.leave('reopen', 'the server ended the watch stream'))
    stream.on('data', (response) => this.hear(response))
    stream.write({
      create_request: {
        key: Buffer.from(prefix),
        range_end: rangeEnd(prefix),
        start_revision: String(fromRevision),
        progress_notify: true,
        fragment: true,
      },
    })
  }

  /** For logs and tests. */
  get state(): WatchStreamState {
    return this.current
  }

  /** Ends the stream; `outcome` resolves with this ending. Does nothing if the stream was left before. */
  leave(ending: Ending, reason: string): void {
    if (this.current === 'left') return
    this.enter('left')
    this.settle({ ending, reason })
  }

  /** Leaves it after an error, or for want of an answer since then: the connection may be gone too. */
  private fail(sinceMs: number, error: Error): void {
    if (this.current === 'left') return
    this.connection.failed(this.generation, sinceMs, error)
    this.leave('reopen', error.message)
  }

  private release(): void {
    this.cancelCheck()
    this.cancelRelist()
    this.stopListening()
    this.stream.cancel()
  }

  private enter(next: WatchStreamState): void {
    checkTransition('a watch stream', transitions, this.current, next)
    this.current = next
  }

  private hear(response: IWatchResponse): void {
    if (this.current === 'left') return
    this.heardAt = this.connection.clock.monotonicMs()
    if (response.canceled || Number(response.compact_revision) > 0) {
      return this.leave('relist', response.cancel_reason || `compacted up to revision ${response.compact_revision}`)
    }
    if (response.created && this.current === 'opening') {
      this.enter('watching')
      this.handlers.onCreated()
    }
    this.fragments.push(...response.events)
    if (response.fragment) return
    const events = this.fragments
    this.fragments = []
    if (events.length > 0) this.handlers.onEvents(events)
  }

  private scheduleCheck(inMs: number): void {
    this.cancelCheck = this.connection.clock.after(inMs, () => this.check())
  }

  private check(): void {
    const { clock, timings } = this.connection
    const quietMs = clock.monotonicMs() - this.heardAt
    if (this.current === 'opening') return this.fail(this.heardAt, new Error('the watch stream did not open in time'))
    if (quietMs > timings.silenceMs) return this.fail(this.heardAt, new Error('the watch stream is silent'))
    // Streams on which something happens need not be asked.
    if (quietMs < timings.progressEveryMs) return this.scheduleCheck(timings.progressEveryMs - quietMs)
    this.stream.write({ progress_request: {} })
    this.scheduleCheck(timings.progressEveryMs)
  }
}
