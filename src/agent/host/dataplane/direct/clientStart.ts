import { writeFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { endProcess } from '../../exec/processes.js'
import type { Run } from '../../exec/run.js'
import { clientCommand } from './clientCommand.js'
import { clientVolfile } from './clientVolfile.js'
import { type Directories, filesOf, readLog, removeFiles } from './files.js'
import type { GraphParts } from '../common/graphs.js'
import { notMounted } from './messages.js'
import { type MountState, mountState } from './mountState.js'
import { type Running, runningProcesses } from './running.js'
import { startWithVolfile } from './start.js'
import { type ClientFailure, clientFailureIn, firstError } from './startFailure.js'
import type { MountedVolume } from './types.js'

/*
 *   the agent dies                what is there                          the next look
 *   before the process            perhaps its volfile                    starts it, as start.ts says
 *   while it is waited for        a mount that answers, or will          finds it by `mountState`
 *                                 a mount that never answers, no mount   finds it silent or absent: `stopClient`, and starts again
 *   after umount, when it stops   a process without a mount, or none     `stopClient` ends it
 */

/** What one client is started for. */
export interface ClientStart {
  /** Names its files. One client at a time has it. */
  id: string
  /** What the mount table calls it, behind `glusterfs:`. */
  name: string
  volume: MountedVolume
  /** A directory that is there. */
  mountPoint: string
  graph: GraphParts
  acl?: boolean
  directories: Directories
  oomScoreAdj: number
  /** With all bricks it shows no fewer (`totalBytes`): waited for, as bricks may answer one behind another. */
  minBytes?: number | undefined
  /** For so long it is waited for. */
  timeoutMs: number
}

/** The client does not mount the volume, and says why. */
export class ClientNotStarted extends Error {
  override name = 'ClientNotStarted'
  constructor(
    readonly failure: ClientFailure,
    message: string,
  ) {
    super(message)
  }
}

const endMs = 10_000
const unmountMs = 30_000

/**
 * Mounts the volume. Resolves with its state when the mount answers, with the bytes of all bricks or, when its time is
 * over, with fewer. Throws ClientNotStarted when nothing is mounted or the mount does not answer, and leaves nothing then;
 * Error for words that are none; CommandError when the command cannot be started or hangs.
 */
export async function startClient(
  start: ClientStart,
  run: Run,
  warn: (phrase: string, fields: object) => void,
): Promise<MountState & { kind: 'answers' }> {
  const { id, name, mountPoint, directories } = start
  const files = filesOf('client', id, directories)
  const argv = clientCommand({
    ...start,
    ...files,
    volume: name,
    dispersed: start.volume.layout.kind === 'disperse',
  })
  const begun = performance.now()
  const { from } = await startWithVolfile(files, clientVolfile(start.volume, start.graph.layers), argv, run)
  await protect(start, warn)
  const state = await readyState(start, begun, run)
  if (state.kind === 'answers') return state
  const said = await readLog(files.log, from)
  await stopClient(id, { name, mountPoint, directories }, run)
  const failure = clientFailureIn(said)
  const seen = state.kind === 'silent' ? state.reason : state.kind === 'foreign' ? state.source : ''
  throw new ClientNotStarted(failure, notMounted(failure, mountPoint, firstError(said) || seen))
}

/** Until it is ready, its process has ended, or its time is over. */
async function readyState(start: ClientStart, begun: number, run: Run): Promise<MountState> {
  const { mountPoint, name, minBytes, timeoutMs } = start
  for (let waitMs = 5; ; waitMs = Math.min(200, waitMs * 2)) {
    // Looked at before the mount: it is there as long as the process lives.
    const lives = (await runningClient(mountPoint)) !== undefined
    const state = await mountState(mountPoint, name, run)
    const isReady = state.kind === 'answers' && (minBytes === undefined || state.totalBytes >= minBytes)
    if (isReady || !lives || performance.now() - begun > timeoutMs) return state
    await pause(waitMs)
  }
}

async function protect({ mountPoint, oomScoreAdj }: ClientStart, warn: (phrase: string, fields: object) => void) {
  const running = await runningClient(mountPoint)
  if (!running) return
  await writeFile(`/proc/${running.pid}/oom_score_adj`, String(oomScoreAdj)).catch((error: unknown) =>
    warn('a mount may be lost when memory is short', { mountPoint, reason: String(error) }),
  )
}

/** The process behind the mount. */
export async function runningClient(mountPoint: string): Promise<Running | undefined> {
  return (await runningProcesses()).find((each) => each.kind === 'client' && each.mountPoint === mountPoint)
}

/**
 * Unmounts, never lazily, and ends the client, which does so by itself after that. Throws Error while the mount is in use, and
 * ends nothing then. May be repeated.
 */
export async function stopClient(
  id: string,
  { name, mountPoint, directories }: Pick<ClientStart, 'name' | 'mountPoint' | 'directories'>,
  run: Run,
): Promise<void> {
  const before = await mountState(mountPoint, name, run)
  if (before.kind === 'silent' || before.kind === 'answers') {
    const { stderr } = await run(['umount', '--', mountPoint], { timeoutMs: unmountMs })
    const after = await mountState(mountPoint, name, run)
    if (after.kind === 'silent' || after.kind === 'answers')
      throw new Error(`${mountPoint} cannot be unmounted: ${stderr.trim()}`)
  }
  for (const each of await runningProcesses())
    if (each.kind === 'client' && each.mountPoint === mountPoint && each.volume === name) await endProcess(each, endMs)
  await removeFiles(filesOf('client', id, directories))
}
