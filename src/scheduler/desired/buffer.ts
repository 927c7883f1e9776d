import { volumeDirectories, volumeRoot } from '../../model/access.js'
import {
  bootsOf,
  hostsToUnmount,
  isReady,
  isVolumeStopped,
  jobsHolding,
  primaryOf,
  sessionsUsing,
  volumeBricks,
  wasBegun,
} from '../../model/buffers.js'
import { hostKey, bufferKey, type Cluster } from '../../model/cluster.js'
import { isComplete } from '../../model/phase.js'
import type { DesiredRecord } from '../../model/desiredRecord.js'
import { transfersOf } from '../../model/transfers.js'
import type { BufferDocument, PlacedBrick } from '../../model/documents/buffer.js'
import { type ClientSettings, dataPlaneOf } from '../dataplane/index.js'

/** What every storage host should hold of this buffer now. */
export function desiredOfBuffer(cluster: Cluster, buffer: BufferDocument, clients: ClientSettings): DesiredRecord[] {
  const name = bufferKey(cluster, buffer)
  const formerStopped = buffer.formerVolumes.every(({ volume }) => isVolumeStopped(cluster, buffer, volume))
  // Told before the buffer counts as built, so that none that does is ever formatted again: not even where nobody lived to tell it.
  const isBuilt = buffer.builtAt !== undefined || isComplete(cluster, buffer)
  const bricksLeave =
    formerStopped &&
    /* guard: buffer-absent */ buffer.wanted === 'absent' &&
    /* guard: volume-stopped */ isVolumeStopped(cluster, buffer)
  return [
    ...buffer.bricks.map((brick) => desiredBrick(cluster, buffer, name, brick, { mayLeave: bricksLeave, isBuilt })),
    ...buffer.released.map((brick) =>
      desiredBrick(cluster, buffer, name, brick, { mayLeave: formerStopped, isBuilt: false }),
    ),
    ...desiredVolumes(cluster, buffer, name, clients),
  ]
}

function desiredBrick(
  cluster: Cluster,
  buffer: BufferDocument,
  name: string,
  brick: PlacedBrick,
  { mayLeave, isBuilt }: { mayLeave: boolean; isBuilt: boolean },
): DesiredRecord {
  const { host, device, identity, sizeBytes, uuid } = brick
  // Not taken back once said: its agent may be wiping. What is known of the volume goes back when its primary changes.
  const told = cluster.desired.brick.get(hostKey(host, device))
  // guard: brick-told-absent
  const wasTold = told?.uuid === uuid && told.wanted === 'absent'
  const wanted = mayLeave || wasTold ? 'absent' : 'present'
  return {
    host,
    kind: 'brick',
    id: device,
    document: {
      v: 1,
      kind: 'brick',
      buffer: { id: buffer.id, name },
      device,
      identity,
      sizeBytes,
      uuid,
      directory: buffer.directory,
      ...volumeRoot(buffer),
      ...(isBuilt ? { built: true as const } : {}),
      // guard: wipe-kept
      ...(buffer.wipe === undefined ? {} : { wipe: buffer.wipe }),
      wanted,
    },
  }
}

function desiredVolumes(
  cluster: Cluster,
  buffer: BufferDocument,
  name: string,
  clients: ClientSettings,
): DesiredRecord[] {
  const spec = dataPlaneOf(buffer).volumeSpec(cluster, buffer, clients)
  const hosts = runningHosts(cluster, buffer)
  const directories = volumeDirectories(buffer, { hosts, hasTemplate: hasTemplate(cluster, buffer) })
  const boots = bootsOf(cluster, buffer)
  const recordOf = (
    volume: string,
    bricks: { host: string; path: string }[],
    wanted: 'started' | 'absent',
  ): DesiredRecord => ({
    host: primaryOf(cluster, buffer, volume),
    kind: 'volume',
    id: volume,
    document: {
      v: 1,
      kind: 'volume',
      buffer: { id: buffer.id, name },
      volume,
      bricks,
      ...spec,
      ...(directories.length > 0 && wanted === 'started' ? { directories } : {}),
      ...(Object.keys(boots).length > 0 && wanted === 'started' ? { boots } : {}),
      wanted,
    },
  })
  const former = buffer.formerVolumes.map(({ volume, bricks }) => recordOf(volume, bricks, 'absent'))
  const wanted = volumeWanted(cluster, buffer)
  return wanted ? [...former, recordOf(buffer.volume, volumeBricks(buffer), wanted)] : former
}

/** Where jobs have the buffer now; what was made for hosts of the past stays in it. */
function runningHosts(cluster: Cluster, buffer: BufferDocument): string[] {
  const running = sessionsUsing(cluster, buffer).filter(({ stage }) => stage === 'running')
  return running.flatMap(({ computeHosts }) => computeHosts)
}

function hasTemplate(cluster: Cluster, buffer: BufferDocument): boolean {
  return (
    buffer.access.includes('private') &&
    sessionsUsing(cluster, buffer).some((session) => transfersOf(session, 'fill').length > 0)
  )
}

/** undefined: its time has not come, or it never was. A volume is not withdrawn because a brick is unwell. */
function volumeWanted(cluster: Cluster, buffer: BufferDocument): 'started' | 'absent' | undefined {
  if (buffer.wanted === 'present') {
    const complete = buffer.bricks.every((brick) => isReady(cluster, buffer, brick))
    return complete || wasBegun(cluster, buffer) ? 'started' : undefined
  }
  if (!wasBegun(cluster, buffer)) return undefined
  // guard: volume-held
  const held =
    jobsHolding(cluster, buffer).length > 0 || /* guard: volume-mounted */ hostsToUnmount(cluster, buffer).length > 0
  return held && !wasToldToGo(cluster, buffer) ? 'started' : 'absent'
}

/** Not taken back either, when a lost host returns that has it mounted: its bricks may be wiped by now. */
function wasToldToGo(cluster: Cluster, buffer: BufferDocument): boolean {
  return buffer.bricks.some(({ host }) => {
    const told = cluster.desired.volume.get(hostKey(host, buffer.volume))
    return told?.buffer.id === buffer.id && told.wanted === 'absent'
  })
}
