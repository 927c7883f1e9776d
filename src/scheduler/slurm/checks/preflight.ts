import { slotsFor } from '../../../model/capacity.js'
import type { Cluster } from '../../../model/cluster.js'
import type { SchedulerConfig } from '../../config.js'
import { findPool, poolsOf } from '../../cluster/pools.js'
import { slotsForSwap, problemWithSwapOfPool } from '../../placement/swapCapacity.js'
import type { Directives } from '../script/directivesType.js'
import { inLine } from '../script/messages.js'
import { exceedsPool } from './messages.js'
import { problemWithPlaces } from './stageChecks.js'

type Settings = Pick<SchedulerConfig, 'pools' | 'swap'>

/**
 * Why a job with these directives can never run, whoever its user is; undefined when it may. It ignores what an earlier job may
 * still change: a pool that is full now, a persistent buffer that does not exist yet or is being destroyed, an absent source.
 * Slurm lets the job wait, and setup checks again.
 */
export function findImpossibleRequest(cluster: Cluster, config: Settings, directives: Directives): string | undefined {
  return (
    problemWithSwap(config, directives) ??
    problemWithSizes(cluster, config, directives) ??
    problemWithPlaces(cluster, directives.stages)
  )
}

/** Also checked at setup: the setting may have changed meanwhile. */
export function problemWithSwap(config: Settings, { swap, jobdw }: Directives): string | undefined {
  if (!swap) return undefined
  const pool = findPool(config, swap.pool ?? jobdw?.pool)
  const problem = 'refused' in pool ? pool.refused : problemWithSwapOfPool(config.swap, swap.bytes, pool)
  return problem === undefined ? undefined : inLine(swap.line, problem)
}

/** Checks the sum of what one job asks for: its own buffer and those that it creates. */
function problemWithSizes(
  cluster: Cluster,
  config: Settings,
  { jobdw, swap, creates }: Directives,
): string | undefined {
  const reports = poolsOf(cluster, config)
  const asked = new Map<string, number>()
  const sized = (what: { line: string; bytes: number; pool?: string }) => ({
    ...what,
    word: 'capacity=',
    slotsIn: (granularityBytes: number) => slotsFor(what.bytes, granularityBytes),
  })
  const swapped = ({ line, bytes, pool = jobdw?.pool }: NonNullable<Directives['swap']>) => ({
    line,
    pool,
    word: 'swap',
    slotsIn: (granularityBytes: number) => slotsForSwap({ bytes, nodes: 1 }, granularityBytes),
  })
  const asks = [...(jobdw ? [sized(jobdw)] : []), ...(swap ? [swapped(swap)] : []), ...creates.map(sized)]
  for (const { line, pool: name, word, slotsIn } of asks) {
    const pool = findPool(config, name)
    if ('refused' in pool) return inLine(line, pool.refused)
    const slots = (asked.get(pool.name) ?? 0) + slotsIn(pool.granularityBytes)
    asked.set(pool.name, slots)
    const { quantity } = reports.find((report) => report.name === pool.name)!
    if (slots <= quantity) continue
    const [askedBytes, poolBytes] = [slots * pool.granularityBytes, quantity * pool.granularityBytes]
    return inLine(line, exceedsPool(word, pool.name, askedBytes, poolBytes))
  }
  return undefined
}
