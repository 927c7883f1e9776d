import type { Clock } from '../daemon/clock.js'
import type { Log } from '../daemon/log.js'
import { type LeaderDocument, leaderDocument } from '../model/documents/cluster.js'
import { ourLevels } from '../model/levels.js'
import { readDocument } from './documents.js'
import { keys } from './keys.js'
import { Pauses } from './pauses.js'
import { SilentLeader } from './silentLeader.js'
import type { Change, Entry, Lease, Store, Watch } from './store.js'
import { checkTransition, type Transitions } from './transitions.js'

/** How often a leader writes its key again, in lifetimes of its lease. */
const beats = 0.5

/*
 * The leader is the program whose lease holds the key `leader`. The create revision of the key is the fence: every write of the leader
 * compares it, so that a leader that was frozen and wakes up too late changes nothing.
 *
 *   syncing     the key in etcd is not known yet
 *   following   the key exists; wait until it is deleted, or until its leader is found dead
 *   grabbing    the key is absent: create it with our lease if it is still absent
 *   leading     until the lease is lost, the key is deleted, or we resign; the key is written again and again
 *   closed
 *
 * A leader that no longer writes its key is deposed (`silentLeader.ts`), except leaders of the first release, which never do.
 */
interface Leading {
  name: 'leading'
  fence: number
  lease: Lease
  /** The document of the key. */
  value: object
}

type State = { name: 'syncing' } | { name: 'following' } | { name: 'grabbing' } | Leading | { name: 'closed' }
export type ElectionState = State['name']

const transitions: Transitions<ElectionState> = {
  syncing: ['following', 'closed'],
  following: ['grabbing', 'closed'],
  grabbing: ['following', 'leading', 'closed'],
  leading: ['following', 'closed'],
  closed: [],
}

export interface ElectionOptions {
  candidate: Omit<LeaderDocument, 'v' | 'since' | 'documents'>
  ttlSeconds: number
  clock: Clock
  log: Log
  /** Called when we lead. `fence` is to be compared in every write of the leader. */
  onElected(fence: number): void
  /** Called when we no longer lead, also after `resign` and `close`. */
  onLost(): void
  /** From 0 to 1: spreads the attempts of several candidates. Math.random by default. */
  random?: () => number
}

/** The key of the leader, as last seen. */
interface SeenLeader {
  document: LeaderDocument | undefined
  createRevision: number
  modRevision: number
}

/** One candidate for the key `leader`. */
export class Election {
  private current: State = { name: 'syncing' }
  private seen: SeenLeader | undefined
  /** The lease of the last leadership, also when it was lost: it is revoked when we give up. */
  private lease: Lease | undefined
  private pausedUntil = 0
  private cancelBeat: () => void = () => {}
  private readonly pauses: Pauses
  private readonly silentLeader: SilentLeader
  private readonly watch: Watch
  private readonly ttlMs: number

  /** A candidate from now on. */
  constructor(
    private readonly store: Store,
    private readonly options: ElectionOptions,
  ) {
    const { clock, ttlSeconds } = options
    this.ttlMs = ttlSeconds * 1000
    this.pauses = new Pauses(clock)
    this.silentLeader = new SilentLeader({
      ...options,
      store,
      ttlMs: this.ttlMs,
      pauses: this.pauses,
      followed: () => this.followed(),
    })
    this.watch = store.watch(keys.leader, {
      onChanges: (changes) => this.see(changes),
      onConnection: () => this.silentLeader.moved(),
      onSynced: () => {
        if (this.is('syncing')) this.enter({ name: 'following' })
        void this.grab()
      },
    })
  }

  /** For logs and tests; `fence` tells whether to write. */
  get state(): ElectionState {
    return this.current.name
  }

  /** Our fence while we lead and our lease is held. */
  fence(): number | undefined {
    return this.current.name === 'leading' && this.current.lease.isHeld() ? this.current.fence : undefined
  }

  /** Who leads, as last seen in etcd; undefined when nobody does, or its document cannot be read. */
  leader(): LeaderDocument | undefined {
    return this.seen?.document
  }

  /**
   * Gives up leadership, revokes the lease, and is not a candidate for `pauseMs`. Resolves also when etcd does not answer: then the lease
   * expires.
   */
  async resign(pauseMs: number): Promise<void> {
    this.pausedUntil = this.options.clock.monotonicMs() + pauseMs
    this.lose('resigned')
    await this.revoke()
  }

