import { printSize, slotsFor } from '../../model/capacity.js'
import type { Cluster } from '../../model/cluster.js'
import { quote } from '../../model/names.js'
import type { SchedulerConfig } from '../config.js'
import { findPool, poolsOf } from '../pools.js'
import type { Directives } from './directives.js'
import { problemWithPlaces } from './stageChecks.js'

/**
 * Why a job with these directives can never run, whoever its user is; undefined when it may. A pool that is merely full now
 * is no reason: Slurm waits for it.
 */
export function whyItNeverWorks(
  cluster: Cluster,
  config: Pick<SchedulerConfig, 'pools'>,
  directives: Directives,
): string | undefined {
  return (
    problemWithSizes(cluster, config, directives) ??
    problemWithUses(cluster, directives) ??
    problemWithPlaces(cluster, directives.stages)
  )
}

/** What one job asks for at once: its own buffer and those that it creates. */
function problemWithSizes(
  cluster: Cluster,
  config: Pick<SchedulerConfig, 'pools'>,
  { jobdw, creates }: Directives,
): string | undefined {
  const reports = poolsOf(cluster, config)
  const asked = new Map<string, number>()
  for (const { line, bytes, pool: name } of [...(jobdw ? [jobdw] : []), ...creates]) {
    const pool = findPool(config, name)
    if ('refused' in pool) return `line ${line}: ${pool.refused}`
    const slots = (asked.get(pool.name) ?? 0) + slotsFor(bytes, pool.granularityBytes)
    asked.set(pool.name, slots)
    const { quantity } = reports.find((report) => report.name === pool.name)!
    if (slots <= quantity) continue
    const [wanted, most] = [slots, quantity].map((count) => printSize(count * pool.granularityBytes))
    return `line ${line}: capacity= asks for more than there is: with it the job takes ${wanted} of pool ${pool.name}, which has ${most}`
  }
  return undefined
}

function problemWithUses(cluster: Cluster, { uses, creates }: Directives): string | undefined {
  const made = new Set(creates.map(({ name }) => name))
  for (const { name, line } of uses) {
    if (made.has(name)) continue
    const buffer = cluster.buffers.get(name)
    if (buffer?.kind !== 'persistent') return `line ${line}: there is no persistent buffer ${quote(name)}`
    if (buffer.wanted === 'absent') return `line ${line}: the persistent buffer ${quote(name)} is being destroyed`
    if (buffer.failure !== undefined)
      return `line ${line}: the persistent buffer ${quote(name)} has failed: ${buffer.failure}`
  }
  return undefined
}
