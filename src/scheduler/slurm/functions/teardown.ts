import { quote } from '../../../model/names.js'
import { teardown as decideTeardown } from '../../admission/index.js'
import { teardownProgress } from '../../progress.js'
import { need } from './arguments.js'
import { SlurmFailure } from './slurmFailure.js'
import type { SlurmFunction } from './context.js'
import { TimedCall } from './timedCall.js'

/** Retried for ever by Slurm unless it hears that there is no such token. */
export const teardown: SlurmFunction = async (deps, given) => {
  const token = need(given, 'token')
  const call = new TimedCall(deps, deps.config.waitSeconds.teardown)
  const { hurry } = given
  return deps.inFlightSetups.runTeardown(token, async (ticket) => {
    const leaving = await call.commitWithRetries((cluster) => {
      if (ticket.isOvertaken) return { refused: `${quote(token)} was set up again after this call had come` }
      const decision = decideTeardown(cluster, { token, hurry })
      // Said where it is decided: decisions come one after the other, so that a setup is either seen here, or sees this.
      if (!('refused' in decision)) ticket.decided()
      return decision
    })
    if (leaving.state === 'unknown') throw new SlurmFailure(`token not found: ${quote(token)}`)
    await call.waitUntilDone((cluster) => teardownProgress(cluster, token, leaving.sessionId))
    return ''
  })
}
