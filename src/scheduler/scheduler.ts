import { randomUUID } from 'node:crypto'
import type { Clock } from '../daemon/clock.js'
import type { Log } from '../daemon/log.js'
import { ConditionTimer, unhealthyAfterMs } from '../daemon/conditionTimer.js'
import { type EventDocument, eventDocument } from '../model/documents/event.js'
import type { SessionDocument } from '../model/documents/session.js'
import { readDocument } from '../store/documents.js'
import { keys } from '../store/keys.js'
import type { Store } from '../store/store.js'
import { HostGrace } from './cluster/hostGrace.js'
import { nameServiceUnavailable } from './users/messages.js'
import type { Accounts } from './users/accounts.js'
import { operatorRoutes } from './operators/routes.js'
import { type Route, serve } from './http/server.js'
import { shimRoutes } from './slurm/shimRoute.js'
import { Committer } from './commit/committer.js'
import type { SchedulerConfig } from './config.js'
import { etcdProblems, EtcdUsage } from './operators/etcdUsage.js'
import { Timeline } from './loop/timeline.js'
import { type Candidate, LeadershipElection } from './commit/leadership.js'
import { Loop } from './loop/loop.js'
import { ClusterCache } from './cluster/cache.js'
import { TransferRates } from './operators/transferRates.js'
import { OwnCluster } from './commit/ownCluster.js'
import { CapacityQueue } from './placement/capacityQueue.js'
import { InFlightSetups } from './slurm/functions/inFlightSetups.js'
import { SilentHosts } from './cluster/silentHosts.js'
import { Scontrol } from './slurm/functions/scontrol.js'
import type { SlurmQueries } from './slurm/functions/splitTask.js'
import { type StatPaths, systemStatPaths } from './users/pathAccess.js'

export interface SchedulerParts {
  store: Store
  config: SchedulerConfig
  candidate: Candidate
  accounts: Accounts
  clock: Clock
  log: Log
  newUuid?: () => string
  /** Simulated hosts have no files, and look up nothing. */
  statPaths?: StatPaths
  slurm?: SlurmQueries
  random?: () => number
}

export interface Scheduler {
  readonly cache: ClusterCache
  readonly committer: Committer
  isLeader(): boolean
  /** True while the loop and the watch make progress. If they do not, although etcd answers, only a restart helps. */
  isHealthy(): boolean
  /** Gives up leadership, closes the socket, and ends after the current write. The store stays open. */
  stop(): Promise<void>
}

/** How long a call waits for the first reading of the cluster: below the 5 seconds that slurmctld gives `job_process`. */
const firstReadMs = 4_000
/** If etcd does not answer at the start, this is logged after this time; later the watch logs it. */
const firstWordMs = 2_000

