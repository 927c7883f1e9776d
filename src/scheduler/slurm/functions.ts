import { open, rename, rm, writeFile } from 'node:fs/promises'
import type { Clock } from '../../daemon/clock.js'
import { capacityOf, parseSize } from '../../model/capacity.js'
import type { Cluster } from '../../model/cluster.js'
import type { SessionDocument } from '../../model/documents/session.js'
import type { StageDirection } from '../../model/documents/stageLine.js'
import { hostName, quote } from '../../model/names.js'
import { persistentPath, privatePath, stripedPath } from '../../model/paths.js'
import { persistentVariable } from '../../model/stagePath.js'
import { linesOf } from '../../model/transfers.js'
import { OutcomeUnknown, StoreUnavailable } from '../../store/store.js'
import {
  type Admission,
  beginStaging,
  createPersistent,
  endJob,
  type Means,
  setupJob,
  shareBuffer,
  stagedIn,
  stagedOut,
  startJob,
  teardown,
} from '../admission/index.js'
import type { SchedulerConfig } from '../config.js'
import { type Committed, type Core, type Decision, NotLeader } from '../commit/decision.js'
import { groupToShareWith, type Membership, problemWithCreator } from '../users/permissions.js'
import { NameServiceUnavailable } from '../users/nameService.js'
import { findPool } from '../cluster/pools.js'
import {
  ended,
  mayStart,
  mountProgress,
  type Progress,
  setupProgress,
  teardownProgress,
  transferProgress,
  unmountProgress,
} from '../progress.js'
import type { Place, RoomQueue } from '../placement/roomQueue.js'
import type { LookAt, Reader } from '../users/pathAccess.js'
import { whatWasMade, whereCreatedDiffers, whereSlurmDiffers } from './checks/agreement.js'
import { type Argument, type Arguments, parseArguments } from './arguments.js'
import { problemWithPersistentAccess } from './script/accessModes.js'
import type { Directives } from './script/directivesType.js'
import { noDirectives, parseDirectives } from './script/directives.js'
import type { Making, Makings } from './inFlightSetups.js'
import { problemWithSwap, whyItNeverWorks } from './checks/preflight.js'
import { configurations, instances, pools, sessions } from './replies.js'
import { type AskSlurm, provideScript } from './arrays/splitTask.js'
import { isBelow, problemWithPlaces, problemWithSources, servedPaths } from './checks/stageChecks.js'
import { readHead } from './script/scriptHead.js'
import { transfersOf } from './script/stageLines.js'

/** What dw_wlm_cli prints and exits with. Slurm reads stdout and stderr as one. */
export interface Reply {
  code: number
  text: string
}

export interface SlurmMeans extends Membership {
  core: Core
  config: SchedulerConfig
  clock: Clock
  newUuid(): string
  slurm: AskSlurm
  /** What this host sees of files that are to be staged. */
  lookAt: LookAt
  /** The calls under way that make something. */
  makings: Makings
  /** Those of them that wait for devices. */
  room: RoomQueue
  /** Makes this scheduler lead, when slurmctld has come to it; false when that did not come about in time. */
  becomeLeader(timeoutMs: number): Promise<boolean>
}

/** A refusal or failure with its text for slurmctld. */
class Answer extends Error {}

type Handler = (means: SlurmMeans, given: Arguments, gone: Promise<void>) => Promise<string>
const handlers: Record<string, Handler> = {
  pools: ({ core, config, room }) => json(pools(core.cluster, config, (pool) => room.claimedSlots(pool))),
  show_instances: ({ core }) => json(instances(core.cluster)),
  show_sessions: ({ core, clock, makings }) =>
    json(sessions(core.cluster, makings.unfinishedSetups(), clock.unixSeconds())),
  show_configurations: ({ core }) => json(configurations(core.cluster)),
  job_process: jobProcess,
  create_persistent: givingWay(create),
  setup: givingWay(setup, (given) => number(given, 'user')),
  data_in: (means, given) => stage(means, given, 'in'),
  real_size: realSize,
  paths,
  pre_run: preRun,
  post_run: postRun,
  data_out: (means, given) => stage(means, given, 'out'),
  teardown: tearDown,
}

/**
 * dw_wlm_cli, called with these words. Never throws: what goes wrong is the reply. `gone` resolves when nobody is there to hear
 * it: a call that still waits to make something then makes nothing.
 */
