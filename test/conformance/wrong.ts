import { setTimeout as pause } from 'node:timers/promises'

/** What a file system answered against the rules. */
export class Wrong extends Error {
  override name = 'Wrong'
}

/** For how long a wrong answer is asked for again, to tell one that was late from one that stays. */
const patienceMs = 4_000

/**
 * Throws Wrong when `look` does not give what is expected, and tells how long it took to become right. `look` must not change
 * anything.
 */
export async function expectSeen(what: string, expected: string, look: () => Promise<string>): Promise<void> {
  const first = await look()
  if (first === expected) return
  const begin = performance.now()
  while (performance.now() - begin < patienceMs) {
    await pause(20)
    if ((await look()) !== expected) continue
    throw new Wrong(`${what}: ${difference(expected, first)}; right after ${Math.round(performance.now() - begin)} ms`)
  }
  throw new Wrong(`${what}: ${difference(expected, first)}; still wrong after ${patienceMs} ms`)
}

export function difference(expected: string, seen: string): string {
  return `expected ${expected}, got ${seen}`
}
