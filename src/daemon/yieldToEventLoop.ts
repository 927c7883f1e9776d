import type { Clock } from './clock.js'

/** Lets everything else that is due have its turn: long work takes one between its pieces. */
export function yieldToEventLoop(clock: Clock): Promise<void> {
  return new Promise((resolve) => void clock.after(0, resolve))
}
