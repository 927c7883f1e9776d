/** Milliseconds to wait before try `attempt` (0 is the first repetition): doubling from `firstMs` to `maxMs`, with jitter. */
export function backoffMs(attempt: number, firstMs: number, maxMs: number, random: () => number = Math.random): number {
  const limit = Math.min(maxMs, firstMs * 2 ** Math.min(attempt, 20))
  return limit / 2 + random() * (limit / 2)
}
