import type { Clock } from '../../daemon/clock.js'
import type { Log } from '../../daemon/log.js'
import { ConditionTimer } from '../../daemon/conditionTimer.js'
import { yieldToEventLoop } from '../../daemon/yieldToEventLoop.js'
import { LeaseGone, StoreError } from '../../store/store.js'
import { checkTransition, type Transitions } from '../../store/transitions.js'
import type { ClusterCache, CacheEvent } from '../cluster/cache.js'
import type { HostGrace } from '../cluster/hostGrace.js'
import type { Committer } from '../commit/committer.js'
import { type DocumentChange, type Following, NotLeader } from '../commit/decision.js'
import type { DesiredSettings } from '../desired/index.js'
import { DesiredUnits } from './desiredUnits.js'
import { DocumentUnits } from './documentUnits.js'
import { HostChanges } from './hostChanges.js'
import type { Timeline } from './timeline.js'
import { type Unit, UnitWriter } from './unitWriter.js'
import { WorkQueue } from './workQueue.js'

export interface LoopParts {
  cache: ClusterCache
  committer: Committer
  timeline: Timeline
  hostGrace: HostGrace
  config: DesiredSettings
  clock: Clock
  log: Log
  newUuid: () => string
  claimedSlots: (pool: string) => number
}

const fullPassMs = 60_000
const retryMs = 1_000
/** How late a timeline may tell what was copied. */
const copyingMs = 10_000
/** The limit of one round, so that a full pass over ten thousand buffers does not block the socket for long. */
const roundSize = 200
/** Of one round, between two turns of the event loop. */
const derivedAtOnce = 20

type State =
  | { name: 'idle' }
  | { name: 'pausing'; cancel: () => void }
  | { name: 'running'; ended: Promise<void> }
  | { name: 'closed' }

const transitions: Transitions<State['name']> = {
  idle: ['pausing', 'closed'],
  pausing: ['running', 'closed'],
  running: ['idle', 'closed'],
  closed: ['closed'],
}

/*
 * Writes to etcd what `desired` derives, only while this scheduler leads. It is level-triggered: a change puts buffers and sessions into the
 * work queue, and each is derived again from the cache. Every minute all are.
 *
 * A round writes documents first (`DocumentUnits`), because what hosts are told (`DesiredUnits`) follows from them.
 *
 * INVARIANTS: one round at a time; a round begins on a cache that contains all writes of earlier rounds; every write compares the fence and
 * the revisions from which it was derived, so that a late write changes nothing.
 */
export class Loop {
  private state: State = { name: 'idle' }
  private readonly hostChanges: HostChanges
  private readonly queue: WorkQueue
  private readonly documents: DocumentUnits
  private desired: DesiredUnits
  private readonly writer: UnitWriter
  private readonly failing: ConditionTimer
  /** The last that it led with. */
  private fence: number | undefined
  private leads = false
  /** How many documents were derived so far. */
  private derived = 0
  private cancelFullPass: () => void = () => {}
  private cancelCopying: (() => void) | undefined
  private readonly stopListening: () => void

  constructor(private readonly parts: LoopParts) {
    this.hostChanges = new HostChanges(parts.clock, (hosts) => this.lookAt(hosts))
    this.queue = new WorkQueue((host) => this.hostChanges.isFollowed(host))
    this.documents = new DocumentUnits(parts, this.queue, (name) => this.writer.isHeld(name), this.following)
    this.desired = new DesiredUnits(parts, this.queue)
    this.failing = new ConditionTimer(parts.clock)
    this.writer = new UnitWriter(parts.committer, parts.clock, parts.log, () => this.wake())
    this.stopListening = parts.cache.onChange((touched) => this.onChange(touched))
    this.scheduleFullPass()
  }

  /** Ends after the round that is running. */
  async close(): Promise<void> {
    const { state } = this
    this.enter({ name: 'closed' })
    this.stopListening()
    this.cancelFullPass()
    this.cancelCopying?.()
    this.hostChanges.close()
    this.writer.forget()
    if (state.name === 'pausing') state.cancel()
    if (state.name === 'running') await state.ended
  }

  /** What hosts are told because of these changes, to be written with them. */
  readonly following = (fence: number, changes: DocumentChange[]): Promise<Following | undefined> =>
    this.desired.following(fence, changes)

  /** True when there is nothing to do. */
  get isIdle(): boolean {
    return this.state.name !== 'running' && this.queue.isEmpty
  }

  /** For how long no round has ended, or each has failed for another reason than etcd. */
  get failingForMs(): number {
    return this.failing.ms
  }

  /** What cannot be written, which hosts change too often, and which do not come together, in words for an operator. */
  problems(): string[] {
    return [...this.writer.problems(), ...this.hostChanges.problems(), ...this.desired.problems()]
  }

  /** Reconciles everything, in case that something was missed. */
  resync(): void {
    if (!this.parts.committer.isLeader()) return
    this.queue.addAll(this.parts.cache)
    this.wake()
  }

