import { rename, rm, writeFile } from 'node:fs/promises'
import { persistentPath, privatePath, stripedPath } from '../../../model/paths.js'
import { persistentVariable } from '../../../model/stagePath.js'
import { transfersOf } from '../../../model/transfers.js'
import { endJob, startJob } from '../../admission/index.js'
import { mayHaveMounted, mayHaveUnmounted, mountProgress, unmountProgress } from '../../progress.js'
import { need } from './arguments.js'
import type { SlurmFunction } from './context.js'
import { readNodes } from './files.js'
import { sessionOf } from './sessionOf.js'
import { TimedCall } from './timedCall.js'

/** The job's variables. Slurm counts `=` characters, so no value may contain one; names and tokens cannot. */
export const paths: SlurmFunction = async ({ decisions, config }, given) => {
  const token = need(given, 'token')
  const file = need(given, 'pathFile')
  const session = sessionOf(decisions.cluster, token)
  const access = session.buffer === undefined ? [] : (decisions.cluster.buffers.get(session.buffer)?.access ?? [])
  const lines = [
    ...(access.includes('striped') ? [`DW_JOB_STRIPED=${stripedPath(config.mountRoot, session)}/`] : []),
    ...(access.includes('private') ? [`DW_JOB_PRIVATE=${privatePath(config.mountRoot, session)}/`] : []),
    ...session.uses.map((name) => `${persistentVariable(name)}=${persistentPath(config.mountRoot, session, name)}/`),
  ]
  const beside = `${file}.new`
  await rm(beside, { force: true })
  await writeFile(beside, lines.map((line) => `${line}\n`).join(''), { flag: 'wx', mode: 0o600 })
  await rename(beside, file)
  return ''
}

export const preRun: SlurmFunction = async (deps, given) => {
  const token = need(given, 'token')
  const file = given.executionNodeFile ?? given.nodeFile
  const computeHosts = file === undefined ? [] : await readNodes(file)
  const { decisions, config } = deps
  const session = decisions.cluster.sessions.get(token)
  const { preRun: toMount, fill } = config.waitSeconds
  const call = new TimedCall(deps, session && transfersOf(session, 'fill').length > 0 ? fill : toMount)
  // An agent that restarts is back in a moment. If a node is really lost, the refusal says so.
  const graceMs = Math.min(call.leftMs, config.hostGraceSeconds * 1000)
  await decisions.waitFor(({ hosts }) => computeHosts.every((host) => hosts.has(host)) || undefined, graceMs)
  const { sessionId } = await call.commitWithRetries((cluster) =>
    startJob(cluster, { token, computeHosts, clients: config }),
  )
  await call.waitUntilDone(
    token,
    (cluster) => mountProgress(cluster, token, sessionId),
    (cluster) => mayHaveMounted(cluster, token),
  )
  return ''
}

export const postRun: SlurmFunction = async (deps, given) => {
  const token = need(given, 'token')
  const call = new TimedCall(deps, deps.config.waitSeconds.postRun)
  const { sessionId } = await call.commitWithRetries((cluster) => endJob(cluster, { token }))
  await call.waitUntilDone(
    token,
    (cluster) => unmountProgress(cluster, token, sessionId),
    (cluster) => mayHaveUnmounted(cluster, token),
  )
  return ''
}
