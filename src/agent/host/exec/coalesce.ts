import { setTimeout as pause } from 'node:timers/promises'

/**
 * Calls that come together, or within `gatherMs`, share one run of `look`, which begins after the call. Runs never
 * overlap.
 */
export function coalesce<T>(look: () => Promise<T>, gatherMs = 0): () => Promise<T> {
  let running: Promise<unknown> = Promise.resolve()
  let next: Promise<T> | undefined
  return () => {
    next ??= running.then(begin, begin)
    return next
  }

  async function begin(): Promise<T> {
    if (gatherMs > 0) await pause(gatherMs)
    running = next!
    next = undefined
    return look()
  }
}
