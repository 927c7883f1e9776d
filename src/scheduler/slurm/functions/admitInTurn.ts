import type { Cluster } from '../../../model/cluster.js'
import type { Admission, AdmissionContext } from '../../admission/index.js'
import type { Decision } from '../../commit/decision.js'
import type { QueuePlace } from '../../placement/capacityQueue.js'
import { mayStart } from '../../progress.js'
import * as messages from './messages.js'
import { SlurmFailure } from './slurmFailure.js'
import type { SetupTicket } from './inFlightSetups.js'
import type { TimedCall } from './timedCall.js'

/** Waits until an earlier session of that name is removed and devices are free. Fails when the token is torn down. */
export async function admitInTurn(
  call: TimedCall,
  token: string,
  ticket: SetupTicket,
  decide: (cluster: Cluster, context: AdmissionContext) => Decision<Admission>,
): Promise<{ sessionId: number }> {
  const { config, clock, decisions, newUuid, capacityQueue } = call.deps
  let place: QueuePlace | undefined
  try {
    for (;;) {
      const { leftFor } = place ?? capacityQueue
      const context = { config, now: clock.unixSeconds(), newUuid, leftFor }
      const admission = await call.commitWithRetries((cluster) => {
        const refused = ticket.whyCancelled()
        return refused === undefined ? decide(cluster, context) : { refused }
      })
      if (admission.state === 'admitted') return admission
      if (admission.state === 'no-room') {
        place ??= capacityQueue.join(token, admission.claim, call.leftMs)
        const isCancelled = ticket.cancelled.then(() => true)
        if (!(await Promise.race([isCancelled, place.untilCapacity(call.leftMs)])))
          throw new SlurmFailure(messages.noRoomInTime(admission.reason))
        continue
      }
      const isGone = (cluster: Cluster) => mayStart(cluster, token) || undefined
      const gone = await decisions.waitFor(isGone, call.leftMs, token)
      if (!gone) throw new SlurmFailure(messages.stillBeingRemoved(token, admission.waitingFor))
    }
  } finally {
    place?.leave()
  }
}
