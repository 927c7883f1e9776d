import { z } from 'zod'
import type { Log } from '../../daemon/log.js'
import type { CreateBody, StatusView } from '../../model/api.js'
import type { Cluster } from '../../model/cluster.js'
import type { EventDocument } from '../../model/documents/event.js'
import { quote } from '../../model/names.js'
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
import { adoptProgress, ended } from '../progress.js'
import { groupToShareWith } from '../users/permissions.js'
import { problemWithPersistentAccess } from '../slurm/script/accessModes.js'
import type { RateOf } from './transferRates.js'
import type { SlurmMeans } from '../slurm/functions/context.js'
import { bufferDetail, buffersView, devicesView, hostsView, nearNames, statusView } from './views.js'
import { answer, commit, Failure, parse } from './calls.js'
import { recoveryRoutes } from './recoveryRoutes.js'
import type { Request, Route } from '../http/server.js'
import { shownState } from './shownState.js'
import { type Shown, Watchers } from './watch.js'

export interface OperatorMeans extends SlurmMeans {
  log: Log
  lookAgain(): void
  schedulerState(): StatusView['scheduler']
  /** What the scheduler itself cannot do at the moment, in words. */
  ownProblems(): string[]
  etcdUsage: EtcdUsage
  /** A buffer's events, oldest first. */
  timelineOf(name: string): Promise<EventDocument[]>
  rateOf: RateOf
}

const createBody = z.strictObject({
  name: z.string(),
  bytes: z.int().positive(),
  pool: z.string().optional(),
  uid: z.int().nonnegative(),
  access: z.string(),
  group: z.string().optional(),
}) satisfies z.ZodType<CreateBody>

const cordonBody = z.strictObject({ who: z.string().max(100), why: z.string().min(1).max(500) })
const whoBody = z.strictObject({ who: z.string().max(100) })
const transferActions = { cancel: cancelTransfers, retry: retryTransfers, drop: dropTransfers }
const adoptWaitMs = 900_000

/** The operators' calls: JSON both ways. Whoever may open the socket may make them: root and the slurm group. */
export function operatorRoutes(means: OperatorMeans): Route[] {
  const { core, config } = means
  const status = () =>
    statusView(core.cluster, config, means.schedulerState(), means.etcdUsage.view(), means.ownProblems())
  const freshStatus = async () => {
    await means.etcdUsage.refresh()
    return status()
  }
  const detail = async (name: string) => {
    const buffer = core.cluster.buffers.get(name)
    if (!buffer) throw notFound(core.cluster, name)
    const timeline = await means.timelineOf(name)
    return bufferDetail(core.cluster, core.cluster.buffers.get(name) ?? buffer, timeline, means.rateOf)
  }
  const routes: [Route['method'], RegExp, (request: Request) => Promise<object> | object][] = [
    ['GET', /^\/v1\/status$/, freshStatus],
    ['GET', /^\/v1\/hosts$/, () => hostsView(core.cluster)],
    ['GET', /^\/v1\/devices$/, () => devicesView(core.cluster, config)],
    [
      'GET',
      /^\/v1\/sessions$/,
      () => [...core.cluster.sessions.values()].map(({ token, stage }) => ({ token, stage: shownState(stage) })),
    ],
    ['GET', /^\/v1\/explain\/([^/]+)$/, ({ parts }) => explain(core.cluster, means.room, parts[0]!)],
    ['GET', /^\/v1\/buffers$/, () => buffersView(core.cluster)],
    ['GET', /^\/v1\/buffers\/([^/]+)$/, ({ parts }) => detail(parts[0]!)],
    ['POST', /^\/v1\/buffers$/, (request) => create(means, parse(request.body, createBody))],
    [
      'DELETE',
      /^\/v1\/buffers\/([^/]+)$/,
      async ({ parts, query }) => {
        const name = parts[0]!
        const force = query.get('force') === 'true'
        const leaving = await commit(core, (cluster) => destroy(cluster, { token: name, force }))
        if (leaving.state === 'unknown') throw notFound(core.cluster, name)
        if (leaving.state === 'used')
          throw new Failure(409, { error: leaving.reason, refused: true, usedBy: leaving.jobs })
        return leaving
      },
    ],
    [
      'PUT',
      /^\/v1\/cordons\/([^/]+)(?:\/([^/]+))?$/,
      async ({ parts, body }) => {
        const { who, why } = parse(body, cordonBody)
        const tools = { config, now: means.clock.unixSeconds(), newUuid: means.newUuid }
        return commit(core, (cluster) => cordon(cluster, { ...place(parts), who, why }, tools))
      },
    ],
    [
      'DELETE',
      /^\/v1\/cordons\/([^/]+)(?:\/([^/]+))?$/,
      ({ parts }) => commit(core, (cluster) => uncordon(cluster, place(parts))),
    ],
    [
      'POST',
      /^\/v1\/transfers\/([^/]+)\/(cancel|retry|drop)$/,
      ({ parts, body }) => {
        const [token, action] = parts as [string, keyof typeof transferActions]
        const { who } = parse(body, whoBody)
        const request = { token, who, now: means.clock.unixSeconds() }
        return commit(core, (cluster) => transferActions[action](cluster, request))
      },
    ],
    [
      'POST',
      /^\/v1\/adopt\/([^/]+)\/([^/]+)$/,
      async ({ parts, body }) => {
        const [host, device] = parts as [string, string]
        const { who } = parse(body, whoBody)
        await commit(core, (cluster) =>
          adopt(cluster, { host, device, who }, { now: means.clock.unixSeconds(), config }),
        )
        const end = await core.waitFor((cluster) => ended(adoptProgress(cluster, host, device)), adoptWaitMs)
        if (end?.state === 'failed') throw new Failure(409, { error: end.reason, refused: true })
        if (!end) throw new Failure(504, { error: `${host}/${device} is still being wiped`, refused: false })
        return {}
      },
    ],
  ]
  return [
    ...recoveryRoutes(means),
    ...routes.map(([method, pattern, handle]): Route => ({
      method,
      pattern,
      handle: (request) => answer(() => handle(request)),
    })),
    watchRoute(means, status),
  ]
}

