import type { Clock } from '../daemon/clock.js'
import type { Log } from '../daemon/log.js'
import { Stretch } from '../daemon/stretch.js'
import type { SessionDocument } from '../model/documents.js'
import { type Phase, phaseOf } from '../model/phase.js'
import { currentTransfer } from '../model/transfers.js'
import { keys } from '../store/keys.js'
import { type Compare, LeaseGone, maxOperations, StoreError, type Write } from '../store/store.js'
import type { Commits } from './commit.js'
import { type DocumentChange, NotLeader } from './core.js'
import { type Change, differenceOf, hasUnreadable } from './difference.js'
import { Dirty } from './dirty.js'
import { phaseEvent, type Timeline } from './events.js'
import { type Absences } from './absences.js'
import type { Memory, Touched } from './memory.js'
import {
  desiredOfBuffer,
  desiredOfSession,
  desiredPeers,
  followBuffer,
  followSession,
  mountpointOf,
  type SessionSettings,
} from './next.js'
import { TransferSteps } from './transferSteps.js'
import { fenceCompare, transactionOf } from './transaction.js'

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

/** Compares and writes that stand or fall together, and whose they are. */
interface Unit {
  compares: Compare[]
  writes: Write[]
  again: () => void
  onWritten?: () => void
}

/*
 * Brings etcd to what `next` says, only while this scheduler leads. Level-triggered: a change marks buffers and sessions
 * to be looked at, and what is looked at is derived anew from the memory. Every minute all are.
 *
 * INVARIANTS: one round at a time; a round begins on a memory that holds all that earlier rounds wrote; everything is
 * written under the fence and against the revisions it was derived from, so that a write that lands late changes nothing.
 */
export class Loop {
  private readonly dirty = new Dirty()
  private readonly phases = new Map<number, Phase>()
  private readonly stages = new Map<number, SessionDocument['stage']>()
  private readonly transferSteps = new TransferSteps()
  private ledWith: number | undefined
  private running: Promise<void> | undefined
  private cancelPause: (() => void) | undefined
  private cancelFullPass: () => void = () => {}
  private readonly stopListening: () => void
  private closed = false
  private readonly failing: Stretch

  constructor(private readonly parts: LoopParts) {
    this.failing = new Stretch(parts.clock)
    this.stopListening = parts.memory.onChange((touched) => this.onChange(touched))
    this.scheduleFullPass()
  }

