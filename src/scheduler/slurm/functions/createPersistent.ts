import { createPersistent as admitPersistent } from '../../admission/index.js'
import { findPool } from '../../cluster/pools.js'
import { setupProgress } from '../../progress.js'
import { noUser } from '../../users/messages.js'
import { problemWithCreator } from '../../users/permissions.js'
import { problemWithPersistentAccess } from '../script/accessModes.js'
import { admitInTurn } from './admitInTurn.js'
import { type Arguments, capacity, need, number } from './arguments.js'
import { SlurmFailure } from './slurmFailure.js'
import type { SlurmFunction, SlurmDependencies } from './context.js'
import type { SetupTicket } from './inFlightSetups.js'
import * as messages from './messages.js'
import { TimedCall } from './timedCall.js'

export const createPersistent: SlurmFunction = async (deps, given, gone) =>
  deps.inFlightSetups.runSetup({ token: need(given, 'token'), gone }, (ticket) => create(deps, given, ticket))

async function create(deps: SlurmDependencies, given: Arguments, ticket: SetupTicket): Promise<string> {
  const name = need(given, 'token')
  const uid = number(given, 'user')
  const { pool, bytes } = capacity(given)
  if (given.type !== undefined && given.type !== 'scratch')
    throw new SlurmFailure(messages.typeNotSupported(given.type))
  const problem = problemWithPersistentAccess(given.access || 'striped')
  if (problem !== undefined) throw new SlurmFailure(problem)
  const found = findPool(deps.config, pool)
  if ('refused' in found) throw new SlurmFailure(found.refused)
  const call = new TimedCall(deps, deps.config.waitSeconds.setup)
  const mayNot = await call.retry(() => problemWithCreator(deps, found, uid))
  if (mayNot !== undefined) throw new SlurmFailure(mayNot)
  const account = await call.retry(() => deps.lookUp(uid))
  if (!account) throw new SlurmFailure(noUser(uid))
  const request = { name, uid, gid: account.gid, pool, bytes, access: ['striped' as const] }
  const { sessionId } = await admitInTurn(call, name, ticket, (cluster, context) =>
    admitPersistent(cluster, request, context),
  )
  await call.waitUntilDone(name, (cluster) => setupProgress(cluster, name, sessionId))
  return 'created\n'
}
