import { printRounded, slotsFor } from '../../../model/capacity.js'
import type { Cluster } from '../../../model/cluster.js'
import { quote } from '../../../model/names.js'
import { isWithin } from '../../../model/paths.js'
import { findPool } from '../../cluster/pools.js'
import type { SchedulerConfig } from '../../config.js'
import {
  isAbsent,
  type StatPaths,
  type Reader,
  type FileStat,
  allPrefixesOf,
  firstUnreadablePrefix,
} from '../../users/pathAccess.js'
import type { Directives } from '../script/directivesType.js'
import type { StageDirective } from '../script/directivesType.js'
import { outsidePaths } from '../script/stageTransfers.js'

/** The paths below which storage hosts that are alive stage; undefined while none is alive. */
export function servedPaths(cluster: Cluster): string[] | undefined {
  const hosts = [...cluster.hosts.values()].filter(({ roles }) => roles.includes('storage'))
  return hosts.length === 0 ? undefined : [...new Set(hosts.flatMap(({ stagePaths = [] }) => stagePaths))].sort()
}

export function isBelow(path: string, served: readonly string[]): boolean {
  return served.some((root) => isWithin(path, root))
}

/** A line with a path that no storage host stages from or to. */
export function problemWithPlaces(cluster: Cluster, stages: readonly StageDirective[]): string | undefined {
  const served = servedPaths(cluster)
  if (served === undefined) return undefined
  for (const stage of stages) {
    const unserved = outsidePaths(stage).find(({ path }) => !isBelow(path, served) && !hidesInSymbols(stage, path))
    if (!unserved) continue
    const help =
      served.length === 0
        ? 'staging is not set up on the storage hosts (stagePaths)'
        : `write a path below ${served.join(' or ')}`
    return said(stage, `${unserved.key}=${quote(unserved.path)} is served by no storage host: ${help}`)
  }
  return undefined
}

interface Known {
  reader?: Reader
  /** How many nodes the job has; one at least. */
  nodes?: number
  /** Asked before jobs that run earlier have ended: they may still put there what is absent. */
  mayAppear?: boolean
}

/**
 * A source that is not there, is of another type, or is larger than the buffer; and, once the user is known, one that the user may
 * not read. Only what the scheduler's host sees: where it has not mounted what storage hosts stage from, it says nothing.
 */
export async function problemWithSources(
  cluster: Cluster,
  config: Pick<SchedulerConfig, 'pools'>,
  { stages, jobdw }: Pick<Directives, 'stages' | 'jobdw'>,
  look: StatPaths,
  known: Known,
): Promise<string | undefined> {
  const asked = stages.filter(({ source, hasSymbols }) => source.in === 'outside' && (!hasSymbols || known.reader))
  if (asked.length === 0) return undefined
  const roots = servedPaths(cluster) ?? []
  const ways = allPrefixesOf([...roots, ...asked.map(({ source }) => source.path)])
  const seen = ways && (await look(ways))
  if (!seen) return undefined
  const capacityBytes = jobdw && capacityOf(config, jobdw)
  const visible = roots.filter((root) => seen.has(root))
  for (const stage of asked) {
    if (!isBelow(stage.source.path, visible)) continue
    const problem = problemWithSource(seen, stage, known) ?? problemWithSize(seen, stage, capacityBytes, known)
    if (problem !== undefined) return said(stage, `source=${quote(stage.source.path)} ${problem}`)
  }
  return undefined
}

function problemWithSource(
  seen: ReadonlyMap<string, FileStat>,
  { source: { path }, type }: StageDirective,
  { reader, mayAppear = false }: Known,
): string | undefined {
  if (isAbsent(seen, path)) return mayAppear ? undefined : 'does not exist'
  const bar = reader && firstUnreadablePrefix(seen, path, reader)
  if (bar !== undefined)
    return bar === path ? 'may not be read by you' : `may not be read by you: ${quote(bar)} keeps you out`
  const found = seen.get(path)
  if (!found) return undefined
  if (type === 'directory') return found.isDirectory ? undefined : 'is not a directory: write type=file'
  return found.isDirectory ? `is a directory: write type=directory` : undefined
}

function problemWithSize(
  seen: ReadonlyMap<string, FileStat>,
  { source, destination, type }: StageDirective,
  capacityBytes: number | undefined,
  { nodes = 1 }: Known,
): string | undefined {
  const found = seen.get(source.path)
  const isOwn = destination?.in === 'job' || destination?.in === 'private'
  if (type !== 'file' || !isOwn || !found || capacityBytes === undefined) return undefined
  const copies = destination.in === 'private' ? nodes + 1 : 1
  if (found.sizeBytes * copies <= capacityBytes) return undefined
  const taken =
    copies === 1 ? '' : ` and is copied to every node, which takes ${printRounded(found.sizeBytes * copies)}`
  return `has ${printRounded(found.sizeBytes)}${taken}, the buffer ${printRounded(capacityBytes)}: ask for more with capacity=`
}

function capacityOf(
  config: Pick<SchedulerConfig, 'pools'>,
  { pool, bytes }: NonNullable<Directives['jobdw']>,
): number | undefined {
  const found = findPool(config, pool)
  return 'refused' in found ? undefined : slotsFor(bytes, found.granularityBytes) * found.granularityBytes
}

/** Slurm may still put something else in the place of its symbols. */
function hidesInSymbols({ hasSymbols }: StageDirective, path: string): boolean {
  return hasSymbols && path.includes('%')
}

function said({ line }: StageDirective, problem: string): string {
  return `${line}: ${problem}`
}