  /** Ends after the round that is running. */
  async close(): Promise<void> {
    this.closed = true
    this.stopListening()
    this.cancelFullPass()
    this.cancelPause?.()
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

  /** Looks at everything anew, for a reason that is in no document: a host has been away for long enough. */
  lookAgain(): void {
    if (!this.parts.commits.isLeader()) return
    this.dirty.addAll(this.parts.memory)
    this.wake()
  }

  private onChange(touched: Touched[]): void {
    const { memory, commits } = this.parts
    const fence = commits.fence()
    if (fence !== this.ledWith) {
      this.ledWith = fence
      if (fence !== undefined) this.dirty.addAll(memory)
    }
    if (fence === undefined) return
    this.dirty.addTouched(memory, touched)
    this.wake()
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

  /** Rounds until nothing is left to do; returns how long to pause. */
  private async run(): Promise<number> {
    while (!this.closed && !this.dirty.isEmpty) {
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
      await this.writeAll(fence, units)
    } catch (error) {
      for (const id of buffers) this.dirty.buffers.add(id)
      for (const id of sessions) this.dirty.sessions.add(id)
      this.dirty.others ||= others
      throw error
    }
  }

  /** Documents first: what is desired follows from them. Each is a transaction of its own. */
  private async follow(fence: number, buffers: number[], sessions: number[]): Promise<void> {
    const { memory, absences, clock, newUuid } = this.parts
    const means = { now: clock.unixSeconds(), newUuid, isGone: (host: string) => absences.isGone(host) }
    const placing: number[] = []
    const units: Unit[] = []
    const add = async (id: number) => {
      const key = memory.index.bufferKey(id)
      const buffer = key === undefined ? undefined : memory.buffers.get(key)
      const followUp = buffer && followBuffer(memory, buffer, means)
      if (!followUp) return
      const stays = followUp.changes.every((change) => change.kind !== 'buffer' || change.document !== undefined)
      const events = stays ? await this.parts.timeline.add(key!, buffer, followUp.events) : []
      if (!stays) this.parts.timeline.forget(key!)
      this.logChanges(followUp.changes)
      const transaction = transactionOf(memory, fence, followUp.changes)
      return { compares: transaction.compares, writes: [...transaction.writes, ...events] }
    }
    for (const id of buffers) {
      const transaction = await add(id)
      if (!transaction) continue
      // Two that place from the same memory would take the same device, and the second be refused: one after the other.
      if (transaction.writes.some((write) => 'put' in write && write.put === keys.placement)) placing.push(id)
      else units.push({ ...transaction, again: () => this.dirty.buffers.add(id) })
    }
    for (const id of sessions) {
      const key = memory.index.sessionKey(id)
      const session = key === undefined ? undefined : memory.sessions.get(key)
      const followUp = session && followSession(memory, session, means.now)
      if (!followUp) continue
      this.logChanges(followUp.changes)
      const { compares, writes } = transactionOf(memory, fence, followUp.changes)
      const events = await this.transferEvents(session, followUp.events)
      units.push({ compares, writes: [...writes, ...events], again: () => this.dirty.sessions.add(id) })
    }
    await this.writeAll(fence, units)
    for (const id of placing) {
      const transaction = await add(id)
      if (transaction) await this.writeAll(fence, [{ ...transaction, again: () => this.dirty.buffers.add(id) }])
    }
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
    const writes = await timeline.add(key, buffer, texts)
    const documentKey = keys.buffer(key)
    const compares = [{ key: documentKey, modRevision: memory.revisionOf(documentKey) }]
    return writes.length > 0 ? [{ compares, writes, again: () => this.dirty.buffers.add(id) }] : []
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
    const steps = await this.transferEvents(session, this.transferSteps.changes(memory, session))
    if (this.stages.get(id) !== session.stage) {
      log.info('session', { token: session.token, id, stage: session.stage, hosts: session.computeHosts })
      this.stages.set(id, session.stage)
    }
    // Where nothing is wanted because its time has not come, a key that is there by some accident is left alone.
    const units =
      wants.length === 0 && session.stage !== 'leaving'
        ? []
        : unitsOf(differenceOf(memory, fence, wants, owned, log), again)
    if (steps.length === 0) return units
    const documentKey = keys.session(key!)
    const compares = [{ key: documentKey, modRevision: memory.revisionOf(documentKey) }]
    return [...units, { compares, writes: steps, again }]
  }

  /** Peers, which are never withdrawn, and adoptions that have come to an end. */
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
      return { compare: { key, modRevision: memory.revisionOf(key) }, write: { delete: key } }
    })
    return unitsOf([...differenceOf(memory, fence, desiredPeers(memory), new Set(), log), ...adoptions], again)
  }

  /** Lines for the timeline of the buffer that is copied now. */
  private async transferEvents(session: SessionDocument, texts: string[]): Promise<Write[]> {
    const key = currentTransfer(session)?.buffer
    const buffer = key === undefined ? undefined : this.parts.memory.buffers.get(key)
    return buffer ? this.parts.timeline.add(key!, buffer, texts) : []
  }

  /** Packed into as few transactions as may be; one whose compares do not hold is looked at again. */
  private async writeAll(fence: number, units: Unit[]): Promise<void> {
    const batches: Unit[][] = [[]]
    let size = 1
    for (const unit of units) {
      const more = unit.compares.length + unit.writes.length
      if (size + more > maxOperations) {
        batches.push([])
        size = 1
      }
      batches.at(-1)!.push(unit)
      size += more
    }
    for (const batch of batches) {
      if (batch.length === 0) continue
      const compares = [fenceCompare(fence), ...batch.flatMap(({ compares }) => compares.filter(isNoFence))]
      const won = await this.parts.commits.write({ compares, writes: batch.flatMap(({ writes }) => writes) })
      for (const unit of batch) {
        if (won) unit.onWritten?.()
        else unit.again()
      }
    }
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
  return changes.map(({ compare, write }) => ({ compares: [compare], writes: [write], again }))
}

function isNoFence(compare: Compare): boolean {
  return compare.key !== keys.leader
}
