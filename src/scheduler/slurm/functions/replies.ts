import { each, type Work } from '../../../daemon/slices.js'
import { capacityOf } from '../../../model/capacity.js'
import type { Cluster } from '../../../model/cluster.js'
import type { BufferDocument } from '../../../model/documents/buffer.js'
import type { SessionDocument } from '../../../model/documents/session.js'
import { isJobToken } from '../../../model/names.js'
import { phaseOf } from '../../../model/phase.js'
import type { SchedulerConfig } from '../../config.js'
import { poolsOf } from '../../cluster/pools.js'
import { isHidden } from '../../progress.js'

/*
 * The JSON that Slurm's plugin reads (SLURM.md): ids, owners, sizes and times are integers, and there is no apostrophe
 * anywhere, because Slurm turns each into a double quote. What is being torn down is not shown, because Slurm would adopt it.
 * The session of a job is an exception. It is shown until nothing is left to wait for: when slurmctld restarts during its own
 * teardown of a job, it finishes the teardown only if the session is shown; otherwise it holds the job forever. A setup that
 * has no session yet, because etcd does not answer or no devices are free, is shown too (`InFlightSetups.unfinishedSetups`).
 * Which are shown is of one moment; what is said of each may be some milliseconds younger.
 */

/**
 * `claimed`: the slots of a pool that setups wait for. They count as taken: with every call of `pools` Slurm forgets what it has
 * promised to jobs that have no session here, and would promise it again.
 */
export function pools(cluster: Cluster, config: SchedulerConfig, claimed: (pool: string) => number): object {
  return {
    pools: poolsOf(cluster, config).map(({ name, granularityBytes, quantity, free }) => ({
      id: name,
      units: 'bytes',
      granularity: granularityBytes,
      quantity,
      free: Math.max(0, free - claimed(name)),
    })),
  }
}

/** `unfinished`: the owners of jobs whose setup has no session yet, by token. They are shown with an id that no session has. */
export function* sessions(cluster: Cluster, unfinished: ReadonlyMap<string, number>, now: number): Work<object> {
  const made = yield* each(ofSlurm(cluster), (session) => ({
    ...sessionShown(session.id, session.token, session.uid, session.createdAt),
    links: { client_nodes: session.stage === 'running' ? session.computeHosts : [] },
    state: stateOf(isReady(cluster, session), session.stage === 'leaving' ? 'destroy' : 'create'),
  }))
  const waiting = [...unfinished].flatMap(([token, uid]) =>
    isJobToken(token) && !cluster.sessions.has(token)
      ? [{ ...sessionShown(0, token, uid, now), links: { client_nodes: [] }, state: stateOf(false) }]
      : [],
  )
  return { sessions: [...made, ...waiting] }
}

function sessionShown(id: number, token: string, owner: number, created: number) {
  return { id, token, creator: 'SLURM', owner, created, expiration: 0, expired: false }
}

export function* instances(cluster: Cluster): Work<object> {
  return {
    instances: yield* each(shownBuffers(cluster), ({ session, buffer }) => ({
      id: buffer.id,
      label: buffer.name,
      public: buffer.kind === 'persistent',
      intact: phaseOf(cluster, buffer).phase !== 'degraded',
      created: buffer.createdAt,
      expiration: 0,
      expired: false,
      capacity: {
        bytes: capacityOf(buffer),
        nodes: new Set(buffer.bricks.map((brick) => brick.host)).size,
      },
      links: { configurations: [buffer.id], session: session.id },
      limits: { write_window_length: 86400, write_window_multiplier: 10 },
      state: stateOf(buffer.builtAt !== undefined),
    })),
  }
}

export function* configurations(cluster: Cluster): Work<object> {
  return {
    configurations: yield* each(shownBuffers(cluster), ({ buffer }) => ({
      id: buffer.id,
      links: { instance: buffer.id },
      type: buffer.access.length > 0 ? 'scratch' : 'swap',
      access_type: accessType(buffer),
      state: {},
    })),
  }
}

/** In DataWarp's words; `none` for an empty list, because dwstat's columns need a word. */
export function accessType({ access }: BufferDocument): string {
  if (access.length === 0) return 'none'
  return access.map((mode) => (mode === 'striped' ? 'stripe' : mode)).join(',')
}

/** Sessions by id, without those that are leaving or archived. */
export function shownSessions(cluster: Cluster): SessionDocument[] {
  return sessionsWhere(cluster, ({ stage }) => stage !== 'leaving')
}

/** A persistent buffer that is leaving is not shown: Slurm would let jobs use it. */
function ofSlurm(cluster: Cluster): SessionDocument[] {
  return sessionsWhere(cluster, (session) => {
    return session.stage !== 'leaving' || (isJobToken(session.token) && !isHidden(cluster, session))
  })
}

function sessionsWhere(cluster: Cluster, isShown: (session: SessionDocument) => boolean): SessionDocument[] {
  return [...cluster.sessions]
    .filter(([key, session]) => key === session.token && isShown(session))
    .map(([, session]) => session)
    .sort((a, b) => a.id - b.id)
}

export function shownBuffers(cluster: Cluster): { session: SessionDocument; buffer: BufferDocument }[] {
  return shownSessions(cluster).flatMap((session) => {
    const buffer = session.buffer === undefined ? undefined : cluster.buffers.get(session.buffer)
    return buffer?.wanted === 'present' ? [{ session, buffer }] : []
  })
}

function isReady(cluster: Cluster, session: SessionDocument): boolean {
  return session.buffer === undefined || cluster.buffers.get(session.buffer)?.builtAt !== undefined
}

function stateOf(actualized: boolean, goal: 'create' | 'destroy' = 'create') {
  return { actualized, fuse_blown: false, goal, mixed: false, transitioning: !actualized }
}
