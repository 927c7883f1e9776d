import type { Clock } from '../../daemon/clock.js'
import type { Log } from '../../daemon/log.js'
import { yieldToEventLoop } from '../../daemon/yieldToEventLoop.js'
import { hostKey } from '../../model/cluster.js'
import type { BufferDocument } from '../../model/documents/buffer.js'
import type { SessionDocument } from '../../model/documents/session.js'
import type { DesiredRecord } from '../../model/desiredRecord.js'
import { type Phase, phaseOf } from '../../model/phase.js'
import { keys } from '../../store/keys.js'
import type { ClusterCache } from '../cluster/cache.js'
import {
  desiredOfBuffer,
  desiredOfSession,
  desiredPeers,
  mountpointOf,
  prepareBuffer,
  prepareSession,
  problemsOfPeers,
  type DesiredSettings,
} from '../desired/index.js'
import { differenceOf, type DesiredUpdate, mayBeUnread } from './diff.js'
import { phaseEvent, type Timeline } from './timeline.js'
import { TransferMilestones } from './transferMilestones.js'
import type { Unit } from './unitWriter.js'
import type { WorkQueue } from './workQueue.js'

interface Parts {
  clock: Clock
  cache: ClusterCache
  timeline: Timeline
  config: DesiredSettings
  log: Log
}

/** A certificate takes a tenth of a millisecond. */
const piecesAtOnce = 100

/**
 * The desired documents and the timeline, derived from the documents. The last phase and stage of each are remembered only for the
 * timeline.
 */
export class DesiredUnits {
  private readonly phases = new Map<number, Phase>()
  private readonly stages = new Map<number, SessionDocument['stage']>()
  private readonly transferSteps = new TransferMilestones()
  /** How many were made so far. */
  private pieces = 0

  constructor(
    private readonly parts: Parts,
    private readonly queue: WorkQueue,
  ) {}

  async ofBuffer(fence: number, id: number): Promise<Unit[]> {
    const { cache, config } = this.parts
    await this.prepare(() => {
      const buffer = cache.bufferById(id)?.buffer
      return buffer ? prepareBuffer(cache, buffer) : []
    })
    const again = () => this.queue.buffers.add(id)
    const found = cache.bufferById(id)
    const owned = cache.index.keysOfBuffer(id)
    if (!found) {
      this.phases.delete(id)
      return mayBeUnread(cache) ? [] : this.difference(fence, [], owned, again)
    }
    const { name, buffer } = found
    return [
      ...this.difference(fence, desiredOfBuffer(cache, buffer, config), owned, again),
      ...this.mountpoint(name, buffer, again),
      ...(await this.phaseEvents(name, buffer, again)),
    ]
  }

  async ofSession(fence: number, id: number): Promise<Unit[]> {
    const { cache, config } = this.parts
    await this.prepare(() => {
      const session = cache.sessionById(id)?.session
      return session ? prepareSession(cache, session) : []
    })
    const again = () => this.queue.sessions.add(id)
    const found = cache.sessionById(id)
    const owned = cache.index.keysOfSession(id)
    if (!found) {
      this.stages.delete(id)
      this.transferSteps.forget(id)
      return mayBeUnread(cache) ? [] : this.difference(fence, [], owned, again)
    }
    const { name, session } = found
    const records = desiredOfSession(cache, session, config)
    // While nothing is wanted yet, a key that exists by accident is left alone.
    const leaveAlone = records.length === 0 && session.stage !== 'leaving'
    const units = leaveAlone ? [] : this.difference(fence, records, owned, again)
    units.push(...(await this.transferEvents(name, session, again)))
    this.logStage(session)
    return units
  }

  /** Peers, and the removal of finished adoptions. */
  ofOthers(fence: number): Unit[] {
    const { cache } = this.parts
    const again = () => {
      this.queue.others = true
    }
    // Also a refused adoption: its operator was told, and a disk that becomes free later must not be wiped then.
    const ended = [...cache.desired.adopt.keys()].filter((place) => {
      const observed = cache.observed.adopt.get(place)
      return observed?.state === 'done' || observed?.problem?.terminal === true
    })
    const adoptions = ended.map((place): DesiredUpdate => {
      const [host, device] = place.split('/') as [string, string]
      const key = keys.desired(host, 'adopt', device)
      return { name: key, compares: [this.asItStands(key)], writes: [{ delete: key }] }
    })
    return [...this.peers(fence, again), ...unitsOf(adoptions, again)]
  }