export async function dwWlmCli(
  means: SlurmMeans,
  words: readonly string[],
  gone: Promise<void> = new Promise(() => {}),
): Promise<Reply> {
  try {
    const given = parseArguments(words)
    if ('refused' in given) throw new Answer(given.refused)
    const name = need(given, 'function', '')
    const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined
    if (!handler)
      throw new Answer(`invalid function ${quote(name)}: the functions are ${Object.keys(handlers).join(', ')}`)
    return { code: 0, text: await handler(means, given, gone) }
  } catch (error) {
    // Without a newline: Slurm puts the text into the job's reason, which squeue shows in one line.
    if (error instanceof Answer) return { code: 1, text: error.message }
    const message = error instanceof Error ? error.message : String(error)
    return { code: 1, text: `the burst buffer scheduler cannot do it now: ${message}` }
  }
}

/** Inline in sbatch, and told neither user nor token: only what can never work is refused here. */
async function jobProcess({ core, config, groupId, lookAt }: SlurmMeans, given: Arguments): Promise<string> {
  const directives = directivesOf(await readScript(given))
  const groups = new Map(directives.creates.flatMap(({ group, line }) => (group === undefined ? [] : [[group, line]])))
  for (const [group, line] of groups) {
    if (!(await mayExist(groupId(group))))
      throw new Answer(`${line}: there is no group ${quote(group)} on the scheduler's host`)
  }
  const problem =
    whyItNeverWorks(core.cluster, config, directives) ??
    (await problemWithSources(core.cluster, directives, lookAt, { ...granularities(config), mayAppear: true }))
  if (problem !== undefined) throw new Answer(problem)
  return ''
}

/** Is there such a group? A name service that is away has not said no: setup asks again. */
async function mayExist(id: Promise<number | undefined>): Promise<boolean> {
  try {
    return (await id) !== undefined
  } catch (error) {
    if (error instanceof NameServiceUnavailable) return true
    throw error
  }
}

function granularities(config: SchedulerConfig) {
  return {
    granularityOf: (pool: string | undefined) => {
      const found = findPool(config, pool)
      return 'refused' in found ? undefined : found.granularityBytes
    },
  }
}

/** The call makes nothing once its token was torn down in between. */
function givingWay(
  make: (means: SlurmMeans, given: Arguments, making: Making) => Promise<string>,
  ownerOf: (given: Arguments) => number | undefined = () => undefined,
) {
  return async (means: SlurmMeans, given: Arguments, gone: Promise<void>): Promise<string> => {
    const making = means.makings.begin(need(given, 'token'), gone, ownerOf(given))
    try {
      return await make(means, given, making)
    } finally {
      making.end()
    }
  }
}

async function create(means: SlurmMeans, given: Arguments, making: Making): Promise<string> {
  const name = need(given, 'token')
  const uid = number(given, 'user')
  const { pool, bytes } = capacity(given)
  if (given.type !== undefined && given.type !== 'scratch')
    throw new Answer(`type ${quote(given.type)} is not served: write type=scratch`)
  const problem = problemWithPersistentAccess(given.access || 'striped')
  if (problem !== undefined) throw new Answer(problem)
  const found = findPool(means.config, pool)
  if ('refused' in found) throw new Answer(found.refused)
  const deadline = deadlineOf(means.clock, means.config.waitSeconds.setup)
  const mayNot = await tryUntil(means, deadline, () => problemWithCreator(means, found, uid))
  if (mayNot !== undefined) throw new Answer(mayNot)
  const account = await tryUntil(means, deadline, () => means.lookUp(uid))
  if (!account) throw new Answer(`there is no user with the id ${uid} on the scheduler's host`)
  const request = { name, uid, gid: account.gid, pool, bytes, access: ['striped' as const] }
  const { sessionId } = await admit(means, name, deadline, making, (cluster, tools) =>
    createPersistent(cluster, request, tools),
  )
  await reach(means, deadline, (cluster) => setupProgress(cluster, name, sessionId))
  return 'created\n'
}

async function setup(means: SlurmMeans, given: Arguments, making: Making): Promise<string> {
  const token = need(given, 'token')
  const noScript = await provideScript(means.slurm, token, given.job)
  if (noScript !== undefined) throw new Answer(noScript)
  const { pool, bytes } = capacity(given)
  const uid = number(given, 'user')
  const script = await readScript(given)
  const directives = agreed(means, script, { pool, bytes, uid })
  const deadline = deadlineOf(means.clock, means.config.waitSeconds.setup)
  const groups = await tryUntil(means, deadline, () => means.groupsOf(uid))
  await checkStages(means, given, directives, { uid, groups })
  const noSwap = problemWithSwap(means.config, directives)
  if (noSwap !== undefined) throw new Answer(noSwap)
  await share(means, deadline, directives, uid)
  const request = {
    token,
    uid,
    gid: number(given, 'group'),
    groups,
    pool,
    bytes,
    access: directives.jobdw?.access.modes ?? (directives.swap ? [] : ['striped' as const]),
    ...(directives.swap ? { swap: await swapOf(directives, directives.swap, given) } : {}),
    clientCache: directives.jobdw?.access.clientCache ?? {},
    uses: directives.uses.map(({ name }) => name),
    transfers: transfersOf(directives, {
      token,
      isServed: (path) => isBelow(path, servedPaths(means.core.cluster) ?? []),
    }),
  }
  const { sessionId } = await admit(means, token, deadline, making, (cluster, tools) =>
    setupJob(cluster, request, tools),
  )
  await reach(means, deadline, (cluster) => setupProgress(cluster, token, sessionId))
  return ''
}

