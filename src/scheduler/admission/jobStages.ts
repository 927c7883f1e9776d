import { cutOffHosts } from '../../model/buffers.js'
import { type Cluster, sessionBuffers } from '../../model/cluster.js'
import { type SessionDocument, type SessionStage, sessionStages } from '../../model/documents/session.js'
import type { StageDirection } from '../../model/documents/stageLine.js'
import { usableAddresses } from '../../model/fields.js'
import { isOfFirstRelease } from '../../model/levels.js'
import { quote } from '../../model/names.js'
import { linesOf, nameOf } from '../../model/transfers.js'
import type { Decision } from '../commit/decision.js'
import { type ClientSettings, problemWithClients } from '../dataplane/glusterd/authAllow.js'
import { whyStagedDoesNotFit } from '../placement/stagingCapacity.js'
import { whySwapDoesNotFit } from '../placement/swapCapacity.js'

export type Staged = Decision<{ sessionId: number }>

/** data_in or data_out has begun: its stage lines are wanted; wait for `transferProgress`. Without any it has succeeded. */
export function beginStaging(cluster: Cluster, request: { token: string; direction: StageDirection }): Staged {
  const { token, direction } = request
  const session = cluster.sessions.get(token)
  const isNone = session === undefined || linesOf(session, direction).length === 0
  if (direction === 'in') return reach(cluster, token, isNone ? 'staged-in' : 'staging-in')
  return reach(cluster, token, isNone ? 'staged-out' : 'staging-out')
}

/** data_in has succeeded. */
export function stagedIn(cluster: Cluster, request: { token: string }): Staged {
  return reach(cluster, request.token, 'staged-in')
}

/** pre_run: its buffers are wanted on these hosts; wait for `mountProgress`. */
export function startJob(
  cluster: Cluster,
  request: { token: string; computeHosts: string[]; clients: ClientSettings },
): Staged {
  const { token, clients } = request
  const session = cluster.sessions.get(token)
  if (!session) return unknown(token)
  const computeHosts = [...new Set(request.computeHosts)].sort()
  if (session.stage === 'running') {
    if (computeHosts.join() === [...session.computeHosts].sort().join()) return done(session)
    return { refused: `job ${token} runs already on ${session.computeHosts.join(', ')}: post_run must come first` }
  }
  if (!isBefore(session.stage, 'running')) return { refused: `job ${token} has ended already` }
  const problem = problemWithStart(cluster, session, computeHosts)
  if (problem !== undefined) return { refused: problem }
  const addresses = Object.fromEntries(
    computeHosts.map((host) => [host, usableAddresses(host, cluster.hosts.get(host)?.addresses)]),
  )
  const started: SessionDocument = { ...session, computeHosts, addresses, stage: 'running' }
  for (const { key, buffer } of sessionBuffers(cluster, session)) {
    const tooLarge = key === session.buffer && whyStagedDoesNotFit(session, buffer, computeHosts.length)
    if (tooLarge) return { refused: tooLarge }
    const { swapBytes } = buffer
    const noRoom = swapBytes && whySwapDoesNotFit({ bytes: swapBytes, nodes: computeHosts.length }, buffer)
    if (noRoom) return { refused: noRoom }
    const tooMany = problemWithClients(cluster, buffer, started, clients)
    if (tooMany !== undefined) return { refused: tooMany }
  }
  return change(started)
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
  const missed = linesOf(session, 'in').find(({ ended }) => ended?.state !== 'done')
  // guard: staged-in
  if (missed) return `${nameOf(missed)} of job ${session.token} is not done: data_in must come first`
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
  if (away.length === 0)
    return problemWithCutOff(cluster, session, computeHosts) ?? problemWithOldAgents(cluster, session, computeHosts)
  return `no agent with the role compute is running on ${away.join(', ')}: start it there, or take the node out of Slurm`
}

/** A client that was cut off does not come back, and its mount is in the way at the path that jobs share. */
function problemWithCutOff(cluster: Cluster, session: SessionDocument, computeHosts: string[]): string | undefined {
  const ids = new Set(sessionBuffers(cluster, session).map(({ buffer }) => buffer.id))
  const found = cutOffHosts(cluster).find(({ host, mount }) => computeHosts.includes(host) && ids.has(mount.buffer.id))
  if (!found) return undefined
  const { host, mount } = found
  return `node ${host} could not unmount ${quote(mount.buffer.name)} after job ${mount.session.token} and was cut off from it: end what uses ${mount.path} there, or restart the node`
}

/** It was away when the job was set up, and would take what jobs share from the other when one of them ends. */
function problemWithOldAgents(cluster: Cluster, session: SessionDocument, computeHosts: string[]): string | undefined {
  if (session.sharedPaths === undefined) return undefined
  const old = computeHosts.filter((host) => isOfFirstRelease(cluster.hosts.get(host)!))
  if (old.length === 0) return undefined
  return `the agent on ${old.join(', ')} is of a release that cannot share the mounts of persistent buffers: upgrade it`
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
