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
import type { AssumedDocument } from '../cluster/documents.js'
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
import type { DocumentChange, Following } from '../commit/decision.js'
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

interface NewPhase {
  name: string
  buffer: BufferDocument
  before: Phase | undefined
  phase: Phase
  texts: string[]
}

/** Compares and writes that are added to a decision's own. */
const maxFollowing = 60
/** Bricks or nodes of a document whose hosts are told in the transaction that changes it. */
const maxHostsAtOnce = 16

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

  /**
   * What hosts are told because of these changes, and the timeline's lines, to be written in the same transaction. undefined for what
   * many hosts have to do with: it would not fit, and follows in the next round.
   */
  async following(fence: number, changes: DocumentChange[]): Promise<Following | undefined> {
    const { cache, timeline } = this.parts
    const assumed = changes.filter((change) => change.kind === 'buffer' || change.kind === 'session')
    const buffers = idsOf(assumed, 'buffer', cache.buffers)
    const sessions = idsOf(assumed, 'session', cache.sessions)
    const users = assumed.flatMap(({ kind, name }) => (kind === 'buffer' ? cache.index.sessionsUsing(name) : []))
    if ([...users, ...assumed.flatMap(({ document }) => document ?? [])].some(isLarge)) return undefined
    const { updates, lines } = cache.assuming(assumed, () => ({
      updates: [
        ...buffers.flatMap((id) => this.updatesOfBuffer(fence, id)),
        ...sessions.flatMap((id) => this.updatesOfSession(fence, id)),
      ],
      lines: buffers.flatMap((id) => this.newPhase(id) ?? []),
    }))
    const compares = updates.flatMap(({ compares }) => compares)
    const writes = updates.flatMap(({ writes }) => writes)
    if (compares.length + writes.length > maxFollowing) return undefined
    for (const { name, buffer, phase, texts } of lines) {
      // The lines of an earlier buffer of that name go in the same transaction, which can write none then.
      const standing = cache.buffers.get(name)
      if (standing ? standing.id !== buffer.id : cache.lastEventOf(name) > 0) continue
      this.phases.set(buffer.id, phase)
      writes.push(...(await timeline.add(name, buffer, texts)))
    }
    const undo = () => {
      for (const { buffer, before } of lines) {
        if (before === undefined) this.phases.delete(buffer.id)
        else this.phases.set(buffer.id, before)
      }
    }
    return { compares, writes, undo }
  }

  async ofBuffer(fence: number, id: number): Promise<Unit[]> {
    const { cache, timeline } = this.parts
    await this.prepare(() => {
      const buffer = cache.bufferById(id)?.buffer
      return buffer ? prepareBuffer(cache, buffer) : []
    })
    const again = () => this.queue.buffers.add(id)
    const units = unitsOf(this.updatesOfBuffer(fence, id), again)
    if (!cache.bufferById(id)) this.phases.delete(id)
    const entered = this.newPhase(id)
    if (!entered) return units
    const { name, buffer, phase, texts } = entered
    this.phases.set(id, phase)
    const compares = [this.asItStands(keys.buffer(name))]
    const writes = await timeline.add(name, buffer, texts)
    return [...units, { name: `${keys.events(name)}*`, compares, writes, again }]
  }

  private updatesOfBuffer(fence: number, id: number): DesiredUpdate[] {
    const { cache, config } = this.parts
    const found = cache.bufferById(id)
    const owned = cache.index.keysOfBuffer(id)
    if (!found) return mayBeUnread(cache) ? [] : this.difference(fence, [], owned)
    const records = desiredOfBuffer(cache, found.buffer, config)
    return [...this.difference(fence, records, owned), ...this.mountpoint(found.name, found.buffer)]
  }

  private updatesOfSession(fence: number, id: number): DesiredUpdate[] {
    const { cache, config } = this.parts
    const found = cache.sessionById(id)
    const owned = cache.index.keysOfSession(id)
    if (!found) return mayBeUnread(cache) ? [] : this.difference(fence, [], owned)
    const records = desiredOfSession(cache, found.session, config)
    // While nothing is wanted yet, a key that exists by accident is left alone.
    const leaveAlone = records.length === 0 && found.session.stage !== 'leaving'
    return leaveAlone ? [] : this.difference(fence, records, owned)
  }

  async ofSession(fence: number, id: number): Promise<Unit[]> {
    const { cache } = this.parts
    await this.prepare(() => {
      const session = cache.sessionById(id)?.session
      return session ? prepareSession(cache, session) : []
    })
    const again = () => this.queue.sessions.add(id)
    const found = cache.sessionById(id)
    const units = unitsOf(this.updatesOfSession(fence, id), again)
    if (!found) {
      this.stages.delete(id)
      this.transferSteps.forget(id)
      return units
    }
    const { name, session } = found
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
    const untold = records.filter((record) => !isTold(cache, record))
    return unitsOf(this.difference(fence, untold, new Set(withdrawn)), again)
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

  private difference(fence: number, records: DesiredRecord[], owned: ReadonlySet<string>): DesiredUpdate[] {
    const { cache, log } = this.parts
    return differenceOf(cache, fence, records, owned, log)
  }

  private mountpoint(name: string, buffer: BufferDocument): DesiredUpdate[] {
    const { cache } = this.parts
    const text = mountpointOf(buffer)
    if (text === cache.mountpoints.get(name)) return []
    const key = keys.mountpoint(name)
    const compares = [this.asItStands(key)]
    return [{ name: key, compares, writes: [text === undefined ? { delete: key } : { put: key, value: text }] }]
  }

  /** The phase that a buffer has entered, with a line for its timeline; undefined when it is still in the last one. */
  private newPhase(id: number): NewPhase | undefined {
    const { cache } = this.parts
    const found = cache.bufferById(id)
    if (!found) return undefined
    const report = phaseOf(cache, found.buffer)
    const before = this.phases.get(id)
    if (before === report.phase) return undefined
    const isNew = before === undefined && cache.lastEventOf(found.name) === 0
    // A new leader does not know the last phase, and writes no line twice.
    const texts = before !== undefined || isNew ? [phaseEvent(found.buffer, before, report)] : []
    return { ...found, before, phase: report.phase, texts }
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

function isLarge(document: BufferDocument | SessionDocument): boolean {
  const hosts = 'bricks' in document ? document.bricks.length + document.released.length : document.computeHosts.length
  return hosts > maxHostsAtOnce
}

/** Of the documents that are changed: as they are, and as they will be. */
function idsOf(
  assumed: readonly AssumedDocument[],
  kind: AssumedDocument['kind'],
  standing: ReadonlyMap<string, { id: number }>,
): number[] {
  const changed = assumed.filter((change) => change.kind === kind)
  const documents = changed.flatMap(({ name, document }) => [standing.get(name), document])
  return [...new Set(documents.flatMap((document) => document?.id ?? []))]
}
