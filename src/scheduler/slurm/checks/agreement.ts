import { slotsFor } from '../../../model/capacity.js'
import type { Cluster } from '../../../model/cluster.js'
import type { SchedulerConfig } from '../../config.js'
import { findPool } from '../../cluster/pools.js'
import { noDirectives, parseDirectives } from '../script/directives.js'
import type { Directives } from '../script/directivesType.js'
import { inLine } from '../script/messages.js'
import { linesOfScript } from '../script/scriptHead.js'
import * as messages from './messages.js'

type Pools = Pick<SchedulerConfig, 'pools'>

/** Slurm's --capacity. */
interface Passed {
  pool: string | undefined
  bytes: number
}

/** No job has more nodes. */
const maxNodes = 65_536

/** What the script asks for, if Slurm has read it as we do. A call without a script has no directives. */
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
 * How Slurm's reading of the script (--capacity) differs from ours, or undefined. If they differ, the job is refused. Slurm rounds the
 * size of jobdw up to the pool's granularity, and separately that of swap, of which it reads only the number, as bytes for each
 * node.
 */
function findSlurmDisagreement(config: Pools, { jobdw, swap }: Directives, passed: Passed): string | undefined {
  if (!jobdw && !swap) return passed.bytes === 0 ? undefined : messages.jobdwMissing(passed)
  const named = jobdw?.pool ?? swap?.pool
  if (named !== undefined && named !== passed.pool) return messages.readInOtherPool(passed, named)
  const pool = findPool(config, passed.pool)
  if ('refused' in pool) return pool.refused
  const slots = slotsFor(passed.bytes, pool.granularityBytes)
  const own = jobdw ? slotsFor(jobdw.bytes, pool.granularityBytes) : 0
  const beside = swap ? Math.max(1, slotsFor(swap.slurmsBytes * maxNodes, pool.granularityBytes)) : 0
  if (slots >= Math.max(own, 1) && slots <= own + beside) return undefined
  return messages.readWithOtherSize(passed, jobdw?.bytes, pool.name)
}

/** A buffer of the script that exists already with another size or pool: Slurm accepts an existing one as it is. */
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
    if ('refused' in pool) return inLine(line, pool.refused)
    if (asked !== undefined && pool.name !== buffer.pool)
      return inLine(line, messages.createdInOtherPool(name, buffer.pool, pool.name))
    if (slotsFor(bytes, buffer.granularityBytes) !== slotsFor(buffer.requestedBytes, buffer.granularityBytes))
      return inLine(line, messages.createdWithOtherSize(name, buffer.requestedBytes, bytes))
  }
  return undefined
}

/**
 * Added to the refusal of a script that creates persistent buffers: Slurm has created them before the script could be read here.
 * Whether this job created them is not known, so they are named and left alone.
 */
function describeCreated(cluster: Cluster, script: Buffer, uid: number): string {
  const lines = linesOfScript(script)
  const names =
    'refused' in lines ? [] : lines.directives.flatMap(({ kind, text }) => (kind === '#BB' ? created(text) : []))
  const made = [...new Set(names)].filter((name) => isOwn(cluster, name, uid))
  return made.length === 0 ? '' : messages.createdAlready(made)
}

/** The name as Slurm reads it from a line. */
function created(text: string): string[] {
  const start = text.indexOf('name=')
  if (!text.trimStart().startsWith('create_persistent') || start < 0) return []
  return [text.slice(start + 'name='.length).split(' ', 1)[0]!]
}

function isOwn(cluster: Cluster, name: string, uid: number): boolean {
  const buffer = cluster.buffers.get(name)
  return buffer?.kind === 'persistent' && buffer.wanted === 'present' && buffer.uid === uid
}
