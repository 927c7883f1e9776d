export type Limit = <T>(task: () => Promise<T>) => Promise<T>

/** Runs at most `most` tasks at a time; the others wait in the order in which they came. */
export function limiter(most: number): Limit {
  let running = 0
  const queue: (() => void)[] = []
  return async (task) => {
    if (running >= most) await new Promise<void>((resolve) => queue.push(resolve))
    else running++
    try {
      return await task()
    } finally {
      const next = queue.shift()
      if (next) next()
      else running--
    }
  }
}
