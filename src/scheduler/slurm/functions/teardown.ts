import { teardown as decideTeardown } from '../../admission/index.js'
import { teardownProgress } from '../../progress.js'
import { need } from './arguments.js'
import * as messages from './messages.js'
import { SlurmFailure } from './slurmFailure.js'
import type { SlurmFunction } from './context.js'
import { TimedCall } from './timedCall.js'

/** Slurm repeats it forever until it succeeds or the answer says that there is no such token. */
export const teardown: SlurmFunction = async (deps, given) => {
  const token = need(given, 'token')
  const call = new TimedCall(deps, deps.config.waitSeconds.teardown)
  const { hurry } = given
  return deps.inFlightSetups.runTeardown(token, async (ticket) => {
    const leaving = await call.commitWithRetries((cluster) => {
      if (ticket.isOvertaken) return { refused: messages.setUpAgain(token) }
      const decision = decideTeardown(cluster, { token, hurry })
      // Marked within the decision: decisions run one after the other, so either this one sees a setup, or the setup sees the mark.
      if (!('refused' in decision)) ticket.decided()
      return decision
    })
    if (leaving.state === 'unknown') throw new SlurmFailure(messages.tokenNotFound(token))
    await call.waitUntilDone(token, (cluster) => teardownProgress(cluster, token, leaving.sessionId))
    return ''
  })
}
