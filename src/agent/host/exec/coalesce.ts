import { setTimeout as pause } from 'node:timers/promises'

/**
 * Calls that come together, or within `gatherMs`, share one look; each gets one that began after it asked. Looks never run
 * beside each other.
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
