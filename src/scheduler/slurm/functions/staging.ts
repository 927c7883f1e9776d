import type { StageDirection } from '../../../model/documents/transferFields.js'
import { beginStaging, stagedIn, stagedOut } from '../../admission/index.js'
import { isTransferring, transferProgress } from '../../progress.js'
import { type Arguments, need } from './arguments.js'
import type { SlurmFunction, SlurmDependencies } from './context.js'
import { TimedCall } from './timedCall.js'

export const dataIn: SlurmFunction = (deps, given) => stage(deps, given, 'in')

export const dataOut: SlurmFunction = (deps, given) => stage(deps, given, 'out')

/** Runs the session's transfers as they were read at setup. slurmctld waits for up to a day. */
async function stage(deps: SlurmDependencies, given: Arguments, direction: StageDirection): Promise<string> {
  const token = need(given, 'token')
  const { stageIn, stageOut } = deps.config.waitSeconds
  const call = new TimedCall(deps, direction === 'in' ? stageIn : stageOut)
  const { sessionId } = await call.commitWithRetries((cluster) => beginStaging(cluster, { token, direction }))
  await call.waitUntilDone(
    token,
    (cluster) => transferProgress(cluster, token, sessionId, direction),
    (cluster) => !isTransferring(cluster, token, direction),
  )
  const decide = direction === 'in' ? stagedIn : stagedOut
  await call.commitWithRetries((cluster) => decide(cluster, { token }))
  return ''
}