  /** Reconciles what has to do with these hosts, for a reason that is in no document: they have been away for long enough. */
  lookAt(hosts: string[]): void {
    if (!this.parts.committer.isLeader()) return
    for (const host of hosts) this.queue.addHost(this.parts.cache, host)
    this.wake()
  }

  private onChange(touched: CacheEvent[]): void {
    const { cache, committer } = this.parts
    const fence = committer.fence()
    if (fence === undefined) {
      this.leads = false
      return
    }
    if (fence !== this.fence) this.forget()
    if (fence !== this.fence || !this.leads) this.queue.addAll(cache)
    this.fence = fence
    this.leads = true
    this.queue.addTouched(cache, touched)
    if (this.queue.isCopying) this.cancelCopying ??= this.parts.clock.after(copyingMs, () => this.takeCopying())
    this.wake()
  }

  /** Forgets what is known from an earlier leadership: another leader may have written anything since. */
  private forget(): void {
    this.desired = new DesiredUnits(this.parts, this.queue)
    this.parts.timeline.forgetAll()
    this.writer.forget()
  }

  private takeCopying(): void {
    this.cancelCopying = undefined
    this.queue.takeCopying()
    this.wake()
  }

  private scheduleFullPass(): void {
    this.cancelFullPass = this.parts.clock.after(fullPassMs, () => {
      this.scheduleFullPass()
      this.resync()
    })
  }

  /** Changes that arrive at the same time are handled together. */
  private wake(inMs = 0): void {
    if (this.state.name !== 'idle' || this.queue.isEmpty) return
    this.enter({ name: 'pausing', cancel: this.parts.clock.after(inMs, () => this.start()) })
  }

  private start(): void {
    const ended = this.run().then((pauseMs) => {
      if (this.state.name === 'closed') return
      this.enter({ name: 'idle' })
      this.wake(pauseMs)
    })
    this.enter({ name: 'running', ended })
  }

  private enter(state: State): void {
    checkTransition('the loop', transitions, this.state.name, state.name)
    this.state = state
  }

  /** Runs rounds until nothing is left to do; returns how long to pause. Other work runs between two rounds. */
  private async run(): Promise<number> {
    for (let isFirst = true; this.state.name !== 'closed' && !this.queue.isEmpty; isFirst = false) {
      if (!isFirst) await yieldToEventLoop(this.parts.clock)
      const fence = this.parts.committer.fence()
      if (fence === undefined) {
        this.queue.take(Infinity)
        return 0
      }
      this.failing.begin()
      try {
        await this.round(fence)
        this.failing.end()
      } catch (error) {
        if (error instanceof StoreError || error instanceof NotLeader) this.failing.end()
        if (error instanceof LeaseGone) this.parts.timeline.forgetLease()
        if (error instanceof NotLeader)
          this.parts.log.warn('leadership lost during a write, which is left to the new leader')
        else this.parts.log.warn('a round failed, it is repeated', { reason: String(error) })
        return retryMs
      }
    }
    return 0
  }

  private async round(fence: number): Promise<void> {
    const { buffers, sessions, others, spares } = this.queue.take(roundSize)
    try {
      await this.writeDocuments(fence, buffers, sessions)
      const units: Unit[] = []
      for (const id of buffers) {
        units.push(...(await this.desired.ofBuffer(fence, id)))
        await this.giveWay()
      }
      for (const id of sessions) {
        units.push(...(await this.desired.ofSession(fence, id)))
        await this.giveWay()
      }
      if (others) units.push(...this.desired.ofOthers(fence))
      await this.writer.write(fence, units)
      // Last: those for whom somebody waits come first.
      if (spares) await this.writer.write(fence, this.documents.ofSpares(fence))
    } catch (error) {
      for (const id of buffers) this.queue.buffers.add(id)
      for (const id of sessions) this.queue.sessions.add(id)
      this.queue.others ||= others
      this.queue.spares ||= spares
      throw error
    }
  }

  /** Lets calls be answered in the middle of a round. What changes meanwhile makes its compares fail, and it is derived again. */
  private async giveWay(): Promise<void> {
    if (++this.derived % derivedAtOnce === 0) await yieldToEventLoop(this.parts.clock)
  }

  private async writeDocuments(fence: number, buffers: number[], sessions: number[]): Promise<void> {
    const placing: number[] = []
    const units: Unit[] = []
    for (const id of buffers) {
      await this.giveWay()
      const transition = this.documents.transitionOfBuffer(id)
      if (!transition) continue
      // One after the other: two that place from the same cache would take the same device, and the second would be refused.
      if (transition.changes.some(({ kind }) => kind === 'lastId')) placing.push(id)
      else units.push(...(await this.documents.ofBuffer(fence, id, transition)))
    }
    for (const id of sessions) {
      const unit = await this.documents.ofSession(fence, id)
      if (unit) units.push(unit)
    }
    await this.writer.write(fence, units)
    for (const id of placing) {
      const transition = this.documents.transitionOfBuffer(id)
      if (transition) await this.writer.write(fence, await this.documents.ofBuffer(fence, id, transition))
    }
  }
}
