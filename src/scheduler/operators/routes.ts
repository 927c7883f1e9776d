import { inSlices, type Work } from '../../daemon/slices.js'
import type { Log } from '../../daemon/log.js'
import type { StatusView } from '../../model/api.js'
import type { Cluster } from '../../model/cluster.js'
import type { EventDocument } from '../../model/documents/event.js'
import type { Answer, Body } from '../../model/operations.js'
import {
  adopt,
  cancelTransfers,
  cordon,
  createPersistent,
  destroy,
  dropTransfers,
  retryTransfers,
  uncordon,
} from '../admission/index.js'
import type { EtcdUsage } from './etcdUsage.js'
import { explain } from './explain.js'
import { adoptProgress, settled } from '../progress.js'
import { groupToShareWith } from '../users/permissions.js'
import { noUser } from '../users/messages.js'
import { stillBeingRemoved } from '../slurm/functions/messages.js'
import { problemWithPersistentAccess } from '../slurm/script/accessModes.js'
import type { RateOf } from './transferRates.js'
import type { SlurmDependencies } from '../slurm/functions/context.js'
import { bufferDetail, buffersView } from './bufferViews.js'
import { devicesView } from './deviceViews.js'
import { hostsView } from './hostViews.js'
import * as messages from './messages.js'
import { nearNames } from './nearNames.js'
import { statusView } from './statusView.js'
import { commitOrFail, CallFailure } from './calls.js'
import { placeOf, routeOf } from './operationRoute.js'
import { recoveryRoutes } from './recoveryRoutes.js'
import type { Route } from '../http/server.js'
import { shownStage } from './shownState.js'
import { type Shown, Watchers } from './watch.js'

export interface OperatorDependencies extends SlurmDependencies {
  log: Log
  resync(): void
  schedulerState(): StatusView['scheduler']
  /** Problems of the scheduler itself, in words. */
  ownProblems(): string[]
  etcdUsage: EtcdUsage
  /** A buffer's events, oldest first. */
  timelineOf(name: string): Promise<EventDocument[]>
  rateOf: RateOf
}

const transferActions = { cancelTransfers, retryTransfers, dropTransfers }
const adoptWaitMs = 900_000

/** The operators' calls, with JSON in requests and answers. Root and the slurm group may open the socket, and so make them. */
export function operatorRoutes(deps: OperatorDependencies): Route[] {
  const { decisions, config } = deps
  const show = <T>(work: Work<T>) => inSlices(deps.clock, work)
  const status = () =>
    show(statusView(decisions.cluster, config, deps.schedulerState(), deps.etcdUsage.view(), deps.ownProblems()))
  const freshStatus = async () => {
    await deps.etcdUsage.refresh()
    return status()
  }
  const detail = async (name: string) => {
    const buffer = decisions.cluster.buffers.get(name)
    if (!buffer) throw notFound(decisions.cluster, name)
    const timeline = await deps.timelineOf(name)
    return bufferDetail(decisions.cluster, decisions.cluster.buffers.get(name) ?? buffer, timeline, deps.rateOf)
  }
  const transferRoute = (name: keyof typeof transferActions) =>
    routeOf(name, ({ path, body }) => {
      const request = { token: path.token, who: body.who, now: deps.clock.unixSeconds() }
      return commitOrFail(decisions, (cluster) => transferActions[name](cluster, request))
    })
  const putCordon = (place: Place, { who, why }: Body<'cordonHost'>) => {
    const context = { config, now: deps.clock.unixSeconds(), newUuid: deps.newUuid }
    return commitOrFail(decisions, (cluster) => cordon(cluster, { ...place, who, why }, context))
  }
  const liftCordon = (place: Place) => commitOrFail(decisions, (cluster) => uncordon(cluster, place))
  return [
    ...recoveryRoutes(deps),
    routeOf('showStatus', freshStatus),
    routeOf('listHosts', () => show(hostsView(decisions.cluster))),
    routeOf('listDevices', () => show(devicesView(decisions.cluster, config))),
    routeOf('listSessions', () =>
      [...decisions.cluster.sessions.values()].map(({ token, stage }) => ({ token, stage: shownStage(stage) })),
    ),
    routeOf('explain', ({ path }) => explain(decisions.cluster, deps.capacityQueue, path.name)),
    routeOf('listBuffers', () => show(buffersView(decisions.cluster))),
    routeOf('showBuffer', ({ path }) => detail(path.name)),
    routeOf('createBuffer', ({ body }) => create(deps, body)),
    routeOf('destroyBuffer', async ({ path: { name }, query }) => {
      const force = query.get('force') === 'true'
      const leaving = await commitOrFail(decisions, (cluster) => destroy(cluster, { token: name, force }))
      if (leaving.state === 'unknown') throw notFound(decisions.cluster, name)
      if (leaving.state === 'used')
        throw new CallFailure(409, { error: leaving.reason, refused: true, usedBy: leaving.jobs })
      return leaving
    }),
    routeOf('cordonHost', ({ path, body }) => putCordon(path, body)),
    routeOf('cordonDevice', ({ path, body }) => putCordon(path, body)),
    routeOf('uncordonHost', ({ path }) => liftCordon(path)),
    routeOf('uncordonDevice', ({ path }) => liftCordon(path)),
    transferRoute('cancelTransfers'),
    transferRoute('retryTransfers'),
    transferRoute('dropTransfers'),
    routeOf('adoptDevice', async ({ path: { host, device }, body: { who } }) => {
      await commitOrFail(decisions, (cluster) =>
        adopt(cluster, { host, device, who }, { now: deps.clock.unixSeconds(), config }),
      )
      const end = await decisions.waitFor((cluster) => settled(adoptProgress(cluster, host, device)), adoptWaitMs)
      if (end?.state === 'failed') throw new CallFailure(409, { error: end.reason, refused: true })
      if (!end) throw new CallFailure(504, { error: messages.stillWiping(`${host}/${device}`), refused: false })
      return {}
    }),
    watchRoute(deps, status),
  ]
}