/** What the script asks for, when Slurm has read it as we do. A call without a script says it all itself. */
function agreed(
  { core, config }: SlurmMeans,
  script: Buffer | undefined,
  { uid, ...passed }: { pool: string | undefined; bytes: number; uid: number },
): Directives {
  if (!script) return noDirectives()
  const directives = parseDirectives(script)
  const problem =
    'refused' in directives
      ? directives.refused
      : (whereSlurmDiffers(config, directives, passed) ?? whereCreatedDiffers(core.cluster, config, directives, uid))
  if (problem !== undefined) throw new Answer(`${problem}${whatWasMade(core.cluster, script, uid)}`)
  return directives as Directives
}

/** Slurm counts swap as one grain; what it really takes follows from the nodes. */
async function swapOf({ jobdw }: Directives, { bytes }: { bytes: number }, given: Arguments) {
  return { bytes, nodes: await nodesOf(given), filesBytes: jobdw?.bytes ?? 0 }
}

/** How many nodes the job has, as far as they are known before it runs. */
async function nodesOf({ nodeFile }: Arguments): Promise<number> {
  const nodes = nodeFile === undefined ? [] : await readNodes(nodeFile)
  return Math.max(1, new Set(nodes).size)
}

/** Before any disk is touched; a job that was set up is past that. */
async function checkStages(
  { core, config, lookAt }: SlurmMeans,
  given: Arguments,
  directives: Directives,
  reader: Reader,
): Promise<void> {
  const session = core.cluster.sessions.get(need(given, 'token'))
  if (directives.stages.length === 0 || (session && session.stage !== 'leaving')) return
  const known = { reader, nodes: await nodesOf(given), ...granularities(config) }
  const problem =
    problemWithPlaces(core.cluster, directives.stages) ??
    (await problemWithSources(core.cluster, directives, lookAt, known))
  if (problem !== undefined) throw new Answer(problem)
}

/** The buffers that the job has created by now, with the groups that its script names. */
async function share(
  means: SlurmMeans,
  deadline: () => number,
  { creates }: Pick<Directives, 'creates'>,
  uid: number,
): Promise<void> {
  for (const { name, group, line } of creates) {
    if (group === undefined) continue
    const found = await tryUntil(means, deadline, () => groupToShareWith(means, uid, group))
    if ('refused' in found) throw new Answer(`${line}: ${found.refused}; ${quote(name)} is yours alone`)
    await commit(means, deadline, (cluster) => shareBuffer(cluster, { name, uid, gid: found.gid }))
  }
}

/** data_in and data_out: the session's stage lines, as they were at setup. slurmctld waits for a day. */
async function stage(means: SlurmMeans, given: Arguments, direction: StageDirection): Promise<string> {
  const token = need(given, 'token')
  const { stageIn, stageOut } = means.config.waitSeconds
  const deadline = deadlineOf(means.clock, direction === 'in' ? stageIn : stageOut)
  const { sessionId } = await commit(means, deadline, (cluster) => beginStaging(cluster, { token, direction }))
  await reach(means, deadline, (cluster) => transferProgress(cluster, token, sessionId, direction))
  const decide = direction === 'in' ? stagedIn : stagedOut
  await commit(means, deadline, (cluster) => decide(cluster, { token }))
  return ''
}

function realSize({ core }: SlurmMeans, given: Arguments): Promise<string> {
  const token = need(given, 'token')
  const session = sessionOf(core.cluster, token)
  const buffer = session.buffer === undefined ? undefined : core.cluster.buffers.get(session.buffer)
  const bytes = buffer ? capacityOf(buffer) : 0
  return json({ token, capacity: bytes, units: 'bytes' })
}

