import { setTimeout as pause } from 'node:timers/promises'

export interface Wait {
  /** What is awaited, for the message: `c1 is idle`. */
  what: string
  deadlineMs?: number
  /** Tells what is there instead, when the deadline has passed. */
  seen?: () => Promise<string>
}

/** Asks again and again, with short pauses, until there is an answer; throws a message that says what was awaited and seen. */
export async function until<T>(
  { what, deadlineMs = 120_000, seen }: Wait,
  ask: () => Promise<T | undefined | false>,
): Promise<T> {
  const deadline = performance.now() + deadlineMs
  let last: unknown
  for (;;) {
    try {
      const answer = await ask()
      if (answer !== undefined && answer !== false) return answer
      last = undefined
    } catch (error) {
      last = error
    }
    if (performance.now() > deadline) break
    await pause(100)
  }
  const instead = last instanceof Error ? last.message : await seen?.()
  throw new Error(`expected within ${deadlineMs / 1000} s: ${what}${instead ? `\nseen: ${instead}` : ''}`, {
    cause: last,
  })
}
