import { setTimeout as pause } from 'node:timers/promises'
import type { Cluster } from '../../lab/common/interface.js'
import { randomOf } from '../support/random.js'
import { type Fault, faults as allFaults } from './faults.js'
import { type Work, works as allWorks } from './work.js'

export interface SoakOptions {
  durationMs: number
  seed: number
  say?: (line: string) => void
  /** What there is to do and to go wrong, if not all. */
  works?: readonly Work[]
  faults?: readonly Fault[]
  /** At most so long from the end of one fault to the next. */
  calmMs?: number
}

export type Counts = Map<string, number>

/** How many users work at once. */
const users = 3

/**
 * Jobs and buffers without pause, and one fault after the other, drawn by the seed, for that long. Resolves with what was
 * done and how often, when the last fault is over and the last job has ended; throws at what must not be.
 */
export async function soak(lab: Cluster, options: SoakOptions): Promise<Counts> {
  const { durationMs, seed, say = () => {}, works = allWorks, faults = allFaults, calmMs = 10_000 } = options
  const counts: Counts = new Map()
  const count = (what: string) => void counts.set(what, (counts.get(what) ?? 0) + 1)
  const end = performance.now() + durationMs
  let hasFailed = false
  const isOver = () => hasFailed || performance.now() >= end
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
      await pause(random.below(calmMs))
      const fault = random.oneOf(faults)
      say(fault.name)
      calmSince = Infinity
      await fault.happen(lab, random)
      calmSince = performance.now()
      count(`fault: ${fault.name}`)
    }
  }
  const all = [trouble(), ...Array.from({ length: users }, (_, index) => user(index))]
  const ended = await Promise.allSettled(
    all.map((one) =>
      one.catch((error: unknown) => {
        hasFailed = true
        throw error
      }),
    ),
  )
  // The first that failed; the others were let come to their end, so that nothing of them goes on after it.
  const failed = ended.find((one) => one.status === 'rejected')
  if (failed) throw failed.reason
  return counts
}

/** Why it proves nothing, if so: every job may have been cost its run. */
export function whyEmpty(counts: Counts): string | undefined {
  const has = (what: RegExp) => [...counts.keys()].some((name) => what.test(name))
  if (!has(/^fault: /)) return 'no fault happened'
  return has(/: completed$/) ? undefined : 'no job completed'
}

export function tell(counts: Counts): string {
  return [...counts]
    .sort()
    .map(([what, times]) => `${String(times).padStart(4)}  ${what}`)
    .join('\n')
}
