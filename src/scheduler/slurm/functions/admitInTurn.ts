import type { Cluster } from '../../../model/cluster.js'
import { quote } from '../../../model/names.js'
import type { Admission, AdmissionContext } from '../../admission/index.js'
import type { Decision } from '../../commit/decision.js'
import type { QueuePlace } from '../../placement/capacityQueue.js'
import { mayStart } from '../../progress.js'
import { SlurmFailure } from './slurmFailure.js'
import type { SetupTicket } from './inFlightSetups.js'
import type { TimedCall } from './timedCall.js'

/** Decides until an earlier session of that name is out of the way and devices are free, or the token was torn down. */
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
          throw new SlurmFailure(`${admission.reason}, and no more came free within the time of this call`)
        continue
      }
      const gone = await decisions.waitFor((cluster) => (mayStart(cluster, token) ? true : undefined), call.leftMs)
      if (!gone)
        throw new SlurmFailure(
          `the earlier ${quote(token)} is still being removed; it waits for ${admission.waitingFor.join('; ')}`,
        )
    }
  } finally {
    place?.leave()
  }
}
