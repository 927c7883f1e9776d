/*
 * What should each host do now? The order between hosts is decided only here, from the cluster alone, again in each round:
 *
 *   present   bricks → (all ready) volume → (all online) built: the mount command is published, jobs may mount
 *   absent    (no job uses it, alive hosts have unmounted) volume → (nothing serves it) bricks → (all wiped) document
 *
 * A transfer is scanned on one host, copied by all hosts of its buffer, and finished on the first (desired/transfers.ts); a volume
 * stays until no host copies.
 *
 * A brick that cannot be created is replaced until the buffer is built for the first time; after that no brick is taken from it.
 */
import type { Cluster } from '../../model/cluster.js'
import type { DesiredRecord } from '../../model/desiredRecord.js'
import type { BufferDocument } from '../../model/documents/buffer.js'
import type { SchedulerConfig } from '../config.js'
import { type DataPlane, dataPlaneOf } from '../dataplane/index.js'
import type { SessionSettings } from './session.js'

/** The settings of the scheduler that affect what hosts should hold. */
export type DesiredSettings = SessionSettings & Pick<SchedulerConfig, 'pools'>

export { desiredOfBuffer, prepareBuffer } from './buffer.js'
export { transitionOfBuffer, type Transition, type TransitionContext } from './bufferTransitions.js'
export { desiredOfSession, prepareSession, transitionOfSession, mountPath, type SessionSettings } from './session.js'
export { countsOf, failuresOf, partOf } from './transferReports.js'
export { desiredTransfers } from './transfers.js'
export { waitsOf } from './transferWaits.js'

type Pools = DesiredSettings['pools']
type IsStorageHost = (host: string) => boolean

/** What storage hosts must know about each other, for the data planes of these pools and of existing buffers. */
export function desiredPeers(cluster: Cluster, pools: Pools, isStorageHost: IsStorageHost): DesiredRecord[] {
  return planesIn(cluster, pools).flatMap((plane) => plane.desiredPeers(cluster, isStorageHost))
}

/** Why they do not come to know each other. */
export function problemsOfPeers(cluster: Cluster, pools: Pools, isStorageHost: IsStorageHost): string[] {
  return planesIn(cluster, pools).flatMap((plane) => plane.problemsOfPeers(cluster, isStorageHost))
}

function planesIn({ buffers }: Cluster, pools: Pools): DataPlane[] {
  const used = new Set<DataPlane>()
  for (const made of Object.values(pools)) used.add(dataPlaneOf(made))
  for (const made of buffers.values()) used.add(dataPlaneOf(made))
  return [...used]
}

/** The command that mounts a buffer by hand, from when it is built until it is deleted. */
export function mountpointOf(buffer: BufferDocument): string | undefined {
  return dataPlaneOf(buffer).mountCommand(buffer)
}
