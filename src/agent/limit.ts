export type Limit = <T>(task: () => Promise<T>) => Promise<T>
export type OneByOne = <T>(name: string, task: () => Promise<T>) => Promise<T>

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

/** Runs the tasks of one name one after the other, in the order in which they came; those of other names beside them. */
export function byName(): OneByOne {
  const last = new Map<string, Promise<unknown>>()
  return async (name, task) => {
    const before = last.get(name) ?? Promise.resolve()
    const mine = before.then(task, task)
    last.set(name, mine)
    try {
      return await mine
    } finally {
      if (last.get(name) === mine) last.delete(name)
    }
  }
}
