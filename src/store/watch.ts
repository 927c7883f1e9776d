import type { IEvent, IWatchRequest, IWatchResponse } from 'etcd3'
import type { Connection } from './connection.js'
import { decodeEntry, rangeEnd } from './values.js'
import type { Change, Entry, Watch, WatchHandlers } from './store.js'

/*
 * A prefix as a stream of changes that loses nothing.
 *
 *   listing    every key is read, pinned to one revision, and compared with what was reported: deletes are made up
 *   opening    a raw watch stream is opened from the revision after the last that was delivered, and must say `created`
 *   watching   complete batches are reported and move that revision
 *
 * From opening and watching it goes back to opening when the link is lost, and to listing when the server compacted the
 * revision or cancelled the watch, and every few minutes in any case.
 *
 * INVARIANTS: `delivered` moves only with the mod_revision of events that were reported, or of a list; a batch cut into
 * fragments is reported whole or not at all; nothing is reported of a stream that was left; handlers are never called
 * after `close`.
 */
type Ending = 'reopen' | 'relist'

type WatchStream = {
  write(request: IWatchRequest): void
  end(): void
  cancel(): void
  on(event: 'data', handler: (response: IWatchResponse) => void): void
  on(event: 'error', handler: (error: Error) => void): void
  on(event: 'end', handler: () => void): void
}

/** Where a server cancels every stream at once, everything is listed at most this often. */
const relistPauseMs = 1_000

/** One watch of `Store.watch`, from its making until it is closed. */
export class PrefixWatch implements Watch {
  private readonly known = new Map<string, number>()
  private delivered = 0
  private relistedAt = -Infinity
  private closed = false
  private interrupt: ((ending: Ending, reason: string) => void) | undefined
  private wake: (() => void) | undefined
  private readonly stopLiveness: () => void
  private readonly ended: Promise<void>

  constructor(
    private readonly connection: Connection,
    private readonly list: () => Promise<{ entries: Entry[]; revision: number }>,
    private readonly prefix: string,
    private readonly watched: string,
    private readonly handlers: WatchHandlers,
  ) {
    this.stopLiveness = connection.watchLiveness()
    this.ended = this.run()
  }

  /** As `Watch` says. */
  async close(): Promise<void> {
    this.closed = true
    this.stopLiveness()
    this.interrupt?.('reopen', 'closed')
    this.wake?.()
    await this.ended
  }

  private async run(): Promise<void> {
    let ending: Ending = 'relist'
    let connected = false
    for (let round = 0; !this.closed; round++) {
      try {
        if (ending === 'relist') {
          await this.pauseAfterRelist()
          if (this.closed) return
          await this.relist()
        }
        const outcome = await this.follow(() => {
          round = 0
          if (!connected) this.handlers.onConnection?.('connected')
          connected = true
        })
        ending = outcome.ending
        if (this.closed || outcome.ending === 'relist') continue
        throw new Error(outcome.reason)
      } catch (error) {
        if (this.closed) return
        const reason = error instanceof Error ? error.message : String(error)
        if (connected) this.handlers.onConnection?.('lost', reason)
        connected = false
        this.connection.log.warn('etcd watch interrupted', { prefix: this.watched, reason })
        const pause = this.connection.beginPause(round)
        this.wake = pause.end
        await pause.ended
      }
    }
  }

  private async pauseAfterRelist(): Promise<void> {
    const { clock } = this.connection
    const restMs = this.relistedAt + relistPauseMs - clock.monotonicMs()
    if (restMs <= 0) return
    await new Promise<void>((resolve) => {
      const cancel = clock.after(restMs, resolve)
      this.wake = () => {
        cancel()
        resolve()
      }
    })
  }

  private async relist(): Promise<void> {
    const { entries, revision } = await this.list()
    this.relistedAt = this.connection.clock.monotonicMs()
    if (this.closed) return
    const listed = new Set(entries.map((entry) => entry.key))
    const changes: Change[] = [...this.known.keys()].filter((key) => !listed.has(key)).map((key) => ({ key }))
    for (const entry of entries) {
      if (this.known.get(entry.key) !== entry.modRevision) changes.push({ key: entry.key, entry })
    }
    this.delivered = revision
    this.report(changes)
    this.handlers.onSynced?.(revision)
  }

  /** Opens one stream and reports what it brings, until it ends. */
  private async follow(onCreated: () => void): Promise<{ ending: Ending; reason: string }> {
    const { connection } = this
    const { timings, clock } = connection
    const { client, generation } = connection.current()
    const stream = (await client.watchClient.watch()) as unknown as WatchStream
    let created = false
    let heardAt = clock.monotonicMs()
    let fragments: IEvent[] = []
    let isLeft = false
    const cancels: (() => void)[] = []
    const outcome = await new Promise<{ ending: Ending; reason: string }>((resolve) => {
      const end = (ending: Ending, reason: string) => {
        isLeft = true
        resolve({ ending, reason })
      }
      this.interrupt = end
      cancels.push(connection.onReset((reason) => end('reopen', reason)))
      const check = () => {
        if (clock.monotonicMs() - heardAt > (created ? timings.silenceMs : timings.callMs)) {
          end('reopen', created ? 'the watch stream is silent' : 'the watch stream did not open in time')
          return
        }
        if (created) stream.write({ progress_request: {} })
        cancelCheck = clock.after(created ? timings.livenessEveryMs : timings.callMs, check)
      }
      let cancelCheck = clock.after(timings.callMs, check)
      cancels.push(() => cancelCheck())
      cancels.push(
        clock.after(timings.relistEveryMs * (0.75 + Math.random() / 2), () => end('relist', 'time to look again')),
      )
      stream.on('error', (error) => end('reopen', error.message))
      stream.on('end', () => end('reopen', 'the server ended the watch stream'))
      stream.on('data', (response) => {
        // What is still under way when it is left may be older than what is listed next.
        if (isLeft) return
        heardAt = clock.monotonicMs()
        if (response.canceled || Number(response.compact_revision) > 0) {
          return end('relist', response.cancel_reason || `compacted up to revision ${response.compact_revision}`)
        }
        if (response.created && !created) {
          created = true
          onCreated()
        }
        fragments.push(...response.events)
        if (response.fragment) return
        const events = fragments
        fragments = []
        if (events.length > 0) this.deliver(events)
      })
      stream.write({
        create_request: {
          key: Buffer.from(this.watched),
          range_end: rangeEnd(this.watched),
          start_revision: String(this.delivered + 1),
          progress_notify: true,
          fragment: true,
        },
      })
      if (this.closed) end('reopen', 'closed')
    })
    this.interrupt = undefined
    for (const cancel of cancels) cancel()
    // etcd3 takes a cancelled stream for a broken host; one that is ended in good order is left alone.
    if (outcome.ending === 'relist') stream.end()
    else stream.cancel()
    if (!created && outcome.ending === 'reopen') connection.reset(generation, outcome.reason)
    return outcome
  }

  private deliver(events: IEvent[]): void {
    const changes: Change[] = []
    for (const event of events) {
      const entry = decodeEntry(event.kv, this.prefix)
      this.delivered = Math.max(this.delivered, entry.modRevision)
      changes.push(String(event.type).toUpperCase() === 'DELETE' ? { key: entry.key } : { key: entry.key, entry })
    }
    this.report(changes)
  }

  private report(changes: Change[]): void {
    if (changes.length === 0 || this.closed) return
    for (const { key, entry } of changes) {
      if (entry) this.known.set(key, entry.modRevision)
      else this.known.delete(key)
    }
    this.handlers.onChanges(changes)
  }
}
