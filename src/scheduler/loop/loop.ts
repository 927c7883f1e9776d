import type { Clock } from '../../daemon/clock.js'
import type { Log } from '../../daemon/log.js'
import { Stretch } from '../../daemon/stretch.js'
import { turn } from '../../daemon/turn.js'
import type { SessionDocument } from '../../model/documents/session.js'
import { type Phase, phaseOf } from '../../model/phase.js'
import { currentTransfer } from '../../model/transfers.js'
import { keys } from '../../store/keys.js'
import { LeaseGone, StoreError, type Write } from '../../store/store.js'
import type { Commits } from '../commit/committer.js'
import { type DocumentChange, NotLeader } from '../commit/decision.js'
import { type Change, differenceOf, hasUnreadable } from './diff.js'
import { Dirty } from './workQueue.js'
import { phaseEvent, type Timeline } from './timeline.js'
import { type Absences } from '../cluster/hostGrace.js'
import { HostChanges } from './hostChanges.js'
import type { Memory, Touched } from '../cluster/cache.js'
import {
  desiredOfBuffer,
  desiredOfSession,
  desiredPeers,
  followBuffer,
  followSession,
  mountpointOf,
  type SessionSettings,
} from '../desired/index.js'
import type { FollowUp } from '../desired/bufferTransitions.js'
import { TransferSteps } from './transferMilestones.js'
import { transactionOf } from '../commit/transaction.js'
import { type Unit, UnitWriter } from './unitWriter.js'

export interface LoopParts {
  memory: Memory
  commits: Commits
  timeline: Timeline
  absences: Absences
  config: SessionSettings
  clock: Clock
  log: Log
  newUuid: () => string
}

const fullPassMs = 60_000
const retryMs = 1_000
/** Looked at in one round, so that a full pass over ten thousand buffers never keeps the socket waiting for long. */
const roundSize = 200

/*
 * Brings etcd to what `desired` says, only while this scheduler leads. Level-triggered: a change marks buffers and sessions
 * to be looked at, and what is looked at is derived anew from the memory. Every minute all are.
 *
 * INVARIANTS: one round at a time; a round begins on a memory that holds all that earlier rounds wrote; everything is
 * written under the fence and against the revisions it was derived from, so that a write that lands late changes nothing.
 */
export class Loop {
  private readonly hostChanges: HostChanges
  private readonly dirty: Dirty
  private readonly phases = new Map<number, Phase>()
  private readonly stages = new Map<number, SessionDocument['stage']>()
  private transferSteps = new TransferSteps()
  private readonly writer: UnitWriter
  /** The last that it led with. */
  private fence: number | undefined
  private leads = false
  private running: Promise<void> | undefined
  private cancelPause: (() => void) | undefined
  private cancelFullPass: () => void = () => {}
  private readonly stopListening: () => void
  private closed = false
  private readonly failing: Stretch

  constructor(private readonly parts: LoopParts) {
    this.hostChanges = new HostChanges(parts.clock, () => this.lookAgain())
    this.dirty = new Dirty((host) => this.hostChanges.isFollowed(host))
    this.failing = new Stretch(parts.clock)
    this.writer = new UnitWriter(parts.commits, parts.clock, parts.log, () => this.wake())
    this.stopListening = parts.memory.onChange((touched) => this.onChange(touched))
    this.scheduleFullPass()
  }

  /** Ends after the round that is running. */
  async close(): Promise<void> {
    this.closed = true
    this.stopListening()
    this.cancelFullPass()
    this.hostChanges.close()
    this.cancelPause?.()
    this.writer.forget()
    await this.running
  }

  /** Has it nothing to do? */
  get isIdle(): boolean {
    return this.running === undefined && this.dirty.isEmpty
  }

  /** For how long no round has ended, or each has failed for a reason that is not etcd's. */
  get failingForMs(): number {
    return this.failing.ms
  }

