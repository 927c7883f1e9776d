import { type Run, runOk } from './run.js'

/**
 * Makes a directory with that mode, and what is missing above it with 755, whatever the umask of this process:
 * `install` has none of its own, so that there is no moment, and no death, in which users cannot pass. May be repeated.
 * Throws CommandError.
 */
export async function makePassable(path: string, mode: '755' | '711', run: Run): Promise<void> {
  await runOk(run, ['install', '--directory', `--mode=${mode}`, '--', path], { timeoutMs: 10_000 })
}
