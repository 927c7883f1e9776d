import type { Cluster } from '../../../model/cluster.js'
import type { SessionDocument } from '../../../model/documents/session.js'
import { noSession } from '../../admission/messages.js'
import { SlurmFailure } from './slurmFailure.js'

export function sessionOf(cluster: Cluster, token: string): SessionDocument {
  const session = cluster.sessions.get(token)
  if (!session) throw new SlurmFailure(noSession(token))
  return session
}
