import type { Cluster } from '../../model/cluster.js'
import type { SessionDocument } from '../../model/documents/session.js'
import { quote } from '../../model/names.js'
import { jobsHolding } from '../../model/buffers.js'
import type { Decision } from '../commit/decision.js'
import { tokenStateOf } from './tokenState.js'
import { teardown, type TearingDown } from './teardown.js'

/** used: jobs use the buffer, and nothing was changed; `jobs` names them. */
export type Destroying = TearingDown | { state: 'used'; reason: string; jobs: string[] }

/**
 * The end of a buffer by an operator's word. While a job uses it, `force` must be set: the job loses its own buffer at once, and
 * a persistent one when it has ended.
 */
export function destroy(cluster: Cluster, request: { token: string; force: boolean }): Decision<Destroying> {
  const { token, force } = request
  const decision = teardown(cluster, { token })
  const jobs = jobsUsing(cluster, token)
  if ('refused' in decision || decision.changes.length === 0 || force || jobs.length === 0) return decision
  const reason = `${quote(token)} is used by ${jobs.map(describeJob).join(', ')}`
  return { changes: [], result: { state: 'used', reason, jobs: jobs.map((job) => job.token) } }
}

function jobsUsing(cluster: Cluster, token: string): SessionDocument[] {
  const { session, buffer } = tokenStateOf(cluster, token)
  if (buffer) return jobsHolding(cluster, buffer)
  return session?.kind === 'job' && session.stage === 'running' ? [session] : []
}

function describeJob({ token, stage, computeHosts }: SessionDocument): string {
  const where = computeHosts.length > 0 ? ` on ${computeHosts.join(', ')}` : ''
  return `job ${token} (${stage}${where})`
}
