import type { Clock } from '../../src/daemon/clock.js'

/*
 * Virtual time and chance. Everything that happens is an event with a time; which comes first among those of one moment, and
 * how long messages take, is drawn from one seeded source, so that a seed is a history.
 */
export class World {
  nowMs = 1_000_000
  events = 0
  /** Calls that read a file just now: time stands still until they have. */
  reading = 0
  /** What the clocks of the wall are ahead of the world's time. */
  wallSeconds = 1_000_000
  /** Clocks of the wall that somebody steps by an hour, to and fro, whenever they are looked at. */
  hasSteppedClocks = false
  private looks = 0
  private readonly heap: Event[] = []
  private sequence = 0

  constructor(readonly random: () => number) {}

  readonly clock: Clock = {
    unixSeconds: () => this.wallSeconds + Math.floor(this.nowMs / 1000) + this.wallStep(),
    monotonicMs: () => this.nowMs,
    after: (ms, act) => this.at(ms, act),
  }

  /** `act` happens so much later; the returned function calls it off. */
  at(inMs: number, act: () => void): () => void {
    const event = {
      time: this.nowMs + Math.max(0, inMs),
      tie: this.random(),
      sequence: this.sequence++,
      act,
      off: false,
    }
    push(this.heap, event)
    return () => (event.off = true)
  }

  /** A message on its way: mostly fast, now and then slow. */
  readonly deliver = (act: () => void): void => {
    const luck = this.random()
    const ms = luck < 0.9 ? this.random() * 3 : luck < 0.99 ? this.random() * 100 : this.random() * 3000
    this.at(ms, act)
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.at(ms, resolve))
  }

  between(low: number, high: number): number {
    return low + Math.floor(this.random() * (high - low + 1))
  }

  pick<T>(of: readonly T[]): T {
    return of[Math.floor(this.random() * of.length)]!
  }

  private wallStep(): number {
    return this.hasSteppedClocks ? [0, 3600, -3600][this.looks++ % 3]! : 0
  }

  /** The next event, and all that follows from it without time passing. False when none is left. */
  async step(): Promise<boolean> {
    for (;;) {
      const event = pop(this.heap)
      if (!event) return false
      if (event.off) continue
      this.nowMs = event.time
      this.events++
      event.act()
      do await settled()
      while (this.reading > 0)
      return true
    }
  }
}

/** Mulberry32: small, fast, and the same everywhere. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** Promises have settled when the next turn of Node's own loop comes; nothing in a simulation waits for anything real. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

interface Event {
  time: number
  tie: number
  sequence: number
  act: () => void
  off: boolean
}

function isBefore(a: Event, b: Event): boolean {
  if (a.time !== b.time) return a.time < b.time
  if (a.tie !== b.tie) return a.tie < b.tie
  return a.sequence < b.sequence
}

function push(heap: Event[], event: Event): void {
  let at = heap.push(event) - 1
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (!isBefore(heap[at]!, heap[parent]!)) return
    ;[heap[at], heap[parent]] = [heap[parent]!, heap[at]!]
    at = parent
  }
}

function pop(heap: Event[]): Event | undefined {
  const top = heap[0]
  const last = heap.pop()
  if (!top || !last || heap.length === 0) return top
  heap[0] = last
  for (let at = 0; ;) {
    let first = at
    for (const child of [2 * at + 1, 2 * at + 2]) {
      if (child < heap.length && isBefore(heap[child]!, heap[first]!)) first = child
    }
    if (first === at) return top
    ;[heap[at], heap[first]] = [heap[first]!, heap[at]!]
    at = first
  }
}
