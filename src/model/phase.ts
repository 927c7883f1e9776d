import type { Phase } from './api.js'
import { hostsRestarted, hostsToUnmount, isOfEarlierBoot, isReady, jobsHolding, observedBrickOf } from './buffers.js'
import { hostsServing, isVolumeGone, isVolumeStopped, primaryOf, volumeOf, volumesOf, wasBegun } from './volumes.js'
import { reportOf } from './volumeReports.js'
import type { ObservedVolume } from './documents/volume.js'
import type { Cluster } from './cluster.js'
import type { BufferDocument, PlacedBrick } from './documents/buffer.js'
import * as messages from './messages.js'
import { describeWiping } from './wipes.js'

export type { Phase } from './api.js'
export { isReady, observedBrickOf, sessionsUsing } from './buffers.js'
export { primaryOf, volumeOf } from './volumes.js'

/*
 * The life of a buffer. The phase is stored nowhere: it is derived from the buffer's document and the agents' reports.
 *
 *   creating-bricks   placed; some brick is not ready yet
 *   creating-volume   all bricks are ready; the volume is being created
 *   ready             the volume is started, every brick online, every host alive
 *   degraded          it was ready; a host is lost or a brick offline
 *   failed            it cannot be built; `reason` says why
 *   deleting          wanted absent: mounts, then volume, then bricks
 *   wiping            being deleted, and only long wipes remain, apart from what is blocked
 *   blocked           being deleted, and what remains waits for a lost host or an operator
 */
export interface PhaseReport {
  phase: Phase
  /** What it waits for, in words an operator can act on. Empty when it waits for nothing. */
  waitingFor: string[]
  reason?: string
}

/**
 * The buffer's phase, what it waits for, and for a failed buffer the reason. The same cluster gives the same answer.
 */
export function phaseOf(cluster: Cluster, buffer: BufferDocument): PhaseReport {
  if (buffer.wanted === 'absent') return deletingPhase(cluster, buffer)
  if (buffer.failure !== undefined) return { phase: 'failed', waitingFor: [], reason: buffer.failure }
  if (buffer.builtAt !== undefined) return builtPhase(cluster, buffer)
  const waiting = buffer.bricks.filter((brick) => !isReady(cluster, buffer, brick))
  if (waiting.length > 0) return { phase: 'creating-bricks', waitingFor: waiting.map((b) => brickWait(cluster, b)) }
  return { phase: 'creating-volume', waitingFor: [volumeWait(cluster, buffer, buffer.volume)] }
}

/**
 * True when nobody waits for the deletion any more: Slurm's teardown is answered, and the name may be given away. The devices stay taken
 * until they are reported wiped.
 */
export function isDeletedInBackground({ phase }: Pick<PhaseReport, 'phase'>): boolean {
  return phase === 'wiping' || phase === 'blocked'
}

/** What replaced bricks wait for: a former volume that may still serve them, in words; undefined when there is none. */
export function replacedBrickWait(cluster: Cluster, buffer: BufferDocument): string | undefined {
  const former = buffer.formerVolumes.find(({ volume }) => !isVolumeStopped(cluster, buffer, volume))
  return former && messages.waitsFor(volumeWait(cluster, buffer, former.volume))
}

/** True when every brick of the volume is online, which makes a buffer ready for the first time. */
export function isComplete(cluster: Cluster, buffer: BufferDocument): boolean {
  const volume = volumeOf(cluster, buffer)
  return (
    volume?.state === 'started' &&
    volume.offline.length === 0 &&
    hostsRestarted(cluster, buffer, volume).length === 0 &&
    buffer.bricks.every((brick) => isReady(cluster, buffer, brick))
  )
}

function builtPhase(cluster: Cluster, buffer: BufferDocument): PhaseReport {
  // Of nearly all buffers nearly always: there are no words to be found.
  if (isComplete(cluster, buffer) && buffer.bricks.every(({ host }) => cluster.hosts.has(host)))
    return { phase: 'ready', waitingFor: [] }
  const lost = [...new Set(buffer.bricks.map((b) => b.host))].filter((host) => !cluster.hosts.has(host))
  const unwell = buffer.bricks.filter((b) => cluster.hosts.has(b.host) && !isReady(cluster, buffer, b))
  const volume = volumeOf(cluster, buffer)
  const offline = volume?.offline ?? []
  const restarted = volume ? hostsRestarted(cluster, buffer, volume) : []
  const waitingFor = [
    ...lost.map(messages.lostHost),
    ...unwell.map((brick) => brickWait(cluster, brick)),
    ...offline.map(messages.brickOffline),
    ...restarted.map(messages.bricksToBeChecked),
    ...(volume?.state === 'started' || offline.length > 0 ? [] : [volumeWait(cluster, buffer, buffer.volume)]),
  ]
  return { phase: waitingFor.length > 0 ? 'degraded' : 'ready', waitingFor }
}