  /** What cannot be written, and what keeps it busy, for people. */
  problems(): string[] {
    return [...this.writer.problems(), ...this.hostChanges.problems()]
  }

  /** Looks at everything anew, for a reason that is in no document: a host has been away for long enough. */
  lookAgain(): void {
    if (!this.parts.commits.isLeader()) return
    this.dirty.addAll(this.parts.memory)
    this.wake()
  }

  private onChange(touched: Touched[]): void {
    const { memory, commits } = this.parts
    const fence = commits.fence()
    if (fence === undefined) {
      this.leads = false
      return
    }
    if (fence !== this.fence) this.forget()
    if (fence !== this.fence || !this.leads) this.dirty.addAll(memory)
    this.fence = fence
    this.leads = true
    this.dirty.addTouched(memory, touched)
    this.wake()
  }

  /** What is known from an earlier leadership: another leader may have told and removed what it liked since. */
  private forget(): void {
    this.phases.clear()
    this.stages.clear()
    this.transferSteps = new TransferSteps()
    this.parts.timeline.forgetAll()
    this.writer.forget()
  }

  private scheduleFullPass(): void {
    this.cancelFullPass = this.parts.clock.after(fullPassMs, () => {
      this.scheduleFullPass()
      this.lookAgain()
    })
  }

  /** Changes that come in one breath are looked at together. */
  private wake(inMs = 0): void {
    if (this.closed || this.running || this.cancelPause || this.dirty.isEmpty) return
    this.cancelPause = this.parts.clock.after(inMs, () => {
      this.cancelPause = undefined
      this.running = this.run().then((pauseMs) => {
        this.running = undefined
        this.wake(pauseMs)
      })
    })
  }

  /** Rounds until nothing is left to do; returns how long to pause. Between two of them others have their turn. */
  private async run(): Promise<number> {
    for (let isFirst = true; !this.closed && !this.dirty.isEmpty; isFirst = false) {
      if (!isFirst) await turn(this.parts.clock)
      const fence = this.parts.commits.fence()
      if (fence === undefined) {
        this.dirty.take(Infinity)
        return 0
      }
      this.failing.begin()
      try {
        await this.round(fence)
        this.failing.end()
      } catch (error) {
        if (error instanceof StoreError || error instanceof NotLeader) this.failing.end()
        if (error instanceof LeaseGone) this.parts.timeline.forgetLease()
        if (error instanceof NotLeader) this.parts.log.warn('what was being written is left to the new leader')
        else this.parts.log.warn('a round failed, it is done again', { reason: String(error) })
        return retryMs
      }
    }
    return 0
  }

  private async round(fence: number): Promise<void> {
    const { buffers, sessions, others } = this.dirty.take(roundSize)
    try {
      await this.follow(fence, buffers, sessions)
      const units: Unit[] = []
      for (const id of buffers) units.push(...(await this.ofBuffer(fence, id)))
      for (const id of sessions) units.push(...(await this.ofSession(fence, id)))
      if (others) units.push(...this.ofOthers(fence))
      await this.writer.write(fence, units)
    } catch (error) {
      for (const id of buffers) this.dirty.buffers.add(id)
      for (const id of sessions) this.dirty.sessions.add(id)
      this.dirty.others ||= others
      throw error
    }
  }

  /** Documents first: what is desired follows from them. Each is a transaction of its own. */
  private async follow(fence: number, buffers: number[], sessions: number[]): Promise<void> {
    const placing: number[] = []
    const units: Unit[] = []
    for (const id of buffers) {
      const followUp = this.followUpOf(id)
      if (!followUp) continue
      // Two that place from the same memory would take the same device, and the second be refused: one after the other.
      if (followUp.changes.some(({ kind }) => kind === 'lastId')) placing.push(id)
      else units.push(await this.bufferUnit(fence, id, followUp))
    }
    for (const id of sessions) units.push(...(await this.sessionUnits(fence, id)))
    await this.writer.write(fence, units)
    for (const id of placing) {
      const followUp = this.followUpOf(id)
      if (followUp) await this.writer.write(fence, [await this.bufferUnit(fence, id, followUp)])
    }
  }

