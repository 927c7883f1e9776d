import { setTimeout as pause } from 'node:timers/promises'
import { expectedWithin } from './messages.js'

export interface Wait {
  /** What the caller waits for, for the message: `c1 is idle`. */
  what: string
  deadlineMs?: number
  /** Says what is there instead, when the deadline has passed. */
  seen?: () => Promise<string>
}

const maxPauseMs = 100

/**
 * Asks again and again, with pauses that grow, until there is an answer. Throws an error that says what was expected and what was
 * seen.
 */
export async function until<T>(
  { what, deadlineMs = 120_000, seen }: Wait,
  ask: () => Promise<T | undefined | false>,
): Promise<T> {
  const deadline = performance.now() + deadlineMs
  let last: unknown
  for (let pauseMs = 2; ; pauseMs = Math.min(2 * pauseMs, maxPauseMs)) {
    try {
      const answer = await ask()
      if (answer !== undefined && answer !== false) return answer
      last = undefined
    } catch (error) {
      last = error
    }
    if (performance.now() > deadline) break
    await pause(pauseMs)
  }
  const instead = last instanceof Error ? last.message : await seen?.()
  throw new Error(expectedWithin(deadlineMs, what, instead), { cause: last })
}
