import { hostsToUnmount, jobsHolding, observedBrickOf, volumeBricks } from '../../model/buffers.js'
import { isLeftOn, isVolumeGone, volumeOf, volumesOf, wasBegun } from '../../model/volumes.js'
import { hostKey, bufferKey, type Cluster } from '../../model/cluster.js'
import type { BufferDocument, PlacedBrick } from '../../model/documents/buffer.js'
import type { CordonDocument } from '../../model/documents/cordon.js'
import { clipped } from '../../model/fields.js'
import { knowsField } from '../../model/levels.js'
import { isComplete } from '../../model/phase.js'
import { dataPlaneOf } from '../dataplane/index.js'
import type { DocumentChange } from '../commit/decision.js'
import { placeBricks } from '../placement/place.js'
import * as messages from './messages.js'

export interface TransitionContext {
  /** Unix seconds. */
  now: number
  newUuid: () => string
  /** The host has been away for so long that the scheduler no longer waits for it. */
  isLost: (host: string) => boolean
}

/** Changes of documents that follow from reports, in one transaction, and their lines in the timeline. */
export interface Transition {
  changes: DocumentChange[]
  events: string[]
  /** Bricks of which their agents must be told in the same transaction, or before. */
  tells?: PlacedBrick[]
}

/** After this time a brick that its agent cannot wipe is forgotten; its device is cordoned. */
const forgetAfterSeconds = 600
/** At most this many bricks are replaced or quarantined in one step: etcd accepts 100 operations in one transaction. */
const maxAtOnce = 25

export function transitionOfBuffer(
  cluster: Cluster,
  buffer: BufferDocument,
  context: TransitionContext,
): Transition | undefined {
  if (buffer.wanted === 'absent') return transitionWhileDeleting(cluster, buffer, context)
  if (buffer.builtAt === undefined && buffer.failure === undefined) {
    const creation = transitionWhileCreating(cluster, buffer, context)
    if (creation) return creation
  }
  return renewal(cluster, buffer, context) ?? forgetReleased(cluster, buffer, context)
}

function renewal(cluster: Cluster, buffer: BufferDocument, context: TransitionContext): Transition | undefined {
  const renewed = dataPlaneOf(buffer).renewed(cluster, buffer, context)
  return renewed && { changes: [{ kind: 'buffer', name: bufferKey(cluster, buffer), document: renewed }], events: [] }
}

function transitionWhileDeleting(
  cluster: Cluster,
  buffer: BufferDocument,
  context: TransitionContext,
): Transition | undefined {
  const bricks = [...buffer.bricks, ...buffer.released]
  const gone =
    bricks.every((brick) => isBrickGone(cluster, brick, context)) &&
    volumesOf(buffer).every((volume) => isVolumeGone(cluster, buffer, volume)) &&
    jobsHolding(cluster, buffer).length === 0 &&
    hostsToUnmount(cluster, buffer).length === 0
  if (gone) return { changes: [{ kind: 'buffer', name: bufferKey(cluster, buffer), document: undefined }], events: [] }
  const given = bricks.filter((brick) => hasGivenUp(cluster, brick))
  // A job may hold it for as long as its certificates are valid, and longer.
  return quarantine(cluster, given, context) ?? renewal(cluster, buffer, context)
}

/** Bricks whose agents do not know yet that they must not be formatted any more; agents of the first release cannot be told. */
function notToldBuilt(cluster: Cluster, buffer: BufferDocument): PlacedBrick[] {
  return buffer.bricks.filter(({ host, device, uuid }) => {
    const told = cluster.desired.brick.get(hostKey(host, device))
    const agent = cluster.hosts.get(host)
    const isTold = told?.uuid === uuid && told.built
    return !isTold && (agent === undefined || knowsField(agent, 'desired/brick', 'built'))
  })
}

function transitionWhileCreating(
  cluster: Cluster,
  buffer: BufferDocument,
  context: TransitionContext,
): Transition | undefined {
  const name = bufferKey(cluster, buffer)
  const write = (document: BufferDocument, ...events: string[]): Transition => ({
    changes: [{ kind: 'buffer', name, document }],
    events,
  })
  if (isComplete(cluster, buffer)) {
    return { ...write({ ...buffer, builtAt: context.now }), tells: notToldBuilt(cluster, buffer) }
  }
  const unfit = buffer.bricks
    .filter((brick) => isRefused(cluster, brick) || context.isLost(brick.host))
    .slice(0, maxAtOnce)
  if (unfit.length > 0) return replace(cluster, buffer, unfit, context)
  const volume = volumeOf(cluster, buffer)
  const why = volume && dataPlaneOf(buffer).whyStartOver(volume)
  if (why !== undefined) return write(startOver(cluster, buffer, buffer.bricks), why)
  const mended = dataPlaneOf(buffer).mended(cluster, buffer)
  if (mended) return write(mended.buffer, mended.event)
  if (volume?.problem?.terminal) {
    const failure = clipped(messages.volumeFailed(buffer.volume, volume.problem.message))
    return write({ ...buffer, failure }, messages.failed(failure))
  }
  return undefined
}

