import type { Clock } from '../../daemon/clock.js'
import type { Log } from '../../daemon/log.js'
import type { BufferDocument } from '../../model/documents/buffer.js'
import type { SessionDocument } from '../../model/documents/session.js'
import { clipped } from '../../model/fields.js'
import type { Phase, PhaseReport } from '../../model/phase.js'
import { currentTransfer } from '../../model/transfers.js'
import { keys } from '../../store/keys.js'
import type { Lease, Store, Write } from '../../store/store.js'
import type { ClusterCache } from '../cluster/cache.js'
import * as messages from './messages.js'

const leaseSeconds = 7 * 86_400
const renewedAfterMs = 86_400_000

/**
 * The timeline of each buffer, for people: no decision depends on it. All events of a day share one lease, which expires a week later.
 * The remaining events of a buffer are deleted with the buffer.
 */
export class Timeline {
  private lease: Lease | undefined
  private grantedAt = 0
  private readonly last = new Map<string, { id: number; sequence: number }>()

  constructor(
    private readonly store: Store,
    private readonly cache: ClusterCache,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** Writes that add these lines to a buffer's timeline; none while there is no lease. */
  async add(name: string, buffer: BufferDocument, texts: string[]): Promise<Write[]> {
    if (texts.length === 0) return []
    for (const text of texts) this.log.info('buffer', { buffer: name, id: buffer.id, event: text })
    const lease = await this.currentLease()
    if (!lease) return []
    const at = this.clock.unixSeconds()
    const known = this.last.get(name)
    let sequence = Math.max(this.cache.lastEventOf(name), known?.id === buffer.id ? known.sequence : 0)
    const writes = texts.map((text): Write => ({
      put: keys.event(name, ++sequence),
      value: { v: 1, at, text: clipped(text) },
      lease,
    }))
    this.last.set(name, { id: buffer.id, sequence })
    return writes
  }

  /** Writes that add these lines to the timeline of the buffer of a session's current transfer. */
  async addToCopied(session: SessionDocument, texts: string[]): Promise<Write[]> {
    const name = currentTransfer(session)?.buffer
    const buffer = name === undefined ? undefined : this.cache.buffers.get(name)
    return buffer ? this.add(name!, buffer, texts) : []
  }

  forget(name: string): void {
    this.last.delete(name)
  }

  forgetAll(): void {
    this.last.clear()
  }

  /** To be called when etcd does not know our lease: the next event gets another. */
  forgetLease(): void {
    this.lease?.letExpire()
    this.lease = undefined
  }

  private async currentLease(): Promise<Lease | undefined> {
    const old = this.lease
    if (old?.isHeld() && this.clock.monotonicMs() - this.grantedAt < renewedAfterMs) return old
    try {
      this.lease = await this.store.lease(leaseSeconds)
      this.grantedAt = this.clock.monotonicMs()
      old?.letExpire()
    } catch (error) {
      this.log.warn('no lease for events, they are not recorded', { reason: String(error) })
      this.lease = undefined
    }
    return this.lease
  }
}

/** What a change of phase says in the timeline. `before` is undefined for a buffer that has no timeline yet. */
export function phaseEvent(buffer: BufferDocument, before: Phase | undefined, report: PhaseReport): string {
  const { phase, waitingFor, reason } = report
  switch (phase) {
    case 'creating-bricks':
      return before === undefined ? messages.placedOn(buffer.bricks) : messages.creatingBricks(waitingFor)
    case 'creating-volume':
      return messages.creatingVolume()
    case 'ready':
      return before === 'degraded' ? messages.readyAgain() : messages.ready()
    case 'degraded':
      return messages.degraded(waitingFor)
    case 'failed':
      return messages.failed(reason)
    case 'deleting':
      return messages.deleting()
    case 'wiping':
      return messages.wiping(waitingFor)
    case 'blocked':
      return messages.blocked(waitingFor)
  }
}
