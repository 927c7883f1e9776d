import { dirname } from 'node:path'
import { prepareLog, type ProcessFiles, readLog, requireClosed, writeSecret } from './files.js'
import { rm } from 'node:fs/promises'
import type { Run } from '../../exec/run.js'

/*
 * Starting a process of GlusterFS. It reads its volfile once, before the command that starts it ends, and never again, also on
 * SIGHUP (measured, 10.3): the file, which contains a password, is there for these milliseconds alone. The process leaves the
 * agent's process group and session by itself, changes to `/`, and belongs to init.
 *
 *   the agent dies            what is there                      the next start
 *   before the volfile        nothing                            starts
 *   with the volfile          a file in a closed directory       replaces it
 *   while it starts           perhaps a process                  finds it, or waits until it has ended: it has the lock of the
 *                                                                pid file
 *   before the volfile is off a process, and the file            `removeStrayVolfiles` takes it off
 */
const startMs = 30_000

/** A process of GlusterFS that was started. */
export interface Started {
  code: number
  /** The size that its log had before. */
  from: number
  /** What it wrote into its log meanwhile. */
  said: string
}

/** Throws CommandError when the command cannot be started or hangs: whether the process lives then is to be looked at. */
export async function startWithVolfile(
  files: ProcessFiles,
  volfile: string,
  argv: readonly [string, ...string[]],
  run: Run,
): Promise<Started> {
  await requireClosed(dirname(files.volfile))
  const from = await prepareLog(files.log)
  await writeSecret(files.volfile, volfile)
  try {
    const { code } = await run(argv, { timeoutMs: startMs })
    return { code, from, said: await readLog(files.log, from) }
  } finally {
    await rm(files.volfile, { force: true })
  }
}
