import { Refusal } from '../../port/host.js'
import { atTheMoment } from './messages.js'

/** For commands that are fast whatever the size of the disk. */
export const commandMs = 60_000

/**
 * The error for a command that failed on a disk: Refusal for a disk that has failed, so that its brick is placed
 * elsewhere; Error for a disk that is busy at the moment.
 */
export function diskError(what: string, stderr: string, code: number): Error {
  const words = stderr.trim().split('\n').slice(-3).join('; ').slice(0, 500) || `exit code ${code}`
  return /busy/i.test(stderr) ? new Error(`${atTheMoment(what)}: ${words}`) : new Refusal(`${what}: ${words}`)
}