  private followUpOf(id: number): FollowUp | undefined {
    const { memory, absences, clock, newUuid } = this.parts
    const key = memory.index.bufferKey(id)
    const buffer = key === undefined ? undefined : memory.buffers.get(key)
    if (!buffer || this.writer.isHeld(keys.buffer(key!))) return undefined
    const isGone = (host: string) => absences.isGone(host)
    return followBuffer(memory, buffer, { now: clock.unixSeconds(), newUuid, isGone })
  }

  private async bufferUnit(fence: number, id: number, { changes, events }: FollowUp): Promise<Unit> {
    const { memory, timeline } = this.parts
    const key = memory.index.bufferKey(id)!
    const buffer = memory.buffers.get(key)!
    // Before anything is waited for: what is compared are the revisions that it was decided on.
    const { compares, writes } = transactionOf(memory, fence, changes)
    const stays = changes.every((change) => change.kind !== 'buffer' || change.document !== undefined)
    const told = stays ? await timeline.add(key, buffer, events) : []
    if (!stays) timeline.forget(key)
    this.logChanges(changes)
    return {
      name: keys.buffer(key),
      compares,
      writes: [...writes, ...told],
      again: () => this.dirty.buffers.add(id),
    }
  }

  private async sessionUnits(fence: number, id: number): Promise<Unit[]> {
    const { memory, clock } = this.parts
    const key = memory.index.sessionKey(id)
    const session = key === undefined ? undefined : memory.sessions.get(key)
    if (!session || this.writer.isHeld(keys.session(key!))) return []
    const followUp = followSession(memory, session, clock.unixSeconds())
    if (!followUp) return []
    this.logChanges(followUp.changes)
    const { compares, writes } = transactionOf(memory, fence, followUp.changes)
    const events = await this.transferEvents(session, followUp.events)
    const again = () => this.dirty.sessions.add(id)
    return [{ name: keys.session(key!), compares, writes: [...writes, ...events], again }]
  }

  private async ofBuffer(fence: number, id: number): Promise<Unit[]> {
    const { memory, config, log } = this.parts
    const again = () => this.dirty.buffers.add(id)
    const key = memory.index.bufferKey(id)
    const buffer = key === undefined ? undefined : memory.buffers.get(key)
    const owned = memory.index.desiredOfBuffer(id)
    if (!key || !buffer) {
      this.phases.delete(id)
      return hasUnreadable(memory) ? [] : unitsOf(differenceOf(memory, fence, [], owned, log), again)
    }
    const units = unitsOf(differenceOf(memory, fence, desiredOfBuffer(memory, buffer, config), owned, log), again)
    const text = mountpointOf(buffer)
    const known = memory.mountpoints.get(key)
    if (text !== known) {
      const at = keys.mountpoint(key)
      units.push({
        name: at,
        compares: [{ key: at, modRevision: memory.revisionOf(at) }],
        writes: [text === undefined ? { delete: at } : { put: at, value: text }],
        again,
      })
    }
    units.push(...(await this.phaseUnits(key, id)))
    return units
  }

  /** A line in the timeline for every change of phase. */
  private async phaseUnits(key: string, id: number): Promise<Unit[]> {
    const { memory, timeline } = this.parts
    const buffer = memory.buffers.get(key)!
    const report = phaseOf(memory, buffer)
    const before = this.phases.get(id)
    if (before === report.phase) return []
    const isNew = before === undefined && memory.lastEventOf(key) === 0
    // A leader that has just begun does not know the last phase, and tells nothing twice.
    const texts = before !== undefined || isNew ? [phaseEvent(buffer, before, report)] : []
    this.phases.set(id, report.phase)
    const documentKey = keys.buffer(key)
    const compares = [{ key: documentKey, modRevision: memory.revisionOf(documentKey) }]
    const writes = await timeline.add(key, buffer, texts)
    return [{ name: `${keys.events(key)}*`, compares, writes, again: () => this.dirty.buffers.add(id) }]
  }

