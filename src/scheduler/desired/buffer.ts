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
  // Told before the buffer counts as built, so that none that does is ever formatted again: not even where nobody lived to tell it.
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
      ...(buffer.dataPlane === undefined ? {} : { dataPlane: buffer.dataPlane }),
      // guard: wipe-kept
      ...(buffer.wipe === undefined ? {} : { wipe: buffer.wipe }),
      wanted,
    },
  }
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
