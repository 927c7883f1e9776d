import { type Run, runOk } from './run.js'

/**
 * Creates a directory with that mode, and missing parents with 755, whatever the umask of this process: `install`
 * ignores it, so that users can pass at every moment, even if this process dies. May be repeated. Throws CommandError.
 */
export async function makePassable(path: string, mode: '755' | '711' | '000', run: Run): Promise<void> {
  await runOk(run, ['install', '--directory', `--mode=${mode}`, '--', path], { timeoutMs: 10_000 })
}
