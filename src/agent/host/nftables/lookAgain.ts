import type { Clock } from '../../../daemon/clock.js'

const everyMs = 10_000

/** Looks again every ten seconds, counted from the end of the look before, whatever comes of it. Gives what ends it. */
export function lookAgain(clock: Clock, look: () => Promise<unknown>): () => void {
  let isClosed = false
  let cancel = () => {}
  const schedule = () => {
    if (!isClosed) cancel = clock.after(everyMs, () => void look().then(schedule, schedule))
  }
  schedule()
  return () => {
    isClosed = true
    cancel()
  }
}
