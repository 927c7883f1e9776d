import { slotsFor } from '../../../model/capacity.js'
import type { Cluster } from '../../../model/cluster.js'
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
import { inLine } from '../script/messages.js'
import { outsidePaths } from '../script/stageTransfers.js'
import * as messages from './messages.js'

/** The paths below which the storage hosts stage; undefined while no storage host is alive. */
export function servedPaths(cluster: Cluster): string[] | undefined {
  const hosts = [...cluster.hosts.values()].filter(({ roles }) => roles.includes('storage'))
  return hosts.length === 0 ? undefined : [...new Set(hosts.flatMap(({ stagePaths = [] }) => stagePaths))].sort()
}

export function isBelow(path: string, served: readonly string[]): boolean {
  return served.some((root) => isWithin(path, root))
}

/** Names a line with a path that no storage host stages. */
export function problemWithPlaces(cluster: Cluster, stages: readonly StageDirective[]): string | undefined {
  const served = servedPaths(cluster)
  if (served === undefined) return undefined
  for (const stage of stages) {
    const unserved = outsidePaths(stage).find(({ path }) => !isBelow(path, served) && !hidesInSymbols(stage, path))
    if (!unserved) continue
    const { key, path } = unserved
    return inLine(
      stage.line,
      served.length === 0 ? messages.stagingNotSetUp(key, path) : messages.notStaged(key, path, served),
    )
  }
  return undefined
}

interface Known {
  reader?: Reader
  /** How many nodes the job has; at least one. */
  nodes?: number
  /** True while earlier jobs may still create an absent source. */
  mayAppear?: boolean
}

/**
 * Names a source that does not exist, has another type, or is larger than the buffer; and, once the user is known, one that the user
 * cannot read. Sources on a file system that the scheduler's host has not mounted are not checked.
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
    if (problem !== undefined) return inLine(stage.line, problem)
  }
  return undefined
}

function problemWithSource(
  seen: ReadonlyMap<string, FileStat>,
  { source: { path }, type }: StageDirective,
  { reader, mayAppear = false }: Known,
): string | undefined {
  if (isAbsent(seen, path)) return mayAppear ? undefined : messages.sourceAbsent(path)
  const deniedAt = reader && firstUnreadablePrefix(seen, path, reader)
  if (deniedAt !== undefined) return messages.sourceUnreadable(path, deniedAt)
  const found = seen.get(path)
  if (!found) return undefined
  if (type === 'directory') return found.isDirectory ? undefined : messages.sourceIsFile(path)
  return found.isDirectory ? messages.sourceIsDirectory(path) : undefined
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
  return messages.sourceTooLarge(source.path, found.sizeBytes, copies, capacityBytes)
}

function capacityOf(
  config: Pick<SchedulerConfig, 'pools'>,
  { pool, bytes }: NonNullable<Directives['jobdw']>,
): number | undefined {
  const found = findPool(config, pool)
  return 'refused' in found ? undefined : slotsFor(bytes, found.granularityBytes) * found.granularityBytes
}

/** True when Slurm may still replace symbols in the path. */
function hidesInSymbols({ hasSymbols }: StageDirective, path: string): boolean {
  return hasSymbols && path.includes('%')
}
