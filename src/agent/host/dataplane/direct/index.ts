import { mkdir } from 'node:fs/promises'
import type { Clock } from '../../../../daemon/clock.js'
import type { DirectBrick } from '../../../../model/documents/direct.js'
import type { DesiredTransfer } from '../../../../model/documents/transfer.js'
import type { DirectVolume } from '../../../../model/documents/volume.js'
import { Busy, type DirectVolumeFacts, type Effects, Unavailable } from '../../../port/host.js'
import { coalesce } from '../../exec/coalesce.js'
import { lookAgain } from '../../exec/lookAgain.js'
import type { DataPlane, DataPlaneOptions } from '../dataPlane.js'
import { brickPath } from '../../../../model/cluster.js'
import { type BrickMeans, endBrick, forgetBricks, renewBricks, serveBrick } from './bricks.js'
import { client, idOf, requireBricks } from './client.js'
import { whyNotValid } from './credentials.js'
import { makeExports } from './exports.js'
import { type Admission, type BrickFence, noFence } from './fenceType.js'
import { areThere, type Directories, filesOf, type ProcessFiles, removeStrayFiles } from './files.js'
import { HangWatch } from './hangWatch.js'
import { portsListenedOn } from './listening.js'
import { tendLogs } from './logs.js'
import {
  brickAnswersAgain,
  brickNotReady,
  bricksOffline,
  fenceNotSupported,
  isServedFor,
  notInstalled,
  portNotFenced,
  toServe,
} from './messages.js'
import { ownBricks } from './ownBricks.js'
import { servedVolumes } from './servedVolumes.js'
import { ProcessWatch } from './processWatch.js'
import { brickOf, runningProcesses } from './running.js'
import { glusterfsVersion, versionWarning } from './versions.js'
import { answerOf, volumeFacts } from './volumeFacts.js'

export interface Direct extends DataPlane {
  observe: {
    /** What this host serves of the volume. Facts with `unavailable` say why it cannot be seen. */
    volume(volume: DirectVolume): Promise<DirectVolumeFacts>
  }
  effects: Pick<
    Effects,
    'makeExports' | 'admitClients' | 'startBrick' | 'renewCertificates' | 'stopBrick' | 'closePorts'
  >
  /** Keeps the logs of processes short from now on, until it is closed. */
  tendLogs(): void
  /** Follows no process any more; all of them run on. */
  close(): void
}

/** What this plane needs of its host beside the others. */
export interface DirectParts {
  boot: string | undefined
  clock: Pick<Clock, 'after' | 'monotonicMs' | 'unixSeconds'>
  /** Without it nothing is served. */
  fence?: BrickFence
  directories: Directories
  /** The brick's own file system is mounted with its stamp, and that directory is in it. */
  isReady(brick: DirectBrick, directory: string): Promise<boolean>
  /** A process that serves a brick has ended, and nobody told it to. */
  onBrickEnd(): void
  /** The client of a mount has ended, and nobody told it to. */
  onClientEnd(): void
  /** Why this host cannot serve volumes, for operators; empty when it can. */
  onProblems(problems: string[]): void
}

const tendLogsMs = 60_000

