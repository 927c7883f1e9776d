import { writeFile } from 'node:fs/promises'
import type { Run } from '../../exec/run.js'
import { endProcess } from '../../exec/processes.js'
import { brickCommand, type BrickIdentity } from './brickCommand.js'
import { brickVolfile } from './brickVolfile.js'
import { type Directories, filesOf, removeFiles } from './files.js'
import { brickNotStarted } from './messages.js'
import { type Running, runningProcesses } from './running.js'
import { startWithVolfile } from './start.js'
import { failureIn, firstError, type StartFailure } from './startFailure.js'
import type { BrickProcess } from './types.js'

/** What one brick process is started for. */
export interface BrickStart extends BrickIdentity {
  serves: BrickProcess
  directories: Directories
  /** From -1000 (never killed when memory is short) to 1000. */
  oomScoreAdj: number
}

/** GlusterFS does not serve the brick, and says why. */
export class BrickNotStarted extends Error {
  override name = 'BrickNotStarted'
  constructor(
    readonly failure: StartFailure,
    message: string,
  ) {
    super(message)
  }
}

const endMs = 10_000

/**
 * Starts the process. When this resolves it listens; whether it answers is for `probeBrick` to see. Throws BrickNotStarted
 * when GlusterFS refuses, after two seconds if the port is in use, and leaves nothing then; Error for words that are none;
 * CommandError when the command cannot be started or hangs: whether the process lives then is to be looked at. `warn` hears
 * that its memory is not protected.
 */
export async function startBrick(
  start: BrickStart,
  run: Run,
  warn: (phrase: string, fields: object) => void,
): Promise<Running> {
  const { uuid, directory, serves, directories, oomScoreAdj } = start
  const files = filesOf('brick', uuid, directories)
  const { code, said } = await startWithVolfile(files, brickVolfile(serves), brickCommand(start, files), run)
  const running = await runningBrick(uuid)
  const failure = failureIn(said)
  // With a certificate that cannot be read it listens, and lets nobody in.
  if (code === 0 && running && failure !== 'certificate') {
    await writeFile(`/proc/${running.pid}/oom_score_adj`, String(oomScoreAdj)).catch((error: unknown) =>
      warn('a brick process may be killed when memory is short', { uuid, reason: String(error) }),
    )
    return running
  }
  // The one that is running has the pid file.
  if (failure !== 'alreadyRunning') await stopBrick(uuid, directories)
  throw new BrickNotStarted(failure, brickNotStarted(failure, { ...serves, directory, said: firstError(said) }))
}

/** The process that serves the brick with that uuid. */
export async function runningBrick(uuid: string): Promise<Running | undefined> {
  return (await runningProcesses()).find((each) => each.kind === 'brick' && each.uuid === uuid)
}

/** Ends whatever serves the brick, and takes its files off but its log. May be repeated. Throws Error when it hangs. */
export async function stopBrick(uuid: string, directories: Directories): Promise<void> {
  for (const each of await runningProcesses())
    if (each.kind === 'brick' && each.uuid === uuid) await endProcess(each, endMs)
  await removeFiles(filesOf('brick', uuid, directories))
}
