/*
 * What now, on which host? All order between hosts is decided here, from the cluster alone, each round anew:
 *
 *   present   bricks → (all ready) volume → (all online) built: the mount command is published, jobs may mount
 *   absent    (no job holds it, alive hosts have let go) volume → (nothing serves it) bricks → (all wiped) document
 *
 * A transfer is scanned on one host, copied by all hosts of its buffer, and finished on the first (desired/transfers.ts); a volume
 * stays until no host copies.
 *
 * A brick that cannot be formed is replaced as long as the buffer was never built; later nothing is ever taken from it.
 */
import type { Cluster } from '../../model/cluster.js'
import type { DesiredRecord } from '../../model/desiredRecord.js'
import type { BufferDocument } from '../../model/documents/buffer.js'
import type { SchedulerConfig } from '../config.js'
import { type DataPlane, dataPlaneOf } from '../dataplane/index.js'
import type { SessionSettings } from './session.js'

/** What of the scheduler's settings says what hosts should hold. */
export type DesiredSettings = SessionSettings & Pick<SchedulerConfig, 'pools'>

export { desiredOfBuffer } from './buffer.js'
export { transitionOfBuffer, type Transition, type TransitionContext } from './bufferTransitions.js'
export { desiredOfSession, transitionOfSession, mountPath, type SessionSettings } from './session.js'
export { countsOf, failuresOf, partOf } from './transferReports.js'
export { desiredTransfers } from './transfers.js'
export { waitsOf } from './transferWaits.js'

/** What storage hosts must know of one another, for the data planes of these pools and of the buffers that there are. */
export function desiredPeers(cluster: Cluster, pools: DesiredSettings['pools']): DesiredRecord[] {
  const used = new Set<DataPlane>()
  for (const made of [...Object.values(pools), ...cluster.buffers.values()]) used.add(dataPlaneOf(made))
  return [...used].flatMap((plane) => plane.desiredPeers(cluster))
}

/** The command that mounts a buffer by hand, once it was built and until it leaves. */
export function mountpointOf(buffer: BufferDocument): string | undefined {
  return dataPlaneOf(buffer).mountCommand(buffer)
}
