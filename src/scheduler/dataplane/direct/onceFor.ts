/*
 * What is made from a buffer's secret. The loop asks for all of it with each change and each report, and a job on thousands of
 * nodes has as many logins and certificates: each is made once for each document of the buffer.
 */
const made = new WeakMap<object, Map<string, unknown>>()

/** `name`: of what is made, which is another one for each name. */
export function onceFor<T>(buffer: object, name: string, make: () => T): T {
  const known = made.get(buffer) ?? new Map<string, unknown>()
  made.set(buffer, known)
  if (!known.has(name)) known.set(name, make())
  return known.get(name) as T
}

/** How much was made for that document. */
export function countMade(buffer: object): number {
  return made.get(buffer)?.size ?? 0
}
