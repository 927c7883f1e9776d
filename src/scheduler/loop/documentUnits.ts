import type { Clock } from '../../daemon/clock.js'
import type { Log } from '../../daemon/log.js'
import { keys } from '../../store/keys.js'
import type { Memory } from '../cluster/cache.js'
import type { HostGrace } from '../cluster/hostGrace.js'
import type { DocumentChange } from '../commit/decision.js'
import { transactionOf } from '../commit/transaction.js'
import type { FollowUp } from '../desired/bufferTransitions.js'
import { followBuffer, followSession } from '../desired/index.js'
import type { Timeline } from './timeline.js'
import type { Unit } from './unitWriter.js'
import type { Dirty } from './workQueue.js'

interface Parts {
  memory: Memory
  timeline: Timeline
  absences: HostGrace
  clock: Clock
  log: Log
  newUuid: () => string
}

/** How the documents of buffers and sessions move on by what hosts have reported. Each is a transaction of its own. */
export class DocumentUnits {
  constructor(
    private readonly parts: Parts,
    private readonly dirty: Dirty,
    /** etcd has refused to store it, and its next try has not come. */
    private readonly isHeld: (name: string) => boolean,
  ) {}

  /** What a buffer has come to; undefined when its document stays as it is for now. */
  followUpOf(id: number): FollowUp | undefined {
    const { memory, absences, clock, newUuid } = this.parts
    const found = memory.bufferById(id)
    if (!found || this.isHeld(keys.buffer(found.name))) return undefined
    const isLost = (host: string) => absences.isLost(host)
    return followBuffer(memory, found.buffer, { now: clock.unixSeconds(), newUuid, isLost })
  }

  async ofBuffer(fence: number, id: number, { changes, events }: FollowUp): Promise<Unit> {
    const { memory, timeline } = this.parts
    const { name, buffer } = memory.bufferById(id)!
    // Before anything is waited for: what is compared are the revisions that it was decided on.
    const { compares, writes } = transactionOf(memory, fence, changes)
    const stays = changes.every((change) => change.kind !== 'buffer' || change.document !== undefined)
    const told = stays ? await timeline.add(name, buffer, events) : []
    if (!stays) timeline.forget(name)
    this.logChanges(changes)
    return {
      name: keys.buffer(name),
      compares,
      writes: [...writes, ...told],
      again: () => this.dirty.buffers.add(id),
    }
  }

  async ofSession(fence: number, id: number): Promise<Unit | undefined> {
    const { memory, timeline, clock } = this.parts
    const found = memory.sessionById(id)
    if (!found || this.isHeld(keys.session(found.name))) return undefined
    const followUp = followSession(memory, found.session, clock.unixSeconds())
    if (!followUp) return undefined
    this.logChanges(followUp.changes)
    const { compares, writes } = transactionOf(memory, fence, followUp.changes)
    const told = await timeline.addToCopied(found.session, followUp.events)
    return {
      name: keys.session(found.name),
      compares,
      writes: [...writes, ...told],
      again: () => this.dirty.sessions.add(id),
    }
  }

  private logChanges(changes: DocumentChange[]): void {
    const { log } = this.parts
    for (const change of changes) {
      if (change.kind === 'cordon' && change.document) {
        const { host, device, why } = change.document
        log.warn('device quarantined', { host, device, why })
      }
      if (change.kind === 'buffer' && !change.document) log.info('buffer gone', { buffer: change.name })
      if (change.kind === 'session' && !change.document) log.info('session gone', { token: change.name })
    }
  }
}