async function create(means: OperatorMeans, body: CreateBody): Promise<object> {
  const problem = problemWithPersistentAccess(body.access)
  if (problem !== undefined) throw new Failure(409, { error: problem, refused: true })
  const account = await means.lookUp(body.uid)
  if (!account)
    throw new Failure(409, { error: `there is no user with the id ${body.uid} on the scheduler's host`, refused: true })
  const { name, bytes, uid, pool } = body
  const tools = {
    config: means.config,
    now: means.clock.unixSeconds(),
    newUuid: means.newUuid,
    leftFor: means.room.leftFor,
  }
  const shared = body.group === undefined ? undefined : await groupToShareWith(means, uid, body.group)
  if (shared && 'refused' in shared) throw new Failure(409, { error: shared.refused, refused: true })
  const sharing = shared ? { sharedGid: shared.gid } : {}
  const request = { name, uid, gid: account.gid, pool, bytes, access: ['striped' as const], ...sharing }
  const admission = await commit(means.core, (cluster) => createPersistent(cluster, request, tools))
  if (admission.state === 'no-room') throw new Failure(409, { error: admission.reason, refused: true })
  if (admission.state === 'leaving') {
    throw new Failure(409, {
      error: `the earlier ${quote(name)} is still being removed; it waits for ${admission.waitingFor.join('; ')}`,
      refused: true,
    })
  }
  return admission
}

/** The whole cluster is costly to show where it is large: all who watch it share what is shown. */
const clusterPauseMs = 1_000
const bufferPauseMs = 250

/** Of the cluster, or of one buffer until it is gone. */
function watchRoute(means: OperatorMeans, status: () => object): Route {
  const { core, clock } = means
  const watchers = new Watchers(means)
  let changes = 0
  core.onChange(() => changes++)
  let shown: { line: string; changes: number; atMs: number } | undefined
  const cluster = (): Promise<Shown> => {
    if (!shown || (shown.changes !== changes && clock.monotonicMs() - shown.atMs >= clusterPauseMs)) {
      const line = JSON.stringify({ status: status(), buffers: buffersView(core.cluster) })
      shown = { line, changes, atMs: clock.monotonicMs() }
    }
    return Promise.resolve({ line: shown.line, isOld: shown.changes !== changes })
  }
  const buffer = async (name: string): Promise<Shown> => {
    const timeline = await means.timelineOf(name).catch(() => [])
    const found = core.cluster.buffers.get(name)
    if (!found) return { line: JSON.stringify({ name, gone: true }), isLast: true }
    return { line: JSON.stringify(bufferDetail(core.cluster, found, timeline, means.rateOf)) }
  }
  return {
    method: 'GET',
    pattern: /^\/v1\/watch$/,
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

function notFound(cluster: Cluster, name: string): Failure {
  return new Failure(404, {
    error: `there is no buffer ${quote(name)}`,
    refused: true,
    suggestions: nearNames(cluster.buffers.keys(), name),
  })
}

function place(parts: string[]): { host: string; device?: string } {
  const [host, device] = parts
  return { host: host!, ...(device === undefined || device === '' ? {} : { device }) }
}