/** GlusterFS's processes, started by this agent itself. They outlive it, and its successor knows them by their command lines. */
export function direct(options: DataPlaneOptions & { direct: DirectParts }): Direct {
  const { name, run, warn } = options
  const {
    boot,
    clock,
    fence = noFence(fenceNotSupported()),
    directories,
    isReady,
    onBrickEnd,
    onClientEnd,
    onProblems,
  } = options.direct
  const means: BrickMeans = { directories, run, warn: oncePhrase(warn), now: () => clock.unixSeconds() }
  const watch = new ProcessWatch(clock, onBrickEnd)
  const clientWatch = new ProcessWatch(clock, onClientEnd)
  const hangWatch = new HangWatch(clock)
  let stopTending = () => {}
  const tend = async () => tendLogs(directories.log, await filesOfRunning(directories), clock.unixSeconds())
  // In this order: a process that begins to listen meanwhile, as bricks start at once, is not taken for somebody else's.
  const look = coalesce(async () => {
    const listening = await portsListenedOn()
    return { running: await ownBricks(), listening }
  })
  type Look = Awaited<ReturnType<typeof look>>
  const prepare = once(() => prepareDirectories(directories))
  let untried: string | undefined
  const version = () => glusterfsVersion(run).catch(() => undefined)
  const hasServer = once(async () => {
    const found = await version()
    if (found === undefined) throw new Unavailable(notInstalled('glusterfsd'))
    untried = versionWarning(found)
  })
  /**
   * A port that another program of root's has had before stays as open as it is. One that was fenced stays fenced, and a user's
   * program gets no connection either: clients may know the port from before, and would tell it the login.
   */
  const admissionOf = async (
    { volume, bricks, clients }: DirectVolume,
    { running, listening }: Look,
  ): Promise<Admission> => {
    const fenced = (await fence.admitted()).get(volume)?.ports ?? []
    const isRoots = (port: number) => listening.get(port) === 0 && !fenced.includes(port)
    const isOurs = ({ uuid, port }: DirectBrick) => !isRoots(port) || running.some((each) => each.uuid === uuid)
    return { ports: bricks.filter(isOurs).map(({ port }) => port), clients }
  }
  const fenceFacts = async (volume: DirectVolume, seen: Look) => {
    const { volume: name, wanted, bricks } = volume
    // Where the fence is off, what is left of bricks whose processes have died is their files, and in them their keys.
    const areFilesLeft = () => bricks.some(({ uuid }) => areThere(filesOf('brick', uuid, directories)))
    if (wanted === 'absent') return { isFenced: false, isLeft: areFilesLeft() || (await isLeft(fence, name)) }
    await hasServer()
    return { isFenced: await fence.isAdmitted(name, await admissionOf(volume, seen)), isLeft: false }
  }
  const requireReady = async (brick: DirectBrick, { directory }: DirectVolume) => {
    if (!(await isReady(brick, directory))) throw new Unavailable(brickNotReady(brick.device))
  }

  /** By volume: a volume that is well says nothing of another one. */
  const problems = new Map<string, string>()
  const tellProblem = (volume: string, problem: string | undefined) => {
    if (problem === undefined) problems.delete(volume)
    else problems.set(volume, problem)
    onProblems([...new Set(problems.values())])
  }
  const requireHanging = async (volume: DirectVolume, device: string, pid: number) => {
    const port = volume.bricks.find((brick) => brick.device === device)?.port
    const answer = port === undefined ? undefined : await answerOf(volume, port)
    if (answer?.kind !== 'timedOut') throw new Busy(brickAnswersAgain(device))
    warn('a brick process hangs and is started again', { volume: volume.volume, device, pid })
  }

  return {
    versions: async () => {
      const found = await version()
      return found === undefined ? {} : ({ glusterfs: found } as Record<string, string>)
    },
    survey: async () => ({ served: await servedVolumes(fence) }),
    whyHeld: async (mountPath) => {
      for (const { directory, volume, pid } of await ownBricks())
        if (directory.startsWith(`${mountPath}/`) && (await isLeft(fence, volume))) return isServedFor(volume, pid)
      return undefined
    },
    requireAllBricksOnline,
    brickServer: { program: 'glusterfsd', brickOf },
    client: client(means, prepare, clientWatch),
    tendLogs: () => {
      stopTending()
      stopTending = lookAgain(clock, tend, tendLogsMs)
    },
    close: () => {
      watch.close()
      clientWatch.close()
      stopTending()
    },
    observe: {
      volume: async (volume) => {
        const seen = await look()
        const fenced = await fenceFacts(volume, seen).catch((error: Error) => error.message)
        if (typeof fenced === 'string') {
          tellProblem(volume.volume, fenced)
          return { ...nothingSeen, unavailable: fenced }
        }
        const isNotValid = volume.tls && whyNotValid(volume.tls.serves, toServe(volume.volume), clock.unixSeconds())
        tellProblem(volume.volume, isNotValid ?? (volume.wanted === 'started' ? untried : undefined))
        for (const each of seen.running) if (each.volume === volume.volume) watch.follow(each.uuid, each)
        const boots = boot === undefined ? undefined : { [name]: boot }
        const facts = await volumeFacts(volume, {
          ...seen,
          ...fenced,
          boots,
          hangWatch,
          isReady,
          directories,
          now: clock.unixSeconds(),
        })
        return { ...facts, ...(isNotValid === undefined ? {} : { isNotValid }) }
      },
    },
    effects: {
      makeExports: async ({ volume }) => {
        for (const brick of volume.bricks) {
          if (!(await isReady(brick, volume.directory))) continue
          await makeExports(brickPath(brick.device, volume.directory), brick.uuid, volume.exports, run)
        }
      },
      admitClients: async ({ volume }) => fence.admit(volume.volume, await admissionOf(volume, await look())),
      startBrick: async ({ volume, device }) => {
        const brick = volume.bricks.find((each) => each.device === device)
        if (!brick) return
        await requireReady(brick, volume)
        const admission = await admissionOf(volume, await look())
        if (!admission.ports.includes(brick.port) || !(await fence.isAdmitted(volume.volume, admission)))
          throw new Unavailable(portNotFenced(brick.port))
        await prepare()
        await serveBrick(volume, brick, means)
      },
      renewCertificates: ({ volume }) => renewBricks(volume, means),
      stopBrick: async ({ volume, device, pid, hangs }) => {
        if (hangs) await requireHanging(volume, device, pid)
        for (const { uuid } of (await ownBricks()).filter((each) => each.pid === pid)) {
          watch.forget(uuid)
          hangWatch.forget(uuid)
        }
        await endBrick(volume, pid, means)
      },
      closePorts: async ({ volume }) => {
        await forgetBricks(volume, means)
        await fence.release(volume.volume)
      },
    },
  }
}

