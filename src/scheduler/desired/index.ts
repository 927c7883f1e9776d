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
import { dataPlaneOf, dataPlanes } from '../dataplane/index.js'

export { desiredOfBuffer } from './buffer.js'
export { transitionOfBuffer, type Transition, type TransitionContext } from './bufferTransitions.js'
export { desiredOfSession, transitionOfSession, mountPath, type SessionSettings } from './session.js'
export { countsOf, failuresOf, partOf } from './transferReports.js'
export { desiredTransfers } from './transfers.js'
export { waitsOf } from './transferWaits.js'

export function desiredPeers(cluster: Cluster): DesiredRecord[] {
  return dataPlanes.flatMap((plane) => plane.desiredPeers(cluster))
}

/** The command that mounts a buffer by hand, once it was built and until it leaves. */
export function mountpointOf(buffer: BufferDocument): string | undefined {
  return dataPlaneOf(buffer).mountCommand(buffer)
}
