export type OneByOne = <T>(name: string, task: () => Promise<T>) => Promise<T>

/**
 * Runs the tasks of one name one after the other, in the order in which they came; tasks of different names run at
 * once.
 */
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
