interface Clock {
  after(ms: number, callback: () => void): () => void
}

const usualMs = 10_000

/** Looks again after each ten seconds, or `everyMs`, counted from the end of the look before, whatever comes of it. Gives what ends it. */
export function lookAgain(clock: Clock, look: () => Promise<unknown>, everyMs = usualMs): () => void {
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
