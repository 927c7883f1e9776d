/** Calls that come together share one look; each gets one that began after it asked. Looks never run beside each other. */
export function shared<T>(look: () => Promise<T>): () => Promise<T> {
  let running: Promise<unknown> = Promise.resolve()
  let next: Promise<T> | undefined
  return () => {
    next ??= running.then(begin, begin)
    return next
  }

  function begin(): Promise<T> {
    next = undefined
    const current = look()
    running = current
    return current
  }
}