/** The job's variables. Slurm counts `=` characters, so that no value may hold one; names and tokens cannot. */
async function paths({ core, config }: SlurmMeans, given: Arguments): Promise<string> {
  const token = need(given, 'token')
  const file = need(given, 'pathFile')
  const session = sessionOf(core.cluster, token)
  const access = session.buffer === undefined ? [] : (core.cluster.buffers.get(session.buffer)?.access ?? [])
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

async function preRun(means: SlurmMeans, given: Arguments): Promise<string> {
  const token = need(given, 'token')
  const file = given.executionNodeFile ?? given.nodeFile
  const computeHosts = file === undefined ? [] : await readNodes(file)
  const { preRun: toMount, fill } = means.config.waitSeconds
  const session = means.core.cluster.sessions.get(token)
  const deadline = deadlineOf(means.clock, session && linesOf(session, 'fill').length > 0 ? fill : toMount)
  // An agent that restarts is back in a moment; that of a node which is really lost is told by the refusal.
  const graceMs = Math.min(deadline(), means.config.hostGraceSeconds * 1000)
  await means.core.waitFor(({ hosts }) => computeHosts.every((host) => hosts.has(host)) || undefined, graceMs)
  const { sessionId } = await commit(means, deadline, (cluster) =>
    startJob(cluster, { token, computeHosts, clients: means.config }),
  )
  await reach(means, deadline, (cluster) => mountProgress(cluster, token, sessionId))
  return ''
}

async function postRun(means: SlurmMeans, given: Arguments): Promise<string> {
  const token = need(given, 'token')
  const deadline = deadlineOf(means.clock, means.config.waitSeconds.postRun)
  const { sessionId } = await commit(means, deadline, (cluster) => endJob(cluster, { token }))
  await reach(means, deadline, (cluster) => unmountProgress(cluster, token, sessionId))
  return ''
}

/** Retried for ever by Slurm unless it hears that there is no such token. */
async function tearDown(means: SlurmMeans, given: Arguments): Promise<string> {
  const token = need(given, 'token')
  const deadline = deadlineOf(means.clock, means.config.waitSeconds.teardown)
  const { hurry } = given
  const unmaking = means.makings.beginTearDown(token)
  try {
    const leaving = await commit(means, deadline, (cluster) => {
      if (unmaking.isOvertaken()) return { refused: `${quote(token)} was set up again after this call had come` }
      const decision = teardown(cluster, { token, hurry })
      // Said where it is decided: decisions come one after the other, so that a setup is either seen here, or sees this.
      if (!('refused' in decision)) unmaking.decided()
      return decision
    })
    if (leaving.state === 'unknown') throw new Answer(`token not found: ${quote(token)}`)
    await reach(means, deadline, (cluster) => teardownProgress(cluster, token, leaving.sessionId))
    return ''
  } finally {
    unmaking.end()
  }
}

/** Decides until an earlier session of that name is out of the way and devices are free, or the token was torn down. */
async function admit(
  means: SlurmMeans,
  token: string,
  deadline: () => number,
  making: Making,
  decide: (cluster: Cluster, tools: Means) => Decision<Admission>,
): Promise<{ sessionId: number }> {
  let place: Place | undefined
  try {
    for (;;) {
      const { leftFor } = place ?? means.room
      const tools = { config: means.config, now: means.clock.unixSeconds(), newUuid: means.newUuid, leftFor }
      const admission = await commit(means, deadline, (cluster) =>
        decideUnless(making.whyNot(), () => decide(cluster, tools)),
      )
      if (admission.state === 'admitted') return admission
      if (admission.state === 'no-room') {
        place ??= means.room.join(token, admission.claim, deadline())
        const isGivenUp = making.givenUp.then(() => true)
        if (!(await Promise.race([isGivenUp, place.untilRoom(deadline())])))
          throw new Answer(`${admission.reason}, and no more came free within the time of this call`)
        continue
      }
      const gone = await means.core.waitFor((cluster) => (mayStart(cluster, token) ? true : undefined), deadline())
      if (!gone)
        throw new Answer(
          `the earlier ${quote(token)} is still being removed; it waits for ${admission.waitingFor.join('; ')}`,
        )
    }
  } finally {
    place?.leave()
  }
}

function decideUnless<T>(why: string | undefined, decide: () => Decision<T>): Decision<T> {
  return why === undefined ? decide() : { refused: why }
}

/** Decides and writes. A decision whose outcome is unknown is made anew, and finds what it had done. */
function commit<T>(means: SlurmMeans, deadline: () => number, decide: (cluster: Cluster) => Decision<T>): Promise<T> {
  return tryUntil(means, deadline, () => commitAsLeader(means, decide))
}

const awayPauseMs = 1_000

/** While etcd or the name service does not answer, it is tried again until the deadline: Slurm holds a job whose setup failed. */
async function tryUntil<T>({ clock }: SlurmMeans, deadline: () => number, act: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await act()
    } catch (error) {
      const isAway =
        error instanceof StoreUnavailable || error instanceof OutcomeUnknown || error instanceof NameServiceUnavailable
      if (!isAway || deadline() < awayPauseMs) throw error
      await new Promise<void>((resolve) => clock.after(awayPauseMs, resolve))
    }
  }
}

