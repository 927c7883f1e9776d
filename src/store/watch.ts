import type { IEvent } from 'etcd3'
import { type Connection, retryMs } from './connection.js'
import { Pauses } from './pauses.js'
import { type Change, type Entry, StoreUnavailable, type Watch, type WatchHandlers } from './store.js'
import { checkTransition, type Transitions } from './transitions.js'
import { decodeEntry } from './values.js'
import { type Ending, type Outcome, WatchStream } from './watchStream.js'

/*
 * A prefix as a stream of changes that loses nothing.
 *
 *   listing    every key is read, pinned to one revision, and compared with what was reported: deletes are made up
 *   checking   etcd is asked whether what was reported is what it had at the last revision that was delivered
 *   opening    a raw watch stream is opened from the revision after the last that was delivered
 *   watching   complete batches are reported and move that revision
 *   pausing    before it tries again, or lists again so soon
 *   closed
 *
 * From opening and watching it goes back to opening when the link is lost, and to listing when the server compacted the
 * revision or cancelled the watch. Every few minutes it goes to checking, and from there to listing if something differs.
 *
 * INVARIANTS: `delivered` moves only with the mod_revision of events that were reported, or of a list; nothing is reported of a
 * stream that was left; handlers are never called after `close`.
 */
export type WatchState = 'listing' | 'checking' | 'opening' | 'watching' | 'pausing' | 'closed'

const transitions: Transitions<WatchState> = {
  listing: ['opening', 'pausing', 'closed'],
  checking: ['opening', 'listing', 'pausing', 'closed'],
  opening: ['watching', 'listing', 'checking', 'pausing', 'closed'],
  watching: ['listing', 'checking', 'pausing', 'closed'],
  pausing: ['listing', 'checking', 'opening', 'closed'],
  closed: [],
}

/** If a server cancels every stream at once, everything is listed at most this often. */
const relistPauseMs = 1_000

/** What is there at first is reported in parts, so that whoever takes it in does not hold the loop. */
const firstReport = 1_000

/** Where a watch reads what is under its prefix. */
export interface WatchSource {
  /** All of it, at one revision. Throws StoreUnavailable. */
  list(): Promise<{ entries: Entry[]; revision: number }>
  /** Whether the keys had these revisions at the revision `at`, if that was so at `since`. Throws StoreUnavailable, or StoreError when `at` was compacted. */
  matches(known: ReadonlyMap<string, number>, since: number, at: number): Promise<boolean>
}

/** One watch of `Store.watch`, from its making until it is closed. */
export class PrefixWatch implements Watch {
  private readonly known = new Map<string, number>()
  private delivered = 0
  /** The revision at which `known` was last compared with etcd. */
  private compared = 0
  private relistedAt = -Infinity
  private current: WatchState = 'listing'
  private isConnected = false
  private stream: WatchStream | undefined
  private readonly pauses: Pauses
  private readonly stopLiveness: () => void
  private readonly ended: Promise<void>

  constructor(
    private readonly connection: Connection,
    private readonly source: WatchSource,
    private readonly prefix: string,
    private readonly watched: string,
    private readonly handlers: WatchHandlers,
  ) {
    this.pauses = new Pauses(connection.clock)
    this.stopLiveness = connection.watchLiveness()
    this.ended = this.run()
  }

  /** For logs and tests. */
  get state(): WatchState {
    return this.current
  }

  /** As `Watch` says. */
  async close(): Promise<void> {
    if (!this.is('closed')) this.enter('closed')
    this.stopLiveness()
    this.stream?.leave('reopen', 'closed')
    this.pauses.close()
    await this.ended
  }

  private is(name: WatchState): boolean {
    return this.current === name
  }

  private enter(next: WatchState): void {
    checkTransition(`the watch of ${this.watched}`, transitions, this.current, next)
    this.current = next
  }

  private async run(): Promise<void> {
    let ending: Ending = 'relist'
    for (let round = 0; !this.is('closed'); round++) {
      try {
        if (ending === 'check' && !(await this.isInStep())) ending = 'relist'
        if (this.is('closed')) return
        if (ending === 'relist') await this.relist()
        if (this.is('closed')) return
        const outcome = await this.follow(() => {
          round = 0
        })
        ending = outcome.ending
        if (this.is('closed') || ending !== 'reopen') continue
        throw new Error(outcome.reason)
      } catch (error) {
        if (this.is('closed')) return
        this.lose(error instanceof Error ? error.message : String(error))
        await this.pause(retryMs(round))
      }
    }
  }

  private lose(reason: string): void {
    if (this.isConnected) this.handlers.onConnection?.('lost', reason)
    this.isConnected = false
    this.connection.log.warn('etcd watch interrupted', { prefix: this.watched, reason })
  }

  private async pause(ms: number): Promise<void> {
    if (!this.is('pausing')) this.enter('pausing')
    await this.pauses.wait(ms)
  }

  private async relist(): Promise<void> {
    const { clock } = this.connection
    const restMs = this.relistedAt + relistPauseMs - clock.monotonicMs()
    if (restMs > 0) await this.pause(restMs)
    if (this.is('closed')) return
    if (!this.is('listing')) this.enter('listing')
    const { entries, revision } = await this.source.list()
    this.relistedAt = clock.monotonicMs()
    if (this.is('closed')) return
    const listed = new Set(entries.map((entry) => entry.key))
    const changes: Change[] = [...this.known.keys()].filter((key) => !listed.has(key)).map((key) => ({ key }))
    for (const entry of entries) {
      if (this.known.get(entry.key) !== entry.modRevision) changes.push({ key: entry.key, entry })
    }
    this.delivered = revision
    await this.reportAll(changes)
    if (this.is('closed')) return
    this.compared = revision
    this.handlers.onSynced?.(revision)
  }

  /** Whether nothing was missed. A difference would be a fault of etcd or of ours, and is mended by a list. */
  private async isInStep(): Promise<boolean> {
    this.enter('checking')
    const at = this.delivered
    try {
      if (!(await this.source.matches(this.known, this.compared, at))) return false
      this.compared = at
      return true
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error
      // That revision is compacted: nothing has changed for long.
      return false
    }
  }

  /** What is there at first in parts; later all at once, so that it is seen as it was at one revision. */
  private async reportAll(changes: Change[]): Promise<void> {
    if (this.known.size > 0) return this.report(changes)
    for (let from = 0; from < changes.length && !this.is('closed'); from += firstReport) {
      this.report(changes.slice(from, from + firstReport))
      await new Promise(setImmediate)
    }
  }

  /** Opens one stream and reports its changes until it ends. */
  private async follow(onCreated: () => void): Promise<Outcome> {
    this.enter('opening')
    const stream = await WatchStream.open(this.connection, this.watched, this.delivered + 1, {
      onCreated: () => {
        onCreated()
        this.enter('watching')
        if (!this.isConnected) this.handlers.onConnection?.('connected')
        this.isConnected = true
      },
      onEvents: (events) => this.deliver(events),
    })
    this.stream = stream
    if (this.is('closed')) stream.leave('reopen', 'closed')
    const outcome = await stream.outcome
    this.stream = undefined
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
    if (changes.length === 0 || this.is('closed')) return
    for (const { key, entry } of changes) {
      if (entry) this.known.set(key, entry.modRevision)
      else this.known.delete(key)
    }
    this.handlers.onChanges(changes)
  }
}
