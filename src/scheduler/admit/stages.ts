import { type Cluster, sessionBuffers } from '../../model/cluster.js'
import { type SessionDocument, type SessionStage, sessionStages } from '../../model/documents.js'
import { quote } from '../../model/names.js'
import type { Decision } from '../core.js'

export type Staged = Decision<{ sessionId: number }>

/** data_in has succeeded. */
export function stagedIn(cluster: Cluster, request: { token: string }): Staged {
  return reach(cluster, request.token, 'staged-in')
}

/** pre_run: its buffers are wanted on these hosts; wait for `mountProgress`. */
export function startJob(cluster: Cluster, request: { token: string; computeHosts: string[] }): Staged {
  const { token } = request
  const session = cluster.sessions.get(token)
  if (!session) return unknown(token)
  const computeHosts = [...new Set(request.computeHosts)].sort()
  if (session.stage === 'running') {
    if (computeHosts.join() === [...session.computeHosts].sort().join()) return done(session)
    return { refused: `job ${token} runs already on ${session.computeHosts.join(', ')}: post_run must come first` }
  }
  if (!isBefore(session.stage, 'running')) return { refused: `job ${token} has ended already` }
  const problem = problemWithStart(cluster, session, computeHosts)
  return problem === undefined ? change({ ...session, computeHosts, stage: 'running' }) : { refused: problem }
}

/** post_run: its buffers are no longer wanted on its hosts; wait for `unmountProgress`. */
export function endJob(cluster: Cluster, request: { token: string }): Staged {
  return reach(cluster, request.token, 'ran')
}

/** data_out has succeeded. */
export function stagedOut(cluster: Cluster, request: { token: string }): Staged {
  return reach(cluster, request.token, 'staged-out')
}

function problemWithStart(cluster: Cluster, session: SessionDocument, computeHosts: string[]): string | undefined {
  const names = [...(session.buffer === undefined ? [] : [session.buffer]), ...session.uses]
  if (names.length === 0) return undefined
  if (computeHosts.length === 0)
    return `no compute nodes are named for job ${session.token}, which has buffers to mount`
  const buffers = sessionBuffers(cluster, session)
  const missing = names.find((name) => buffers.every((buffer) => buffer.key !== name))
  if (missing !== undefined) return `the buffer ${quote(missing)} is gone`
  const unbuilt = buffers.find(({ buffer }) => buffer.builtAt === undefined)
  if (unbuilt) return `the buffer ${quote(unbuilt.key)} is not ready yet`
  const away = computeHosts.filter((host) => !cluster.hosts.get(host)?.roles.includes('compute'))
  if (away.length === 0) return undefined
  return `no agent with the role compute is running on ${away.join(', ')}: start it there, or take the node out of Slurm`
}

/** Stages only go forward: a call that comes again, or late, changes nothing. */
function reach(cluster: Cluster, token: string, stage: SessionStage): Staged {
  const session = cluster.sessions.get(token)
  if (!session) return unknown(token)
  return isBefore(session.stage, stage) ? change({ ...session, stage }) : done(session)
}

function isBefore(a: SessionStage, b: SessionStage): boolean {
  return sessionStages.indexOf(a) < sessionStages.indexOf(b)
}

/** Slurm knows this phrase, and takes it that there is nothing to do. */
function unknown(token: string): Staged {
  return { refused: `No matching session: ${quote(token)}` }
}

function done(session: SessionDocument): Staged {
  return { changes: [], result: { sessionId: session.id } }
}

function change(document: SessionDocument): Staged {
  return { changes: [{ kind: 'session', name: document.token, document }], result: { sessionId: document.id } }
}