interface Place {
  host: string
  device?: string
}

async function create(deps: OperatorDependencies, body: Body<'createBuffer'>): Promise<Answer<'createBuffer'>> {
  const problem = problemWithPersistentAccess(body.access)
  if (problem !== undefined) throw new CallFailure(409, { error: problem, refused: true })
  const account = await deps.lookUp(body.uid)
  if (!account) throw new CallFailure(409, { error: noUser(body.uid), refused: true })
  const { name, bytes, uid, pool } = body
  const context = {
    config: deps.config,
    now: deps.clock.unixSeconds(),
    newUuid: deps.newUuid,
    leftFor: deps.capacityQueue.leftFor,
  }
  const shared = body.group === undefined ? undefined : await groupToShareWith(deps, uid, body.group)
  if (shared && 'refused' in shared) throw new CallFailure(409, { error: shared.refused, refused: true })
  const sharing = shared ? { sharedGid: shared.gid } : {}
  const request = { name, uid, gid: account.gid, pool, bytes, access: ['striped' as const], ...sharing }
  const admission = await commitOrFail(deps.decisions, (cluster) => createPersistent(cluster, request, context))
  if (admission.state === 'no-room') throw new CallFailure(409, { error: admission.reason, refused: true })
  if (admission.state === 'leaving') {
    throw new CallFailure(409, {
      error: stillBeingRemoved(name, admission.waitingFor),
      refused: true,
    })
  }
  return admission
}

/** Showing a large cluster is costly, so all who watch it share one answer, and it is made anew after many times its own time. */
const clusterPauseMs = 1_000
const pausePerMs = 20
const bufferPauseMs = 250

/** Watches the cluster, or one buffer until it is gone. */
function watchRoute(deps: OperatorDependencies, status: () => Promise<object>): Route {
  const { decisions, clock } = deps
  const watchers = new Watchers(deps)
  let changes = 0
  decisions.onChange(() => changes++)
  let shown: { line: string; changes: number; againAtMs: number } | undefined
  let making: Promise<void> | undefined
  const make = async () => {
    const [start, before] = [clock.monotonicMs(), changes]
    const line = JSON.stringify({
      status: await status(),
      buffers: await inSlices(clock, buffersView(decisions.cluster)),
    })
    const end = clock.monotonicMs()
    shown = { line, changes: before, againAtMs: end + Math.max(clusterPauseMs, pausePerMs * (end - start)) }
  }
  const cluster = async (): Promise<Shown> => {
    if (!shown || (shown.changes !== changes && clock.monotonicMs() >= shown.againAtMs)) {
      making ??= make().finally(() => (making = undefined))
      await making
    }
    return { line: shown!.line, isOld: shown!.changes !== changes }
  }
  const buffer = async (name: string): Promise<Shown> => {
    const timeline = await deps.timelineOf(name).catch(() => [])
    const found = decisions.cluster.buffers.get(name)
    if (!found) return { line: JSON.stringify({ name, gone: true }), isLast: true }
    return { line: JSON.stringify(bufferDetail(decisions.cluster, found, timeline, deps.rateOf)) }
  }
  return {
    ...placeOf('watch'),
    handle: ({ query, onGone }) => {
      const name = query.get('name')
      const reply =
        name === null
          ? watchers.open(cluster, clusterPauseMs, onGone)
          : watchers.open(() => buffer(name), bufferPauseMs, onGone)
      return Promise.resolve(reply)
    },
  }
}

function notFound(cluster: Cluster, name: string): CallFailure {
  return new CallFailure(404, {
    error: messages.noBuffer(name),
    refused: true,
    suggestions: nearNames(cluster.buffers.keys(), name),
  })
}
