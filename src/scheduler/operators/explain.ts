import type { ExplainView } from '../../model/api.js'
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
import * as messages from './messages.js'
import { shownStage } from './shownState.js'

/** What a job or a persistent buffer waits for, as far as this scheduler knows. */
export function explain(cluster: Cluster, capacityQueue: Pick<CapacityQueue, 'positionOf'>, name: string): ExplainView {
  const { session, buffer } = tokenStateOf(cluster, name)
  const lines: string[] = []
  const waiting = capacityQueue.positionOf(name)
  if (waiting) {
    const { claim, ahead } = waiting
    lines.push(messages.setupWaitsForRoom(claim.slots * claim.granularityBytes, claim.pool, ahead))
  }
  if (session) lines.push(ofSession(cluster, session))
  if (buffer) {
    const { phase, reason, waitingFor } = phaseOf(cluster, buffer)
    const why = [...(reason === undefined ? [] : [reason]), ...waitingFor]
    lines.push(messages.bufferIs(phase, why))
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
  const stage = shownStage(session.stage)
  if (progress.state === 'failed') return messages.stageFailed(stage, progress.reason)
  return progress.state === 'waiting' ? messages.stageWaits(stage, progress.waitingFor) : messages.stageDone(stage)
}