  private async ofSession(fence: number, id: number): Promise<Unit[]> {
    const { memory, config, log } = this.parts
    const again = () => this.dirty.sessions.add(id)
    const key = memory.index.sessionKey(id)
    const session = key === undefined ? undefined : memory.sessions.get(key)
    const owned = memory.index.desiredOfSession(id)
    if (!session) {
      this.stages.delete(id)
      this.transferSteps.forget(id)
      return hasUnreadable(memory) ? [] : unitsOf(differenceOf(memory, fence, [], owned, log), again)
    }
    const wants = desiredOfSession(memory, session, config)
    // Where nothing is wanted because its time has not come, a key that is there by some accident is left alone.
    const units =
      wants.length === 0 && session.stage !== 'leaving'
        ? []
        : unitsOf(differenceOf(memory, fence, wants, owned, log), again)
    const documentKey = keys.session(key!)
    const compares = [{ key: documentKey, modRevision: memory.revisionOf(documentKey) }]
    const steps = await this.transferEvents(session, this.transferSteps.changes(memory, session))
    if (this.stages.get(id) !== session.stage) {
      log.info('session', { token: session.token, id, stage: session.stage, hosts: session.computeHosts })
      this.stages.set(id, session.stage)
    }
    if (steps.length === 0) return units
    return [...units, { name: `transfer events of ${documentKey}`, compares, writes: steps, again }]
  }

  /** Peers, and adoptions that have come to an end. */
  private ofOthers(fence: number): Unit[] {
    const { memory, log } = this.parts
    const again = () => {
      this.dirty.others = true
    }
    // Also one that was refused: its operator was told so, and a disk that gets free later must not be wiped then.
    const ended = [...memory.desired.adopt.keys()].filter((place) => {
      const observed = memory.observed.adopt.get(place)
      return observed?.state === 'done' || observed?.problem?.terminal === true
    })
    const adoptions = ended.map((place): Change => {
      const [host, device] = place.split('/') as [string, string]
      const key = keys.desired(host, 'adopt', device)
      return { name: key, compares: [{ key, modRevision: memory.revisionOf(key) }], writes: [{ delete: key }] }
    })
    // A host that is lost stays invited. One that is no storage host any more does not, or it would be invited again once it is detached.
    const withdrawn = [...memory.desired.peer.keys()].flatMap((place) => {
      const [host, peer] = place.split('/') as [string, string]
      return memory.isStorageHost(host) && memory.isStorageHost(peer) ? [] : [keys.desired(host, 'peer', peer)]
    })
    const peers = differenceOf(memory, fence, desiredPeers(memory), new Set(withdrawn), log)
    return unitsOf([...peers, ...adoptions], again)
  }

  /** Lines for the timeline of the buffer that is copied now. */
  private async transferEvents(session: SessionDocument, texts: string[]): Promise<Write[]> {
    const key = currentTransfer(session)?.buffer
    const buffer = key === undefined ? undefined : this.parts.memory.buffers.get(key)
    return buffer ? this.parts.timeline.add(key!, buffer, texts) : []
  }

  private logChanges(changes: DocumentChange[]): void {
    for (const change of changes) {
      if (change.kind === 'cordon' && change.document) {
        const { host, device, why } = change.document
        this.parts.log.warn('device quarantined', { host, device, why })
      }
      if (change.kind === 'buffer' && !change.document) this.parts.log.info('buffer gone', { buffer: change.name })
      if (change.kind === 'session' && !change.document) this.parts.log.info('session gone', { token: change.name })
    }
  }
}

function unitsOf(changes: Change[], again: () => void): Unit[] {
  return changes.map((change) => ({ ...change, again }))
}
