import { admitJob, shareBuffer } from '../../admission/index.js'
import { setupProgress } from '../../progress.js'
import type { Reader } from '../../users/pathAccess.js'
import { groupToShareWith } from '../../users/permissions.js'
import { provideScript } from './splitTask.js'
import { agreedDirectives } from '../checks/agreement.js'
import { problemWithSwap } from '../checks/preflight.js'
import { isBelow, problemWithPlaces, problemWithSources, servedPaths } from '../checks/stageChecks.js'
import type { Directives } from '../script/directivesType.js'
import { inLine } from '../script/messages.js'
import { transfersFrom } from '../script/stageTransfers.js'
import { admitInTurn } from './admitInTurn.js'
import { type Arguments, capacity, need, number } from './arguments.js'
import { SlurmFailure } from './slurmFailure.js'
import type { SlurmFunction, SlurmDependencies } from './context.js'
import { readNodes, readScript } from './files.js'
import type { SetupTicket } from './inFlightSetups.js'
import * as messages from './messages.js'
import { TimedCall } from './timedCall.js'

export const setup: SlurmFunction = async (deps, given, gone) =>
  deps.inFlightSetups.runSetup({ token: need(given, 'token'), gone, owner: number(given, 'user') }, (ticket) =>
    setUpJob(deps, given, ticket),
  )

/** Read, check, share, admit, wait. */
async function setUpJob(deps: SlurmDependencies, given: Arguments, ticket: SetupTicket): Promise<string> {
  const token = need(given, 'token')
  const noScript = await provideScript(deps.slurm, token, given.job)
  if (noScript !== undefined) throw new SlurmFailure(noScript)
  const asked = { ...capacity(given), uid: number(given, 'user') }
  const directives = agreedDirectives(deps.decisions.cluster, deps.config, await readScript(given), asked)
  if ('refused' in directives) throw new SlurmFailure(directives.refused)
  const call = new TimedCall(deps, deps.config.waitSeconds.setup)
  const groups = await call.retry(() => deps.groupsOf(asked.uid))
  const problem =
    (await problemWithStages(deps, given, directives, { uid: asked.uid, groups })) ??
    problemWithSwap(deps.config, directives)
  if (problem !== undefined) throw new SlurmFailure(problem)
  await shareCreated(call, directives, asked.uid)
  const request = {
    ...asked,
    token,
    gid: number(given, 'group'),
    groups,
    ...(await wishesOf(deps, given, directives)),
  }
  const { sessionId } = await admitInTurn(call, token, ticket, (cluster, context) =>
    admitJob(cluster, request, context),
  )
  await call.waitUntilDone(token, (cluster) => setupProgress(cluster, token, sessionId))
  return ''
}

/** Checked before any disk is touched, and not again for a job that was set up. */
async function problemWithStages(
  { decisions, config, statPaths }: SlurmDependencies,
  given: Arguments,
  directives: Directives,
  reader: Reader,
): Promise<string | undefined> {
  const session = decisions.cluster.sessions.get(need(given, 'token'))
  if (directives.stages.length === 0 || (session && session.stage !== 'leaving')) return undefined
  const known = { reader, nodes: await nodesOf(given) }
  return (
    problemWithPlaces(decisions.cluster, directives.stages) ??
    problemWithSources(decisions.cluster, config, directives, statPaths, known)
  )
}

/** Shares the buffers that the job has created with the groups that its script names. */
async function shareCreated(call: TimedCall, { creates }: Pick<Directives, 'creates'>, uid: number): Promise<void> {
  for (const { name, group, line } of creates) {
    if (group === undefined) continue
    const found = await call.retry(() => groupToShareWith(call.deps, uid, group))
    if ('refused' in found) throw new SlurmFailure(inLine(line, messages.notShared(found.refused, name)))
    await call.commitWithRetries((cluster) => shareBuffer(cluster, { name, uid, gid: found.gid }))
  }
}

/** What the script requests for the job's buffers. Slurm counts swap as one slot; the real need depends on the nodes. */
async function wishesOf({ decisions }: SlurmDependencies, given: Arguments, directives: Directives) {
  const { jobdw, swap, uses } = directives
  const isServed = (path: string) => isBelow(path, servedPaths(decisions.cluster) ?? [])
  return {
    access: jobdw?.access.modes ?? (swap ? [] : ['striped' as const]),
    ...(swap ? { swap: { bytes: swap.bytes, nodes: await nodesOf(given), filesBytes: jobdw?.bytes ?? 0 } } : {}),
    clientCache: jobdw?.access.clientCache ?? {},
    uses: uses.map(({ name }) => name),
    transfers: transfersFrom(directives, { token: need(given, 'token'), isServed }),
  }
}

/** How many nodes the job has, as far as known before it runs; at least one. */
async function nodesOf({ nodeFile }: Arguments): Promise<number> {
  const nodes = nodeFile === undefined ? [] : await readNodes(nodeFile)
  return Math.max(1, new Set(nodes).size)
}
