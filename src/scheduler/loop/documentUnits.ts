import type { Clock } from '../../daemon/clock.js'
import type { Log } from '../../daemon/log.js'
import { keys } from '../../store/keys.js'
import type { ClusterCache } from '../cluster/cache.js'
import type { HostGrace } from '../cluster/hostGrace.js'
import type { AssumedDocument } from '../cluster/documents.js'
import type { DocumentChange, Following } from '../commit/decision.js'
import { joined, transactionOf } from '../commit/transaction.js'
import type { Transition } from '../desired/bufferTransitions.js'
import { transitionOfBuffer, transitionOfSession } from '../desired/index.js'
import { changesOfSpares, type SparesContext } from '../spares/index.js'
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
  config: SparesContext['config']
  claimedSlots: SparesContext['claimedSlots']
}

const sparesUnit = 'spares'

/** Changes of the documents of buffers and sessions that follow from reports. Each is a separate transaction. */
export class DocumentUnits {
  constructor(
    private readonly parts: Parts,
    private readonly queue: WorkQueue,
    /** True while etcd has refused to store it and the next attempt is not due. */
    private readonly isHeld: (name: string) => boolean,
    private readonly following: (fence: number, changes: DocumentChange[]) => Promise<Following | undefined>,
  ) {}

  /** The next change of a buffer; undefined when its document stays as it is for now. */
  transitionOfBuffer(id: number): Transition | undefined {
    const { cache, hostGrace, clock, newUuid } = this.parts
    const found = cache.bufferById(id)
    if (!found || this.isHeld(keys.buffer(found.name))) return undefined
    const isLost = (host: string) => hostGrace.isLost(host)
    return transitionOfBuffer(cache, found.buffer, { now: clock.unixSeconds(), newUuid, isLost })
  }

  /** None when hosts must be told first. */
  async ofBuffer(fence: number, id: number, transition: Transition): Promise<Unit[]> {
    const { cache, timeline } = this.parts
    const { events, tells = [] } = transition
    const { name, buffer } = cache.bufferById(id)!
    const changes = [...transition.changes, ...this.ownSessionsGone(name, transition.changes)]
    // Before any await, so that the revisions of the decision are compared.
    const decided = transactionOf(cache, fence, changes)
    const following = await this.following(fence, changes)
    const told = new Set(following?.writes.flatMap((write) => ('put' in write ? [write.put] : [])))
    if (!tells.every(({ host, device }) => told.has(keys.desired(host, 'brick', device)))) {
      following?.undo()
      return []
    }
    const { compares, writes } = following ? joined(decided, following) : decided
    const stays = changes.every((change) => change.kind !== 'buffer' || change.document !== undefined)
    const lines = stays ? await timeline.add(name, buffer, events) : []
    if (!stays) timeline.forget(name)
    this.logChanges(changes)
    const again = () => {
      following?.undo()
      this.queue.buffers.add(id)
    }
    const alone = { compares: decided.compares, writes: [...decided.writes, ...lines] }
    const both = { name: keys.buffer(name), compares, writes: [...writes, ...lines], again }
    return [tells.length > 0 ? both : { ...both, alone }]
  }

  /** The sessions that made a buffer leave with it, when nothing else of them is left. */
  private ownSessionsGone(name: string, changes: DocumentChange[]): DocumentChange[] {
    const { cache, clock } = this.parts
    const gone = changes.filter((change) => change.kind === 'buffer' && !change.document)
    if (gone.length === 0) return []
    const own = cache.index.sessionsUsing(name).filter(({ buffer, stage }) => buffer === name && stage === 'leaving')
    const transitions = cache.assuming(gone as AssumedDocument[], () =>
      own.map((session) => transitionOfSession(cache, session, clock.unixSeconds())),
    )
    return transitions
      .flatMap((transition) => transition?.changes ?? [])
      .filter((change) => change.kind === 'session' && !change.document)
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

  /** Made or given back. */
  ofSpares(fence: number): Unit[] {
    const { cache, hostGrace, clock, config, newUuid, claimedSlots } = this.parts
    if (this.isHeld(sparesUnit)) return []
    const isLost = (host: string) => hostGrace.isLost(host)
    const now = clock.unixSeconds()
    const changes = changesOfSpares(cache, { now, newUuid, config, isLost, claimedSlots })
    if (changes.length === 0) return []
    this.logChanges(changes)
    const again = () => {
      this.queue.spares = true
    }
    return [{ name: sparesUnit, ...transactionOf(cache, fence, changes), again }]
  }

  private logChanges(changes: DocumentChange[]): void {
    const { log } = this.parts
    for (const change of changes) {
      if (change.kind === 'cordon' && change.document) {
        const { host, device, why } = change.document
        log.warn('device quarantined', { host, device, why })
      }
      if (change.kind === 'brick') {
        const { host, device, document } = change
        log.info('spare', { host, device, wanted: document?.wanted ?? 'nothing' })
      }
      if (change.kind === 'buffer' && !change.document) log.info('buffer gone', { buffer: change.name })
      if (change.kind === 'session' && !change.document) log.info('session gone', { token: change.name })
    }
  }
}
