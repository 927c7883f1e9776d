import type { Clock } from './clock.js'

/** Lets other callbacks that are due run: long work calls it between its pieces. */
export function yieldToEventLoop(clock: Clock): Promise<void> {
  return new Promise((resolve) => void clock.after(0, resolve))
}
