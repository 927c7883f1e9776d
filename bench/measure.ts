import type { DataPlaneName } from '../src/model/documents/direct.js'

/** One line of a benchmark: what was measured, and what it is compared with, in one run. */
export interface Figure {
  what: string
  value: number
  unit: string
  /** What it is compared with, in the same unit. */
  against?: { what: string; value: number }
  /** The target, in words. */
  wanted?: string
}

/** What is measured, and how much of it, where a benchmark can do with less. */
export interface Choice {
  /** Numbers of bricks. */
  counts: readonly number[]
  /** What is measured so often that the median counts. */
  rounds: number
  /** What staging copies: so many small files, and one file of so many bytes. */
  files: number
  bytes: number
  /** Jobs, and how many of them at once. */
  jobs: number
  atOnce: number
  planes: readonly DataPlaneName[]
}

/** Tells how far a benchmark has come. */
export type Say = (line: string) => void

export interface Benchmark {
  describe: string
  run: (say: Say, choice: Choice) => Promise<Figure[]>
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export async function timed(act: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await act()
  return performance.now() - start
}
