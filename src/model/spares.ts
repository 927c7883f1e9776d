import { volumeRoot } from './access.js'
import { type Cluster, hostKey } from './cluster.js'
import type { DesiredBrick, Spare } from './documents/brick.js'
import type { BufferDocument } from './documents/buffer.js'
import { knowsField } from './levels.js'

/*
 * A spare is a brick that no buffer has yet. Its document is the desired document of its device: there is one key for a device, so that
 * a device is a spare or a buffer's, and never both.
 */

/** True for the document of a device that is a spare. */
export function isSpare(document: DesiredBrick | undefined): document is Spare {
  return document?.spare !== undefined
}

/** All of them, by `hostKey(host, device)`. */
export function sparesOf(cluster: Cluster): ReadonlyMap<string, Spare> {
  if (cluster.index) return cluster.index.spares
  return new Map([...cluster.desired.brick].filter((entry): entry is [string, Spare] => isSpare(entry[1])))
}

/**
 * The spare on a device, if a buffer may have it. It need not be ready: what is left to do for it is left to do for the buffer's brick,
 * which has the same uuid.
 */
export function spareToBind(
  cluster: Cluster,
  host: string,
  device: { name: string; identity: string; sizeBytes: number; pool: string },
): Spare | undefined {
  const place = hostKey(host, device.name)
  const spare = cluster.desired.brick.get(place)
  if (!isSpare(spare) || spare.wanted === 'absent' || hasProblem(cluster, place, spare)) return undefined
  const isSame =
    spare.spare === device.pool && spare.identity === device.identity && spare.sizeBytes === device.sizeBytes
  const agent = cluster.hosts.get(host)
  return isSame && (agent === undefined || knowsField(agent, 'desired/brick', 'spare')) ? spare : undefined
}

/** Its agent has reported it formatted, mounted and stamped. */
export function isSpareReady(cluster: Cluster, place: string, { uuid }: Spare): boolean {
  const observed = cluster.observed.brick.get(place)
  return observed?.uuid === uuid && observed.state === 'ready'
}

/** Why its agent has given it up. */
export function problemOfSpare(cluster: Cluster, place: string, { uuid }: Spare): string | undefined {
  const observed = cluster.observed.brick.get(place)
  return observed?.uuid === uuid && observed.problem?.terminal === true ? observed.problem.message : undefined
}

function hasProblem(cluster: Cluster, place: string, spare: Spare): boolean {
  return problemOfSpare(cluster, place, spare) !== undefined
}

/** The spare's document when that buffer has it: the brick's uuid stays, and so what is on the disk. `name`: the buffer's key. */
export function boundBrick(spare: Spare, buffer: BufferDocument, name: string): Omit<DesiredBrick, 'fence'> {
  const { device, identity, sizeBytes, uuid } = spare
  const { id, directory, dataPlane, wipe } = buffer
  return {
    ...({ v: 1, kind: 'brick', buffer: { id, name }, device, identity, sizeBytes, uuid, directory } as const),
    ...volumeRoot(buffer),
    ...(dataPlane === undefined ? {} : { dataPlane }),
    ...(wipe === undefined ? {} : { wipe }),
    wanted: 'present',
  }
}