/** A scheduler and its socket. */
export async function startScheduler(parts: SchedulerParts): Promise<Scheduler> {
  const { config, clock, log } = parts
  const { cache, committer, cluster, deps, isHealthy, stop } = assembleScheduler(parts)
  try {
    const routes = [...shimRoutes(deps), ...operatorRoutes(deps)].map((route) =>
      afterFirstRead(route, cache, committer, cluster),
    )
    const server = await serve({ socket: config.socket, routes, clock, log })
    return {
      cache,
      committer,
      isLeader: () => committer.isLeader(),
      isHealthy,
      stop: async () => {
        await server.close()
        await stop()
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Connects the parts of a scheduler, without its socket: cache, election, loop, and the base of its calls. */
export function assembleScheduler(parts: SchedulerParts) {
  const {
    store,
    config,
    candidate,
    accounts,
    clock,
    log,
    newUuid = randomUUID,
    statPaths = systemStatPaths,
    random,
  } = parts
  const { slurm = new Scontrol() } = parts
  const cache = new ClusterCache(store, log, config.storageHosts)
  const cluster = new OwnCluster({ store, name: config.cluster, clock, log })
  const allowed = cluster.confirmed
  const leadership = new LeadershipElection({ store, cache, candidate, allowed, clock, log, random })
  const committer: Committer = new Committer(store, cache, leadership, clock, log, (fence, changes) =>
    loop.following(fence, changes),
  )
  const timeline = new Timeline(store, cache, clock, log)
  const hostGrace = new HostGrace(cache, clock, config.hostGraceSeconds * 1000, (host) => loop.lookAt([host]))
  const capacityQueue = new CapacityQueue(committer, clock)
  const claimedSlots = (pool: string) => capacityQueue.claimedSlots(pool)
  const loop: Loop = new Loop({ cache, committer, timeline, hostGrace, config, clock, log, newUuid, claimedSlots })
  const rates = new TransferRates(cache, clock)
  const silentHosts = new SilentHosts(cache, clock)
  const stopLearning = cache.onChange((touched) => {
    for (const { parsed, after } of touched) {
      if (parsed.collection === 'sessions' && after) accounts.learn([(after as SessionDocument).uid])
      if (parsed.collection === 'observed' && parsed.kind === 'transfer') rates.note(parsed.id)
    }
  })
  const unwatched = new ConditionTimer(clock)
  const stopHearing = cache.onChange(() => (cache.isConnected ? unwatched.end() : unwatched.begin()))
  const isHealthy = () =>
    loop.failingForMs < unhealthyAfterMs && !(committer.isLeader() && unwatched.ms >= unhealthyAfterMs)
  const cancelWord = clock.after(firstWordMs, () => {
    if (!cache.isSynced) log.warn('waiting for etcd', { endpoints: config.etcd.endpoints })
  })
  const etcdUsage = new EtcdUsage(store, config.etcd.quota, clock)
  const deps = {
    decisions: committer,
    config,
    clock,
    log,
    newUuid,
    statPaths,
    slurm,
    inFlightSetups: new InFlightSetups(),
    capacityQueue,
    lookUp: (uid: number) => accounts.lookUp(uid),
    groupId: (name: string) => accounts.groupId(name),
    groupsOf: (uid: number) => accounts.groupsOf(uid),
    userName: (uid: number) => accounts.userName(uid),
    resync: () => loop.resync(),
    becomeLeader: (timeoutMs: number) => leadership.become(timeoutMs),
    rateOf: rates.rateOf,
    timelineOf: (name: string) => readTimeline(store, name),
    etcdUsage,
    ownProblems: () => {
      const problem = accounts.problem()
      return [
        ...etcdProblems(etcdUsage.view(), config.etcd.endpoints),
        ...(problem === undefined ? [] : [nameServiceUnavailable(problem)]),
        ...loop.problems(),
        ...cache.problems(),
        ...silentHosts.problems(),
      ]
    },
    schedulerState: () => ({
      host: candidate.host,
      leads: committer.isLeader(),
      leader: leadership.leader()?.host ?? null,
      etcd: cache.isConnected ? 'connected' : 'away: what is shown may be old',
    }),
  }
  const stop = async () => {
    cancelWord()
    cluster.close()
    stopLearning()
    silentHosts.close()
    stopHearing()
    hostGrace.close()
    committer.close()
    await loop.close()
    await leadership.close()
    await cache.close()
  }
  return { cache, committer, cluster, deps, isHealthy, stop }
}

/** Calls wait until etcd has been read: above all, Slurm would believe an empty pool. */
function afterFirstRead(route: Route, cache: ClusterCache, committer: Committer, cluster: OwnCluster): Route {
  return {
    ...route,
    handle: async (request) => {
      const problem = cluster.problem()
      // Answered at once: waiting does not help.
      if (problem !== undefined) return { status: 409, headers: { 'X-Exit-Code': '1' }, body: `${problem}\n` }
      if (await committer.waitFor(() => cache.isSynced || undefined, firstReadMs)) return route.handle(request)
      return { status: 503, body: 'the burst buffer scheduler has not reached etcd yet: try again\n' }
    },
  }
}

async function readTimeline(store: Store, name: string): Promise<EventDocument[]> {
  const { entries } = await store.list(keys.events(name))
  return entries.flatMap((entry) => {
    const read = readDocument(entry, eventDocument)
    return 'document' in read ? [read.document] : []
  })
}