/** Where there is no nftables, nothing is in it: its bricks can go all the same. */
async function isLeft(fence: BrickFence, volume: string): Promise<boolean> {
  try {
    return await fence.isLeft(volume)
  } catch (error) {
    return !isProgramMissing(error)
  }
}

function isProgramMissing(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return (error as NodeJS.ErrnoException).code === 'ENOENT' || isProgramMissing(error.cause)
}

const nothingSeen: DirectVolumeFacts = {
  type: 'direct',
  bricks: [],
  others: [],
  directories: [],
  isFenced: false,
}

/** By any one of the transfer's exports: one process serves all of a brick's. */
async function requireAllBricksOnline({ direct = [], tls, bricks: count }: DesiredTransfer): Promise<void> {
  const [source] = direct
  if (source?.bricks.length !== count)
    throw new Error(bricksOffline([`${source?.bricks.length ?? 0} of ${count} are known`]))
  await requireBricks({ ...source, tls })
}

async function prepareDirectories({ run, log }: Directories): Promise<void> {
  for (const directory of [run, log]) await mkdir(directory, { recursive: true, mode: 0o700 })
  await removeStrayFiles({ run, log }, await filesOfRunning({ run, log }))
}

async function filesOfRunning(directories: Directories): Promise<ProcessFiles[]> {
  return (await runningProcesses()).map((each) =>
    each.kind === 'brick'
      ? filesOf('brick', each.uuid, directories)
      : filesOf('client', idOf(each.mountPoint), directories),
  )
}

/** Each phrase once, whatever it is about: the cause is one of the host. */
function oncePhrase(warn: BrickMeans['warn']): BrickMeans['warn'] {
  const said = new Set<string>()
  return (phrase, fields) => {
    if (said.has(phrase)) return
    said.add(phrase)
    warn(phrase, fields)
  }
}

/** Once it has succeeded it is not done again. */
function once(act: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => {
    done ??= act().catch((error: unknown) => {
      done = undefined
      throw error
    })
    return done
  }
}
