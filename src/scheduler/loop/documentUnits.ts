import type { Clock } from '../../daemon/clock.js'
import type { Log } from '../../daemon/log.js'
import { keys } from '../../store/keys.js'
import type { ClusterCache } from '../cluster/cache.js'
import type { HostGrace } from '../cluster/hostGrace.js'
import type { DocumentChange } from '../commit/decision.js'
import { transactionOf } from '../commit/transaction.js'
import type { Transition } from '../desired/bufferTransitions.js'
import { transitionOfBuffer, transitionOfSession } from '../desired/index.js'
import type { Timeline } from './timeline.js'
import type { Unit } from './unitWriter.js'
import type { WorkQueue } from './workQueue.js'

interface Parts {
  cache: ClusterCache
  timeline: Timeline
  hostGrace: HostGrace
  clock: Clock
  log: Log
  newUuid: () => string
}

/** Changes of the documents of buffers and sessions that follow from reports. Each is a separate transaction. */
export class DocumentUnits {
  constructor(
    private readonly parts: Parts,
    private readonly queue: WorkQueue,
    /** True while etcd has refused to store it and the next attempt is not due. */
    private readonly isHeld: (name: string) => boolean,
  ) {}

  /** The next change of a buffer; undefined when its document stays as it is for now. */
  transitionOfBuffer(id: number): Transition | undefined {
    const { cache, hostGrace, clock, newUuid } = this.parts
    const found = cache.bufferById(id)
    if (!found || this.isHeld(keys.buffer(found.name))) return undefined
    const isLost = (host: string) => hostGrace.isLost(host)
    return transitionOfBuffer(cache, found.buffer, { now: clock.unixSeconds(), newUuid, isLost })
  }

  async ofBuffer(fence: number, id: number, { changes, events }: Transition): Promise<Unit> {
    const { cache, timeline } = this.parts
    const { name, buffer } = cache.bufferById(id)!
    // Before any await, so that the revisions of the decision are compared.
    const { compares, writes } = transactionOf(cache, fence, changes)
    const stays = changes.every((change) => change.kind !== 'buffer' || change.document !== undefined)
    const told = stays ? await timeline.add(name, buffer, events) : []
    if (!stays) timeline.forget(name)
    this.logChanges(changes)
    return {
      name: keys.buffer(name),
      compares,
      writes: [...writes, ...told],
      again: () => this.queue.buffers.add(id),
    }
  }

  async ofSession(fence: number, id: number): Promise<Unit | undefined> {
    const { cache, timeline, clock } = this.parts
    const found = cache.sessionById(id)
    if (!found || this.isHeld(keys.session(found.name))) return undefined
    const transition = transitionOfSession(cache, found.session, clock.unixSeconds())
    if (!transition) return undefined
    this.logChanges(transition.changes)
    const { compares, writes } = transactionOf(cache, fence, transition.changes)
    const told = await timeline.addToCopied(found.session, transition.events)
    return {
      name: keys.session(found.name),
      compares,
      writes: [...writes, ...told],
      again: () => this.queue.sessions.add(id),
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