  /** Gives up leadership and is no longer a candidate. It does not throw when etcd does not answer. */
  async close(): Promise<void> {
    this.silentLeader.close()
    this.pauses.close()
    this.lose('stopping')
    if (!this.is('closed')) this.enter({ name: 'closed' })
    await this.revoke()
    await this.watch.close()
  }

  private is(...names: ElectionState[]): boolean {
    return names.includes(this.state)
  }

  private enter(next: State): void {
    checkTransition('the election', transitions, this.state, next.name)
    this.cancelBeat()
    this.current = next
  }

  private lose(reason: string): void {
    if (this.current.name !== 'leading') return
    this.options.log.warn('leadership lost', { fence: this.current.fence, reason })
    this.enter({ name: 'following' })
    this.options.onLost()
  }

  private async revoke(): Promise<void> {
    const old = this.lease
    this.lease = undefined
    await old?.revoke()
  }

  private see(changes: Change[]): void {
    for (const { key, entry } of changes) {
      if (key !== keys.leader) continue
      this.seen = entry && this.seenIn(entry)
      if (this.current.name === 'leading' && this.seen?.createRevision !== this.current.fence) {
        this.lose(this.seen ? 'another scheduler leads' : 'the leader key was deleted')
        void this.revoke()
      }
    }
    void this.grab()
  }

  private seenIn(entry: Entry): SeenLeader {
    this.silentLeader.moved()
    const read = readDocument(entry, leaderDocument)
    const document = 'document' in read ? read.document : undefined
    return { document, createRevision: entry.createRevision, modRevision: entry.modRevision }
  }

  private async grab(): Promise<void> {
    if (!this.is('following') || this.seen) return
    const { store, options } = this
    const { clock, log } = options
    const pause = this.pausedUntil - clock.monotonicMs()
    if (pause > 0) return void this.pauses.wait(pause).then(() => this.grab())
    this.enter({ name: 'grabbing' })
    let granted: Lease | undefined
    try {
      granted = await store.lease(options.ttlSeconds)
      const value = { v: 1, since: clock.unixSeconds(), documents: ourLevels, ...options.candidate }
      const result = await store.write(
        [{ key: keys.leader, modRevision: 0 }],
        [{ put: keys.leader, value, lease: granted }],
      )
      const created = result.won ? await store.get(keys.leader) : undefined
      const isOurs = created !== undefined && JSON.stringify(created.value) === JSON.stringify(value)
      if (isOurs && granted.isHeld() && this.is('grabbing')) return this.lead(granted, created, value)
      await granted.revoke()
    } catch (error) {
      log.warn('the election failed, trying again', { reason: String(error) })
      // The key may have been written all the same: renewing the lease would keep it forever, with no leader.
      await granted?.revoke()
    }
    if (this.is('grabbing')) this.enter({ name: 'following' })
    // The key may have been created and deleted meanwhile, and the watch's events were ignored.
    this.grabLater()
  }

  private lead(lease: Lease, created: Entry, value: object): void {
    const leading: Leading = { name: 'leading', fence: created.createRevision, lease, value }
    this.lease = lease
    this.enter(leading)
    this.seen = this.seenIn(created)
    this.beat(leading)
    this.options.log.info('elected to lead', { fence: leading.fence })
    lease.onLost(() => {
      if (this.current === leading) this.lose('the lease was not renewed in time')
      if (!this.is('closed')) this.grabLater()
    })
    this.options.onElected(leading.fence)
  }

  private grabLater(): void {
    const ms = 500 + (this.options.random ?? Math.random)() * 500
    void this.pauses.wait(ms).then(() => this.grab())
  }

  /** Writes the key again and again while we lead with this lease. */
  private beat(leading: Leading): void {
    const { clock, log } = this.options
    const { fence, lease, value } = leading
    this.cancelBeat = clock.after(this.ttlMs * beats, () => {
      if (!lease.isHeld()) return
      this.store
        .write([{ key: keys.leader, createRevision: fence }], [{ put: keys.leader, value, lease }])
        .catch((error: unknown) => log.warn('the leader key could not be written again', { reason: String(error) }))
        // Meanwhile we may have been elected again, with a new beat.
        .finally(() => this.current === leading && this.beat(leading))
    })
  }

  private followed(): { host: string; modRevision: number } | undefined {
    const { document, modRevision } = this.seen ?? {}
    if (!this.is('following', 'grabbing') || modRevision === undefined || document?.documents === undefined)
      return undefined
    return { host: document.host, modRevision }
  }
}
