import type { Observed } from '../../model/documents/observed.js'
import type { CacheEvent, ClusterCache } from '../cluster/cache.js'

/**
 * True for a report that changes nothing of what any host is told, and no document: a host is mounting or has mounted, or unmounts.
 * Thousands of nodes report so at once, each about a session that all of them share; whoever waits for them is woken by the report
 * itself. Where swap follows a mount, every report counts.
 */
export function isOnlyProgress(cache: ClusterCache, { parsed, before, after }: CacheEvent): boolean {
  if (parsed.collection !== 'observed' || parsed.kind !== 'mount' || !after || parsed.id.endsWith('.swap')) return false
  const told = cache.desired.mount.get(`${parsed.host}/${parsed.id}`)
  const [old, now] = [before, after] as [Observed['mount'] | undefined, Observed['mount']]
  if (!told || old?.problem || now.problem) return false
  return told.wanted === 'present'
    ? isMounting(old) && isMounting(now)
    : old?.state !== 'absent' && now.state === 'leaving'
}

/** It has not been said that it was unmounted. */
function isMounting(report: Observed['mount'] | undefined): boolean {
  return report === undefined || report.state === 'forming' || report.state === 'mounted'
}

/** True for a report that some more of a transfer was copied: it is only told in a timeline, and may wait. */
export function isOnlyCopying({ parsed, before, after }: CacheEvent): boolean {
  if (parsed.collection !== 'observed' || parsed.kind !== 'transfer' || !before || !after) return false
  const [old, now] = [before, after] as [Observed['transfer'], Observed['transfer']]
  return isCopying(old) && isCopying(now) && old.attempt === now.attempt
}

function isCopying({ state, part, problem, waitingFor }: Observed['transfer']): boolean {
  return state === 'working' && part === 'copy' && problem === undefined && waitingFor.length === 0
}
