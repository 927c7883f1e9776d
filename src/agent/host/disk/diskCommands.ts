import { Refusal } from '../../port.js'

/** For commands that take moments, whatever the size of the disk. */
export const commandMs = 60_000

/**
 * What to throw for a command that failed on a disk: Refusal for a disk that fails, so that its brick is placed
 * elsewhere; Error for one that somebody looks at for a moment.
 */
export function diskError(what: string, stderr: string, code: number): Error {
  const words = stderr.trim().split('\n').slice(-3).join('; ').slice(0, 500) || `exit code ${code}`
  return /busy/i.test(stderr) ? new Error(`${what} now: ${words}`) : new Refusal(`${what}: ${words}`)
}