/** Writes a decision as the leader; slurmctld calling is the reason to become it. */
async function commitAsLeader<T>(means: SlurmMeans, decide: (cluster: Cluster) => Decision<T>): Promise<T> {
  let committed: Committed<T>
  try {
    committed = await means.core.commit(decide)
  } catch (error) {
    if (!(error instanceof NotLeader) || !(await means.becomeLeader(60_000))) throw error
    committed = await means.core.commit(decide)
  }
  if ('refused' in committed) throw new Answer(committed.refused)
  return committed.result
}

async function reach(
  { core }: SlurmMeans,
  deadline: () => number,
  progress: (cluster: Cluster) => Progress,
): Promise<void> {
  const end = await core.waitFor((cluster) => ended(progress(cluster)), deadline())
  if (end?.state === 'done') return
  if (end) throw new Answer(end.reason)
  const now = progress(core.cluster)
  throw new Answer(
    `not done yet, it waits for ${now.state === 'waiting' ? now.waitingFor.join('; ') : 'nothing more'}: try again`,
  )
}

function deadlineOf(clock: Clock, seconds: number): () => number {
  const end = clock.monotonicMs() + seconds * 1000
  return () => Math.max(0, end - clock.monotonicMs())
}

function sessionOf(cluster: Cluster, token: string): SessionDocument {
  const session = cluster.sessions.get(token)
  if (!session) throw new Answer(`No matching session: ${quote(token)}`)
  return session
}

/** `POOL:SIZE`; the pool may be left out. */
function capacity(given: Arguments): { pool: string | undefined; bytes: number } {
  const text = need(given, 'capacity')
  const colon = text.indexOf(':')
  const pool = colon > 0 ? text.slice(0, colon) : undefined
  const size = text.slice(colon + 1)
  if (size === '0') return { pool, bytes: 0 }
  const parsed = parseSize(size)
  if ('refused' in parsed) throw new Answer(parsed.refused)
  return { pool, bytes: parsed.bytes }
}

function need(given: Arguments, name: Argument, of = ` of ${given.function ?? 'the call'}`): string {
  const value = given[name]
  if (value === undefined || value === '') throw new Answer(`the argument --${name}${of} is missing`)
  return value
}

function number(given: Arguments, name: 'user' | 'group'): number {
  const text = need(given, name)
  if (!/^[0-9]{1,10}$/.test(text)) throw new Answer(`--${name} must be a number, not ${quote(text)}`)
  return Number(text)
}

/** The head of the job's script, if the call names one. */
async function readScript({ job }: Arguments): Promise<Buffer | undefined> {
  if (job === undefined) return undefined
  const head = await readHead(job).catch((error: NodeJS.ErrnoException) => {
    throw new Answer(`the job script ${quote(job)} cannot be read: ${error.code}`)
  })
  if ('refused' in head) throw new Answer(head.refused)
  return head
}

function directivesOf(script: Buffer | undefined): Directives {
  const directives = script ? parseDirectives(script) : noDirectives()
  if ('refused' in directives) throw new Answer(directives.refused)
  return directives
}

async function readNodes(file: string): Promise<string[]> {
  const nodes = (await readBounded(file, 'node file'))
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const wrong = nodes.find((node) => !hostName.safeParse(node).success)
  if (wrong !== undefined) throw new Answer(`the node file names ${quote(wrong)}, which is no host name`)
  return nodes
}

const mostFileBytes = 4 * 1024 * 1024

/** A regular file of slurmctld's, of bounded size. */
async function readBounded(path: string, what: string): Promise<string> {
  let handle
  try {
    handle = await open(path, 'r')
  } catch (error) {
    throw new Answer(`the ${what} ${quote(path)} cannot be read: ${(error as NodeJS.ErrnoException).code}`)
  }
  try {
    const { size } = await handle.stat().then((status) => (status.isFile() ? status : { size: Infinity }))
    if (size > mostFileBytes) throw new Answer(`the ${what} ${quote(path)} is no regular file of at most 4 MiB`)
    return await handle.readFile('utf8')
  } finally {
    await handle.close()
  }
}

function json(value: object): Promise<string> {
  return Promise.resolve(`${JSON.stringify(value)}\n`)
}