function replace(
  cluster: Cluster,
  buffer: BufferDocument,
  unfit: PlacedBrick[],
  context: TransitionContext,
): Transition | undefined {
  const name = bufferKey(cluster, buffer)
  const bad = unfit.filter((brick) => isRefused(cluster, brick))
  const cordons = quarantine(cluster, bad, context)?.changes ?? []
  const { pool, granularityBytes, wipe } = buffer
  const beside = new Map<string, number>()
  for (const brick of buffer.bricks) {
    if (!unfit.includes(brick)) beside.set(brick.host, (beside.get(brick.host) ?? 0) + 1)
  }
  const placed = placeBricks(cluster, { pool, granularityBytes, wipe, count: unfit.length, beside }, context.newUuid)
  const plane = dataPlaneOf(buffer)
  const served = 'refused' in placed ? placed : plane.served(cluster, placed.bricks)
  if ('refused' in served) {
    // A lost host may come back, but a refused device stays refused.
    if (bad.length === 0) return undefined
    const reasons = bad.map((brick) => reasonOf(cluster, brick))
    const failure = clipped(messages.cannotReplace(reasons, served.refused))
    const document = { ...buffer, failure }
    return { changes: [...cordons, { kind: 'buffer', name, document }], events: [messages.failed(failure)] }
  }
  const fresh = [...served.bricks]
  const bricks = buffer.bricks.map((brick) => (unfit.includes(brick) ? fresh.shift()! : brick))
  const released = [...buffer.released, ...unfit]
  const document =
    plane.startsOverToReplace && wasBegun(cluster, buffer)
      ? { ...startOver(cluster, buffer, bricks), released }
      : { ...buffer, bricks, released }
  return {
    changes: [...cordons, { kind: 'buffer', name, document }, { kind: 'lastId', lastId: cluster.lastId }],
    events: unfit.map((brick, index) => messages.brickReplaced(brick, served.bricks[index]!, reasonOf(cluster, brick))),
  }
}

/**
 * A volume of the old bricks may exist or appear later, so it keeps its name until it was seen absent. The new volume gets another
 * name, and directories that no create has used.
 */
function startOver(cluster: Cluster, buffer: BufferDocument, bricks: PlacedBrick[]): BufferDocument {
  const number = Number(buffer.directory.split('-')[1] ?? 1)
  const former = { volume: buffer.volume, bricks: volumeBricks(buffer) }
  return {
    ...buffer,
    bricks,
    directory: `brick-${number + 1}`,
    volume: dataPlaneOf(buffer).freeVolumeName(cluster, buffer.name, buffer.id),
    formerVolumes: [...buffer.formerVolumes, former],
  }
}

/**
 * Released bricks that were seen absent free their devices, in every phase of the buffer. One whose host has still to end what
 * served it stays: its host would not be told of the volume any more.
 */
function forgetReleased(cluster: Cluster, buffer: BufferDocument, context: TransitionContext): Transition | undefined {
  const formerVolumes = buffer.formerVolumes.filter(({ volume }) => !isVolumeGone(cluster, buffer, volume))
  const released = buffer.released.filter(
    (brick) => !isBrickGone(cluster, brick, context) || isLeftOn(cluster, buffer, brick.host),
  )
  if (released.length === buffer.released.length && formerVolumes.length === buffer.formerVolumes.length) {
    return quarantine(
      cluster,
      released.filter((brick) => hasGivenUp(cluster, brick)),
      context,
    )
  }
  const document = { ...buffer, released, formerVolumes }
  return { changes: [{ kind: 'buffer', name: bufferKey(cluster, buffer), document }], events: [] }
}

/** Cordons for devices that are not cordoned yet; undefined when there are none. */
function quarantine(cluster: Cluster, bricks: PlacedBrick[], context: TransitionContext): Transition | undefined {
  const changes = bricks
    .filter(({ host, device }) => !cluster.cordons.has(hostKey(host, device)))
    .slice(0, maxAtOnce)
    .map(({ host, device, ...brick }): DocumentChange & { document: CordonDocument } => {
      const why = reasonOf(cluster, { host, device, ...brick })
      const document: CordonDocument = {
        v: 1,
        host,
        device,
        kind: 'quarantine',
        why,
        who: 'scheduler',
        when: context.now,
      }
      return { kind: 'cordon', host, device, document }
    })
  if (changes.length === 0) return undefined
  return {
    changes,
    events: changes.map(({ document: { host, device, why } }) =>
      messages.quarantined({ host, ...(device === undefined ? {} : { device }) }, why),
    ),
  }
}

/** Its agent has refused to create it. */
function isRefused(cluster: Cluster, brick: PlacedBrick): boolean {
  const observed = observedBrickOf(cluster, brick)
  return observed?.state === 'forming' && observed.problem?.terminal === true
}

/** Its agent cannot wipe it: the disk was removed, exchanged or is broken. */
function hasGivenUp(cluster: Cluster, brick: PlacedBrick): boolean {
  const observed = observedBrickOf(cluster, brick)
  return observed?.state === 'leaving' && observed.problem?.terminal === true
}

function isBrickGone(cluster: Cluster, brick: PlacedBrick, context: TransitionContext): boolean {
  // guard: brick-seen-absent
  if (observedBrickOf(cluster, brick)?.state === 'absent') return true
  const cordon = cluster.cordons.get(hostKey(brick.host, brick.device))
  return hasGivenUp(cluster, brick) && cordon !== undefined && context.now - cordon.when >= forgetAfterSeconds
}

function reasonOf(cluster: Cluster, brick: PlacedBrick): string {
  return observedBrickOf(cluster, brick)?.problem?.message ?? messages.hostIsLost(brick.host)
}
