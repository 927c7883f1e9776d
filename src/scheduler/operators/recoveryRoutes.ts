import type { RestoreView } from '../../model/api.js'
import { backupFile, backupOf, restoreStep } from './backup.js'
import type { Clock } from '../../daemon/clock.js'
import { teardown } from '../admission/index.js'
import { checkCluster, sessionsToEnd } from './consistencyCheck.js'
import type { SchedulerConfig } from '../config.js'
import type { DecisionStore } from '../commit/decision.js'
import { answer, commitOrFail, CallFailure, parse } from './calls.js'
import { repairOnLeader } from './messages.js'
import { placeOf, routeOf } from './operationRoute.js'
import type { Route } from '../http/server.js'

export interface RecoveryDependencies {
  decisions: DecisionStore
  clock: Clock
  config: SchedulerConfig
  /** Derives and compares everything again. */
  resync(): void
}

/** The calls for check and repair, backup and restore. */
export function recoveryRoutes({ decisions, clock, config, resync }: RecoveryDependencies): Route[] {
  const backup = () => {
    const made = backupOf(decisions.cluster, clock.unixSeconds())
    if ('refused' in made) throw new CallFailure(409, { error: made.refused, refused: true })
    return made
  }
  const restore = async (body: string): Promise<RestoreView> => {
    const file = parse(body, backupFile)
    while ((await commitOrFail(decisions, (cluster) => restoreStep(cluster, file, clock.unixSeconds()))).left > 0);
    const { buffers, sessions, cordons } = file
    return { buffers: Object.keys(buffers).length, sessions: Object.keys(sessions).length, cordons: cordons.length }
  }
  const check = () => checkCluster(decisions.cluster, config, clock)
  const repair = async () => {
    const found = await check()
    for (const token of sessionsToEnd(decisions.cluster))
      await commitOrFail(decisions, (cluster) => teardown(cluster, { token, hurry: true }))
    if (!decisions.isLeader()) throw new CallFailure(503, { error: repairOnLeader(), refused: false })
    resync()
    return found
  }
  return [
    routeOf('check', check),
    routeOf('repair', repair),
    routeOf('backUp', backup),
    { ...placeOf('restore'), maxBodyBytes: maxRestoreBytes, handle: ({ body }) => answer(() => restore(body)) },
  ]
}

/** Enough for ten thousand buffers with their bricks. */
const maxRestoreBytes = 64 * 1024 * 1024
