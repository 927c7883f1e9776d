import type { StageDirection } from '../../../model/documents/stageLine.js'
import { beginStaging, stagedIn, stagedOut } from '../../admission/index.js'
import { transferProgress } from '../../progress.js'
import { type Arguments, need } from './arguments.js'
import type { SlurmFunction, SlurmMeans } from './context.js'
import { TimedCall } from './timedCall.js'

export const dataIn: SlurmFunction = (means, given) => stage(means, given, 'in')

export const dataOut: SlurmFunction = (means, given) => stage(means, given, 'out')

/** The session's stage lines, as they were at setup. slurmctld waits for a day. */
async function stage(means: SlurmMeans, given: Arguments, direction: StageDirection): Promise<string> {
  const token = need(given, 'token')
  const { stageIn, stageOut } = means.config.waitSeconds
  const call = new TimedCall(means, direction === 'in' ? stageIn : stageOut)
  const { sessionId } = await call.commitWithRetries((cluster) => beginStaging(cluster, { token, direction }))
  await call.waitUntilDone((cluster) => transferProgress(cluster, token, sessionId, direction))
  const decide = direction === 'in' ? stagedIn : stagedOut
  await call.commitWithRetries((cluster) => decide(cluster, { token }))
  return ''
}