/** `idle`: it waits only for the return of a host, an operator, or the end of a long wipe. */
interface Blocker {
  text: string
  idle: boolean
  isWiped?: boolean
}

function deletingPhase(cluster: Cluster, buffer: BufferDocument): PhaseReport {
  const blockers: Blocker[] = [
    ...jobsHolding(cluster, buffer).map(({ token }) => ({ text: messages.endOfJob(token), idle: false })),
    ...hostsToUnmount(cluster, buffer).map((host) => ({ text: messages.hostToUnmount(host), idle: false })),
    ...volumesOf(buffer).flatMap((volume) => volumeBlocker(cluster, buffer, volume)),
    ...[...buffer.bricks, ...buffer.released].flatMap((brick) => brickBlocker(cluster, brick)),
  ]
  const isIdle = blockers.length > 0 && blockers.every(({ idle }) => idle)
  const putOff = blockers.some(({ isWiped }) => isWiped) ? 'wiping' : 'blocked'
  return { phase: isIdle ? putOff : 'deleting', waitingFor: blockers.map(({ text }) => text) }
}

function volumeBlocker(cluster: Cluster, buffer: BufferDocument, volume: string): Blocker[] {
  if (buffer.dataPlane === 'direct')
    return hostsServing(cluster, buffer).map((host) => ({
      text: volumeOnHost(cluster, volume, host, reportOf(cluster, buffer, host)),
      idle: !cluster.hosts.has(host),
    }))
  if (!wasBegun(cluster, buffer, volume) || isVolumeGone(cluster, buffer, volume)) return []
  const idle =
    !cluster.hosts.has(primaryOf(cluster, buffer, volume)) || volumeOf(cluster, buffer, volume)?.stopped === true
  return [{ text: volumeWait(cluster, buffer, volume), idle }]
}

function brickBlocker(cluster: Cluster, brick: PlacedBrick): Blocker[] {
  const observed = observedBrickOf(cluster, brick)
  if (observed?.state === 'absent') return []
  const isLost = !cluster.hosts.has(brick.host)
  if (observed?.state === 'leaving' && observed.wiping && !isLost) {
    const text = messages.brickBeingWiped(messages.brickOn(brick), describeWiping(observed.wiping))
    return [{ text, idle: true, isWiped: true }]
  }
  const given = observed?.state === 'leaving' && observed.problem?.terminal === true
  return [{ text: brickWait(cluster, brick), idle: given || isLost }]
}

function brickWait(cluster: Cluster, brick: PlacedBrick): string {
  const observed = observedBrickOf(cluster, brick)
  const where = withLostMark(cluster, messages.brickOn(brick), brick.host)
  if (observed && isOfEarlierBoot(cluster, brick, observed)) return messages.brickToBeChecked(where)
  return withDetail(where, observed)
}

function volumeWait(cluster: Cluster, buffer: BufferDocument, volume: string): string {
  const observed = volumeOf(cluster, buffer, volume)
  if (buffer.dataPlane === 'direct') return withDetail(`volume ${volume}`, observed)
  return volumeOnHost(cluster, volume, primaryOf(cluster, buffer, volume), observed)
}

function volumeOnHost(cluster: Cluster, volume: string, host: string, observed: ObservedVolume | undefined): string {
  return withDetail(withLostMark(cluster, messages.volumeOn(volume, host), host), observed)
}

function withDetail(where: string, observed: { problem?: { message: string }; waitingFor: string[] } | undefined) {
  const detail = observed?.problem?.message ?? observed?.waitingFor.join(', ') ?? ''
  return detail === '' ? where : `${where}: ${detail}`
}

function withLostMark(cluster: Cluster, what: string, host: string): string {
  return cluster.hosts.has(host) ? what : messages.onLostHost(what)
}
