import type { ExplainView } from '../../model/api.js'
import { printSize } from '../../model/capacity.js'
import type { Cluster } from '../../model/cluster.js'
import type { SessionDocument, SessionStage } from '../../model/documents/session.js'
import { phaseOf } from '../../model/phase.js'
import { tokenStateOf } from '../admission/tokenState.js'
import {
  mountProgress,
  type Progress,
  setupProgress,
  teardownProgress,
  transferProgress,
  unmountProgress,
} from '../progress.js'
import type { CapacityQueue } from '../placement/capacityQueue.js'
import { shownStage } from './shownState.js'

/** Why a job or a persistent buffer is not further than it is, as far as this scheduler knows. */
export function explain(cluster: Cluster, capacityQueue: Pick<CapacityQueue, 'positionOf'>, name: string): ExplainView {
  const { session, buffer } = tokenStateOf(cluster, name)
  const lines: string[] = []
  const waiting = capacityQueue.positionOf(name)
  if (waiting) {
    const { claim, ahead } = waiting
    const before = ahead === 0 ? 'nobody came before it' : `${ahead} came before it`
    lines.push(
      `its setup waits until ${printSize(claim.slots * claim.granularityBytes)} of pool ${claim.pool} are free: ${before}`,
    )
  }
  if (session) lines.push(ofSession(cluster, session))
  if (buffer) {
    const { phase, reason, waitingFor } = phaseOf(cluster, buffer)
    const why = [...(reason === undefined ? [] : [reason]), ...waitingFor]
    lines.push(`its buffer is ${phase}${why.length > 0 ? `: ${why.join('; ')}` : ''}`)
  }
  return { name, isKnown: lines.length > 0, lines }
}

const progressOf: Record<SessionStage, (cluster: Cluster, session: SessionDocument) => Progress> = {
  setup: (cluster, { token, id }) => setupProgress(cluster, token, id),
  'staging-in': (cluster, { token, id }) => transferProgress(cluster, token, id, 'in'),
  'staged-in': () => ({ state: 'done' }),
  running: (cluster, { token, id }) => mountProgress(cluster, token, id),
  ran: (cluster, { token, id }) => unmountProgress(cluster, token, id),
  'staging-out': (cluster, { token, id }) => transferProgress(cluster, token, id, 'out'),
  'staged-out': () => ({ state: 'done' }),
  leaving: (cluster, { token, id }) => teardownProgress(cluster, token, id),
}

function ofSession(cluster: Cluster, session: SessionDocument): string {
  const progress = progressOf[session.stage](cluster, session)
  const stage = `it has come to ${shownStage(session.stage)}`
  if (progress.state === 'failed') return `${stage}, which failed: ${progress.reason}`
  if (progress.state === 'waiting') return `${stage}, and waits for ${progress.waitingFor.join('; ') || 'nothing more'}`
  return `${stage}, and waits for nothing here: the next step is Slurm's`
}
