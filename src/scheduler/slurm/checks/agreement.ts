import { printSize, slotsFor } from '../../../model/capacity.js'
import type { Cluster } from '../../../model/cluster.js'
import { quote } from '../../../model/names.js'
import type { SchedulerConfig } from '../../config.js'
import { findPool } from '../../cluster/pools.js'
import { noDirectives, parseDirectives } from '../script/directives.js'
import type { Directives } from '../script/directivesType.js'
import { linesOfScript } from '../script/scriptHead.js'

type Pools = Pick<SchedulerConfig, 'pools'>

/** Slurm's --capacity. */
interface Passed {
  pool: string | undefined
  bytes: number
}

/** More nodes no job has. */
const maxNodes = 65_536

/** What the script asks for, when Slurm has read it as we do. A call without a script says it all itself. */
export function agreedDirectives(
  cluster: Cluster,
  config: Pools,
  script: Buffer | undefined,
  { uid, ...passed }: Passed & { uid: number },
): Directives | { refused: string } {
  if (!script) return noDirectives()
  const directives = parseDirectives(script)
  const problem =
    'refused' in directives
      ? directives.refused
      : (findSlurmDisagreement(config, directives, passed) ?? findCreatedDisagreement(cluster, config, directives, uid))
  return problem === undefined ? directives : { refused: `${problem}${describeCreated(cluster, script, uid)}` }
}

/**
 * How Slurm's reading of the script (--capacity) differs from ours, or undefined. Neither is acted on then. Slurm rounds
 * the size of jobdw up to the pool's granularity, and beside it that of swap, of which it takes the number alone, as bytes
 * for each node.
 */
function findSlurmDisagreement(config: Pools, { jobdw, swap }: Directives, passed: Passed): string | undefined {
  const slurms = `Slurm passes --capacity ${passed.pool ?? ''}:${passed.bytes === 0 ? 0 : printSize(passed.bytes)}`
  if (!jobdw && !swap) {
    if (passed.bytes === 0) return undefined
    return `${slurms}, and the script has no line #DW jobdw before its first command: write one`
  }
  const named = jobdw?.pool ?? swap?.pool
  if (named !== undefined && named !== passed.pool)
    return `${slurms}, and the script asks for pool ${named}: write pool=${named} behind a blank, and a blank behind it`
  const pool = findPool(config, passed.pool)
  if ('refused' in pool) return pool.refused
  const slots = slotsFor(passed.bytes, pool.granularityBytes)
  const own = jobdw ? slotsFor(jobdw.bytes, pool.granularityBytes) : 0
  const beside = swap ? Math.max(1, slotsFor(swap.slurmsBytes * maxNodes, pool.granularityBytes)) : 0
  if (slots >= Math.max(own, 1) && slots <= own + beside) return undefined
  const asked = jobdw ? printSize(jobdw.bytes) : 'swap alone'
  return `${slurms}, and the script asks for ${asked}: write a whole number and a unit, as in capacity=3TB, with a blank behind it. If the granularity of pool ${pool.name} was changed, submit the job again`
}

/** A buffer that the script creates and that has another size or pool: Slurm takes one that is there as it is. */
function findCreatedDisagreement(
  cluster: Cluster,
  config: Pools,
  { creates }: Directives,
  uid: number,
): string | undefined {
  for (const { name, bytes, pool: asked, line } of creates) {
    const buffer = cluster.buffers.get(name)
    if (!buffer || !isOwn(cluster, name, uid)) continue
    const pool = findPool(config, asked)
    if ('refused' in pool) return `${line}: ${pool.refused}`
    const has = `${line}: the persistent buffer ${quote(name)} has`
    if (asked !== undefined && pool.name !== buffer.pool)
      return `${has} pool ${buffer.pool}, and the script asks for pool ${pool.name}`
    if (slotsFor(bytes, buffer.granularityBytes) !== slotsFor(buffer.requestedBytes, buffer.granularityBytes))
      return `${has} ${printSize(buffer.requestedBytes)}, and the script asks for ${printSize(bytes)}`
  }
  return undefined
}

/**
 * Said behind the refusal of a script that creates persistent buffers: Slurm has made them before anybody here could read
 * the script, and whether it was for this job cannot be known, so that they are named and left alone.
 */
function describeCreated(cluster: Cluster, script: Buffer, uid: number): string {
  const lines = linesOfScript(script)
  const names =
    'refused' in lines ? [] : lines.directives.flatMap(({ kind, text }) => (kind === '#BB' ? created(text) : []))
  const made = [...new Set(names)].filter((name) => isOwn(cluster, name, uid))
  if (made.length === 0) return ''
  const [are, them] = made.length === 1 ? ['is', 'it'] : ['are', 'them']
  const destroying = made.map((name) => `#BB destroy_persistent name=${name}`).join(', ')
  return `. Of what the script creates, ${made.map(quote).join(', ')} ${are} there: if you do not want ${them}, destroy ${them} by a job with ${destroying}`
}

/** The name as Slurm finds it in a line. */
function created(text: string): string[] {
  const start = text.indexOf('name=')
  if (!text.trimStart().startsWith('create_persistent') || start < 0) return []
  return [text.slice(start + 'name='.length).split(' ', 1)[0]!]
}

function isOwn(cluster: Cluster, name: string, uid: number): boolean {
  const buffer = cluster.buffers.get(name)
  return buffer?.kind === 'persistent' && buffer.wanted === 'present' && buffer.uid === uid
}
