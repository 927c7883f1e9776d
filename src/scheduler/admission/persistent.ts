import type { Cluster } from '../../model/cluster.js'
import type { AccessMode } from '../../model/documents/buffer.js'
import { hostOfFirstRelease } from '../../model/levels.js'
import { problemWithPersistentName } from '../../model/persistentName.js'
import type { Decision } from '../commit/decision.js'
import { admitSession } from './session.js'
import type { Admission, AdmissionContext } from './context.js'
import * as messages from './messages.js'

export interface PersistentRequest {
  name: string
  uid: number
  gid: number
  /** The default pool when undefined. */
  pool: string | undefined
  bytes: number
  access: AccessMode[]
  /** The group that it is shared with. */
  sharedGid?: number
}

export function createPersistent(
  cluster: Cluster,
  request: PersistentRequest,
  context: AdmissionContext,
): Decision<Admission> {
  const { name, uid, gid } = request
  const problem = problemWithPersistentName(name)
  if (problem !== undefined) return { refused: problem }
  // The first release takes such a name for a document that is damaged. A buffer that stands is told of when it is asked for again.
  const isNew = cluster.buffers.get(name)?.wanted !== 'present'
  const old = isNew && name.includes('.') ? hostOfFirstRelease(cluster) : undefined
  if (old) {
    return { refused: messages.dotNotSupported(old.host) }
  }
  if (request.bytes <= 0) return { refused: messages.capacityMissing() }
  const buffer = { ...request, kind: 'persistent' } as const
  return admitSession(cluster, { token: name, kind: 'persistent', uid, gid, uses: [], buffer }, context)
}
