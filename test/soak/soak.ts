import { setTimeout as pause } from 'node:timers/promises'
import type { Cluster } from '../../lab/interface.js'
import { randomOf } from '../support/random.js'
import { faults } from './faults.js'
import { works } from './work.js'

export interface SoakOptions {
  durationMs: number
  seed: number
  say?: (line: string) => void
}

export type Counts = Map<string, number>

/** How many users work at once. */
const users = 3

/**
 * Jobs and buffers without pause, and one fault after the other, drawn by the seed, for that long. Resolves with what was
 * done and how often, when the last fault is over and the last job has ended; throws at what must not be.
 */
export async function soak(lab: Cluster, { durationMs, seed, say = () => {} }: SoakOptions): Promise<Counts> {
  const counts: Counts = new Map()
  const count = (what: string) => void counts.set(what, (counts.get(what) ?? 0) + 1)
  const end = performance.now() + durationMs
  const isOver = () => performance.now() >= end
  let last = 0
  let calmSince = performance.now()

  const user = async (index: number) => {
    const random = randomOf(seed * 1000 + index)
    while (!isOver()) {
      const work = random.oneOf(works)
      const how = await work.go({ lab, random, number: ++last, calmSince: () => calmSince, count })
      count(`${work.name}: ${how}`)
    }
  }
  const trouble = async () => {
    const random = randomOf(seed)
    while (!isOver()) {
      await pause(random.below(10_000))
      const fault = random.oneOf(faults)
      say(fault.name)
      calmSince = Infinity
      await fault.happen(lab, random)
      calmSince = performance.now()
      count(`fault: ${fault.name}`)
    }
  }
  await Promise.all([trouble(), ...Array.from({ length: users }, (_, index) => user(index))])
  return counts
}

export function tell(counts: Counts): string {
  return [...counts]
    .sort()
    .map(([what, times]) => `${String(times).padStart(4)}  ${what}`)
    .join('\n')
}
