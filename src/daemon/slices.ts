import type { Clock } from './clock.js'
import { yieldToEventLoop } from './yieldToEventLoop.js'

/*
 * Long work in slices of time. A piece of work yields between its steps, each of which is short. `inSlices` lets other callbacks have
 * their turn at such a place when a slice is used up: however long a step takes, nobody else waits longer than a slice and a step.
 * What the work reads may change between two steps, not within one.
 */
export type Work<T> = Generator<void, T, void>

const sliceMs = 20

export async function inSlices<T>(clock: Clock, work: Work<T>): Promise<T> {
  for (let end = clock.monotonicMs() + sliceMs; ;) {
    const { done, value } = work.next()
    if (done) return value
    if (clock.monotonicMs() < end) continue
    await yieldToEventLoop(clock)
    end = clock.monotonicMs() + sliceMs
  }
}

/** Without interruption, for work that is known to be short. */
export function atOnce<T>(work: Work<T>): T {
  for (;;) {
    const { done, value } = work.next()
    if (done) return value
  }
}

/** A step for each item. */
export function* each<T, R>(items: readonly T[], act: (item: T) => R): Work<R[]> {
  const results: R[] = []
  for (const item of items) {
    results.push(act(item))
    yield
  }
  return results
}

/** A step for each document that is still there when its turn has come; those that come meanwhile are left out. */
export function* eachDocument<T, R>(
  documents: ReadonlyMap<string, T>,
  act: (document: T, key: string) => R,
): Work<R[]> {
  const results: R[] = []
  for (const key of [...documents.keys()]) {
    const document = documents.get(key)
    if (document !== undefined) results.push(act(document, key))
    yield
  }
  return results
}

const sortedTogether = 500

/** Sorts a copy: parts of it, which are merged then. Stable, as `sort` is. */
export function* sorted<T>(items: readonly T[], compare: (a: T, b: T) => number): Work<T[]> {
  let parts: T[][] = []
  for (let start = 0; start < items.length; start += sortedTogether) {
    parts.push(items.slice(start, start + sortedTogether).sort(compare))
    yield
  }
  while (parts.length > 1) {
    const merged: T[][] = []
    for (let at = 0; at < parts.length; at += 2) merged.push(yield* merge(parts[at]!, parts[at + 1] ?? [], compare))
    parts = merged
  }
  return parts[0] ?? []
}

function* merge<T>(a: readonly T[], b: readonly T[], compare: (a: T, b: T) => number): Work<T[]> {
  const merged: T[] = []
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    const takesA = j === b.length || (i < a.length && compare(a[i]!, b[j]!) <= 0)
    merged.push(takesA ? a[i++]! : b[j++]!)
    if (merged.length % sortedTogether === 0) yield
  }
  return merged
}