  /** What is not as it should be of what no buffer and no session has, in words for an operator. */
  problems(): string[] {
    const { cache, config } = this.parts
    return problemsOfPeers(cache, config.pools, (host) => cache.isStorageHost(host))
  }

  private peers(fence: number, again: () => void): Unit[] {
    const { cache, config } = this.parts
    const records = desiredPeers(cache, config.pools, (host) => cache.isStorageHost(host))
    const wanted = new Set(records.map(({ host, id }) => hostKey(host, id)))
    const withdrawn = [...cache.desired.peer.keys()].flatMap((place) => {
      const [host, peer] = place.split('/') as [string, string]
      return wanted.has(place) ? [] : [keys.desired(host, 'peer', peer)]
    })
    return this.difference(
      fence,
      records.filter((record) => !isTold(cache, record)),
      new Set(withdrawn),
      again,
    )
  }

  /** Resolves when nothing is left to make of the cache as it is then. */
  private async prepare(pieces: () => Iterable<void>): Promise<void> {
    for (let isReady = false; !isReady;) {
      isReady = true
      for (const piece of pieces()) {
        void piece
        if (++this.pieces % piecesAtOnce !== 0) continue
        await yieldToEventLoop(this.parts.clock)
        isReady = false
      }
    }
  }

  private difference(fence: number, records: DesiredRecord[], owned: ReadonlySet<string>, again: () => void): Unit[] {
    const { cache, log } = this.parts
    return unitsOf(differenceOf(cache, fence, records, owned, log), again)
  }

  private mountpoint(name: string, buffer: BufferDocument, again: () => void): Unit[] {
    const { cache } = this.parts
    const text = mountpointOf(buffer)
    if (text === cache.mountpoints.get(name)) return []
    const key = keys.mountpoint(name)
    const compares = [this.asItStands(key)]
    return [{ name: key, compares, writes: [text === undefined ? { delete: key } : { put: key, value: text }], again }]
  }

  /** A line in the timeline for every change of phase. */
  private async phaseEvents(name: string, buffer: BufferDocument, again: () => void): Promise<Unit[]> {
    const { cache, timeline } = this.parts
    const report = phaseOf(cache, buffer)
    const before = this.phases.get(buffer.id)
    if (before === report.phase) return []
    const isNew = before === undefined && cache.lastEventOf(name) === 0
    // A new leader does not know the last phase, and writes no line twice.
    const texts = before !== undefined || isNew ? [phaseEvent(buffer, before, report)] : []
    this.phases.set(buffer.id, report.phase)
    const compares = [this.asItStands(keys.buffer(name))]
    return [{ name: `${keys.events(name)}*`, compares, writes: await timeline.add(name, buffer, texts), again }]
  }

  private async transferEvents(name: string, session: SessionDocument, again: () => void): Promise<Unit[]> {
    const { cache, timeline } = this.parts
    const key = keys.session(name)
    const compares = [this.asItStands(key)]
    const writes = await timeline.addToCopied(session, this.transferSteps.changes(cache, session))
    return writes.length === 0 ? [] : [{ name: `transfer events of ${key}`, compares, writes, again }]
  }

  private logStage({ id, token, stage, computeHosts }: SessionDocument): void {
    if (this.stages.get(id) === stage) return
    this.parts.log.info('session', { token, id, stage, hosts: computeHosts })
    this.stages.set(id, stage)
  }

  private asItStands(key: string): { key: string; modRevision: number } {
    return { key, modRevision: this.parts.cache.revisionOf(key) }
  }
}

/** There may be a thousand, of which mostly all are told. */
function isTold({ desired }: ClusterCache, record: DesiredRecord): boolean {
  if (record.kind !== 'peer') return false
  const told = desired.peer.get(hostKey(record.host, record.id))
  return told !== undefined && told.asMember === record.document.asMember
}

function unitsOf(updates: DesiredUpdate[], again: () => void): Unit[] {
  return updates.map((update) => ({ ...update, again }))
}
