import { cutOffHosts } from '../../model/buffers.js'
import { type Cluster, sessionBuffers } from '../../model/cluster.js'
import { type SessionDocument, type SessionStage, sessionStages } from '../../model/documents/session.js'
import type { StageDirection } from '../../model/documents/transferFields.js'
import { usableAddresses } from '../../model/fields.js'
import { isOfFirstRelease } from '../../model/levels.js'
import { transfersOf } from '../../model/transfers.js'
import type { Decision } from '../commit/decision.js'
import { type ClientSettings, dataPlaneOf } from '../dataplane/index.js'
import { problemWithStagedSize } from '../placement/stagingCapacity.js'
import { problemWithSwapSize } from '../placement/swapCapacity.js'
import * as messages from './messages.js'

export type Staged = Decision<{ sessionId: number }>

/** data_in or data_out has begun: its transfers are wanted; wait for `transferProgress`. Without any it has succeeded. */
export function beginStaging(cluster: Cluster, request: { token: string; direction: StageDirection }): Staged {
  const { token, direction } = request
  const session = cluster.sessions.get(token)
  const isNone = session === undefined || transfersOf(session, direction).length === 0
  if (direction === 'in') return advanceTo(cluster, token, isNone ? 'staged-in' : 'staging-in')
  return advanceTo(cluster, token, isNone ? 'staged-out' : 'staging-out')
}

/** data_in has succeeded. */
export function stagedIn(cluster: Cluster, request: { token: string }): Staged {
  return advanceTo(cluster, request.token, 'staged-in')
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
    return { refused: messages.runsElsewhere(token, session.computeHosts) }
  }
  if (!isBefore(session.stage, 'running')) return { refused: messages.hasEnded(token) }
  const problem = problemWithStart(cluster, session, computeHosts)
  if (problem !== undefined) return { refused: problem }
  const addresses = Object.fromEntries(
    computeHosts.map((host) => [host, usableAddresses(host, cluster.hosts.get(host)?.addresses)]),
  )
  const started: SessionDocument = { ...session, computeHosts, addresses, stage: 'running' }
  for (const { key, buffer } of sessionBuffers(cluster, session)) {
    const tooLarge = key === session.buffer && problemWithStagedSize(session, buffer, computeHosts.length)
    if (tooLarge) return { refused: tooLarge }
    const { swapBytes } = buffer
    const noRoom = swapBytes && problemWithSwapSize({ bytes: swapBytes, nodes: computeHosts.length }, buffer)
    if (noRoom) return { refused: noRoom }
    const tooMany = dataPlaneOf(buffer).whyNotLetIn(cluster, buffer, started, clients)
    if (tooMany !== undefined) return { refused: tooMany }
  }
  return change(started)
}

/** post_run: its buffers are no longer wanted on its hosts; wait for `unmountProgress`. */
export function endJob(cluster: Cluster, request: { token: string }): Staged {
  return advanceTo(cluster, request.token, 'ran')
}

/** data_out has succeeded. */
export function stagedOut(cluster: Cluster, request: { token: string }): Staged {
  return advanceTo(cluster, request.token, 'staged-out')
}

function problemWithStart(cluster: Cluster, session: SessionDocument, computeHosts: string[]): string | undefined {
  const missed = transfersOf(session, 'in').find(({ ended }) => ended?.state !== 'done')
  // guard: staged-in
  if (missed) return messages.notStagedIn(missed, session.token)
  const names = [...(session.buffer === undefined ? [] : [session.buffer]), ...session.uses]
  if (names.length === 0) return undefined
  if (computeHosts.length === 0) return messages.noComputeNodes(session.token)
  const buffers = sessionBuffers(cluster, session)
  const missing = names.find((name) => buffers.every((buffer) => buffer.key !== name))
  if (missing !== undefined) return messages.bufferIsGone(missing)
  const unbuilt = buffers.find(({ buffer }) => buffer.builtAt === undefined)
  if (unbuilt) return messages.bufferNotReady(unbuilt.key)
  const away = computeHosts.filter((host) => !cluster.hosts.get(host)?.roles.includes('compute'))
  if (away.length === 0)
    return problemWithCutOff(cluster, session, computeHosts) ?? problemWithOldAgents(cluster, session, computeHosts)
  return messages.noComputeAgent(away)
}

/** A client that was cut off does not come back, and its mount is in the way at the path that jobs share. */
function problemWithCutOff(cluster: Cluster, session: SessionDocument, computeHosts: string[]): string | undefined {
  const ids = new Set(sessionBuffers(cluster, session).map(({ buffer }) => buffer.id))
  const found = cutOffHosts(cluster).find(({ host, mount }) => computeHosts.includes(host) && ids.has(mount.buffer.id))
  if (!found) return undefined
  const { host, mount } = found
  return messages.nodeCutOff(host, mount.buffer.name, mount.session.token, mount.path)
}

/** It was away when the job was set up, and would take what jobs share from the other when one of them ends. */
function problemWithOldAgents(cluster: Cluster, session: SessionDocument, computeHosts: string[]): string | undefined {
  if (session.sharedPaths === undefined) return undefined
  const old = computeHosts.filter((host) => isOfFirstRelease(cluster.hosts.get(host)!))
  if (old.length === 0) return undefined
  return messages.agentTooOld(old)
}

/** Stages only go forward: a call that comes again, or late, changes nothing. */
function advanceTo(cluster: Cluster, token: string, stage: SessionStage): Staged {
  const session = cluster.sessions.get(token)
  if (!session) return unknown(token)
  return isBefore(session.stage, stage) ? change({ ...session, stage }) : done(session)
}

function isBefore(a: SessionStage, b: SessionStage): boolean {
  return sessionStages.indexOf(a) < sessionStages.indexOf(b)
}

function unknown(token: string): Staged {
  return { refused: messages.noSession(token) }
}

function done(session: SessionDocument): Staged {
  return { changes: [], result: { sessionId: session.id } }
}

function change(document: SessionDocument): Staged {
  return { changes: [{ kind: 'session', name: document.token, document }], result: { sessionId: document.id } }
}
