import { volumeRoot } from '../../model/access.js'
import { hostsToUnmount, isReady, jobsHolding } from '../../model/buffers.js'
import { isReplaced, isUnserved, isVolumeStopped, wasBegun } from '../../model/volumes.js'
import { hostKey, bufferKey, type Cluster } from '../../model/cluster.js'
import { isComplete } from '../../model/phase.js'
import type { DesiredRecord } from '../../model/desiredRecord.js'
import type { BufferDocument, PlacedBrick } from '../../model/documents/buffer.js'
import { type ClientSettings, dataPlaneOf } from '../dataplane/index.js'

/** What every storage host should hold of this buffer now. */
export function desiredOfBuffer(cluster: Cluster, buffer: BufferDocument, settings: ClientSettings): DesiredRecord[] {
  const name = bufferKey(cluster, buffer)
  const formerStopped = buffer.formerVolumes.every(({ volume }) => isVolumeStopped(cluster, buffer, volume))
  // Agents are told before the buffer counts as built, so that no brick of a built buffer is formatted again, even if the scheduler dies.
  const isBuilt = buffer.builtAt !== undefined || isComplete(cluster, buffer)
  const leaves = (brick: PlacedBrick) =>
    formerStopped &&
    /* guard: buffer-absent */ buffer.wanted === 'absent' &&
    /* guard: volume-stopped */ isUnserved(cluster, buffer, brick)
  return [
    ...buffer.bricks.map((brick) => desiredBrick(cluster, buffer, name, brick, { mayLeave: leaves(brick), isBuilt })),
    ...buffer.released.map((brick) =>
      desiredBrick(cluster, buffer, name, brick, {
        mayLeave: formerStopped && isReplaced(cluster, buffer, brick),
        isBuilt: false,
      }),
    ),
    ...dataPlaneOf(buffer).desiredVolumes(cluster, buffer, { name, wanted: volumeWanted(cluster, buffer), settings }),
  ]
}

/** Before hosts are told of the buffer: makes what takes time, in short pieces. */
export function prepareBuffer(cluster: Cluster, buffer: BufferDocument): Iterable<void> {
  return dataPlaneOf(buffer).prepare(cluster, buffer, [])
}

function desiredBrick(
  cluster: Cluster,
  buffer: BufferDocument,
  name: string,
  brick: PlacedBrick,
  { mayLeave, isBuilt }: { mayLeave: boolean; isBuilt: boolean },
): DesiredRecord {
  const { host, device, identity, sizeBytes, uuid } = brick
  // Never taken back: its agent may be wiping. The state of the volume may go back when its primary changes.
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
      ...(buffer.dataPlane === undefined ? {} : { dataPlane: buffer.dataPlane }),
      // guard: wipe-kept
      ...(buffer.wipe === undefined ? {} : { wipe: buffer.wipe }),
      wanted,
    },
  }
}

/** undefined when the volume is not wanted yet, or was never begun. It stays wanted when a brick has a problem. */
function volumeWanted(cluster: Cluster, buffer: BufferDocument): 'started' | 'absent' | undefined {
  if (buffer.wanted === 'present') {
    const complete = buffer.bricks.every((brick) => isReady(cluster, buffer, brick))
    const begins = complete || (dataPlaneOf(buffer).servesBricksByThemselves && buffer.failure === undefined)
    return begins || wasBegun(cluster, buffer) ? 'started' : undefined
  }
  if (!wasBegun(cluster, buffer)) return undefined
  // guard: volume-held
  const held =
    jobsHolding(cluster, buffer).length > 0 || /* guard: volume-mounted */ hostsToUnmount(cluster, buffer).length > 0
  return held && !wasToldToGo(cluster, buffer) ? 'started' : 'absent'
}

/** Never taken back either, for example when a lost host returns with it mounted: its bricks may be wiped by now. */
function wasToldToGo(cluster: Cluster, buffer: BufferDocument): boolean {
  return buffer.bricks.some(({ host }) => {
    const told = cluster.desired.volume.get(hostKey(host, buffer.volume))
    return told?.buffer.id === buffer.id && told.wanted === 'absent'
  })
}
