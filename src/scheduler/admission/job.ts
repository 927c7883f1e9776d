import type { Cluster } from '../../model/cluster.js'
import type { AccessMode } from '../../model/documents/buffer.js'
import type { SessionTransfer } from '../../model/documents/session.js'
import { isJobToken, quote } from '../../model/names.js'
import { maxTransferBytes } from '../../model/transfers.js'
import type { Decision } from '../commit/decision.js'
import { admitSession, type BufferRequest } from './session.js'
import type { Admission, AdmissionContext } from './context.js'
import * as messages from './messages.js'

export interface JobRequest {
  /** The job's id. */
  token: string
  uid: number
  gid: number
  /** Every group that the user is in. */
  groups?: readonly number[]
  /** The default pool when undefined. */
  pool: string | undefined
  /** 0 for a job without a buffer of its own. */
  bytes: number
  access: AccessMode[]
  /** On the same buffer. */
  swap?: BufferRequest['swap']
  /** What was said of it, by mode. */
  clientCache?: Partial<Record<AccessMode, boolean>>
  /** Names of the persistent buffers it uses. */
  uses: string[]
  /** The transfers of its script. */
  transfers?: SessionTransfer[]
}

export function admitJob(cluster: Cluster, request: JobRequest, context: AdmissionContext): Decision<Admission> {
  const { token, uid, gid, pool, bytes, access, swap, clientCache } = request
  if (!isJobToken(token)) return { refused: messages.invalidJobId(token) }
  const uses = [...new Set(request.uses)]
  // A job that was set up keeps what it has: only new users are turned away from a buffer that is leaving.
  const session = cluster.sessions.get(token)
  if (!session || session.stage === 'leaving') {
    for (const name of uses) {
      const problem = problemWithUse(cluster, name, uid, request.groups ?? [request.gid])
      if (problem !== undefined) return { refused: problem }
    }
  }
  const more = { ...(clientCache ? { clientCache } : {}), ...(swap ? { swap } : {}) }
  const buffer =
    bytes > 0 || swap ? ({ name: token, kind: 'job', uid, gid, pool, bytes, access, ...more } as const) : undefined
  const { transfers = [] } = request
  if (JSON.stringify(transfers).length > maxTransferBytes) return { refused: messages.transfersTooLong(token) }
  if (uid === 0 && transfers.length > 0) return { refused: messages.rootMayNotStage() }
  return admitSession(cluster, { token, kind: 'job', uid, gid, uses, buffer, transfers }, context)
}

function problemWithUse(cluster: Cluster, name: string, uid: number, groups: readonly number[]): string | undefined {
  const buffer = cluster.buffers.get(name)
  if (buffer?.kind !== 'persistent' || buffer.name !== name) return messages.noPersistentBuffer(name)
  const isShared = buffer.sharedGid !== undefined && groups.includes(buffer.sharedGid)
  if (buffer.uid !== uid && !isShared) return messages.ownedByAnother(`persistent buffer ${quote(name)}`)
  if (buffer.wanted === 'absent') return messages.isBeingDestroyed(name)
  if (buffer.failure !== undefined) return messages.hasFailed(name, buffer.failure)
  return undefined
}
