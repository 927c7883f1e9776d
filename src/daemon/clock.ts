/** Time as a dependency, so that simulation can run the loops under a virtual clock. */
export interface Clock {
  /** Unix seconds, whole: for documents that people read. */
  unixSeconds(): number
  /** Monotonic milliseconds: for deadlines and leases. */
  monotonicMs(): number
  /** Calls back once after `ms`; the returned function cancels it. */
  after(ms: number, callback: () => void): () => void
}

export const systemClock: Clock = {
  unixSeconds: () => Math.floor(Date.now() / 1000),
  monotonicMs: () => performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  },
}
