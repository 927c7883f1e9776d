import { Refusal } from '../../port.js'

/** For commands that take moments, whatever the size of the disk. */
export const commandMs = 60_000

/** A disk that fails is refused, so that its brick is placed elsewhere; one that somebody looks at for a moment is not. */
export function diskError(what: string, stderr: string, code: number): Error {
  const words = stderr.trim().split('\n').slice(-3).join('; ').slice(0, 500) || `exit code ${code}`
  return /busy/i.test(stderr) ? new Error(`${what} now: ${words}`) : new Refusal(`${what}: ${words}`)
}
