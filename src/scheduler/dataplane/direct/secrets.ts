import { createHash } from 'node:crypto'
import { hostsToUnmount, sessionsUsing } from '../../../model/buffers.js'
import type { Cluster } from '../../../model/cluster.js'
import type { BufferDocument } from '../../../model/documents/buffer.js'
import { areOld, isCertified } from './certificates.js'

/** 32 bytes in base64url, of two random uuids: 244 bits that nobody else has. */
export function newSecret(newUuid: () => string): string {
  return createHash('sha256').update(`${newUuid()} ${newUuid()}`).digest('base64url')
}

/**
 * A persistent buffer gets another secret each time that nobody uses it any more: what nodes of past jobs have kept opens it no
 * longer. A job that has lost a node still uses it until that node is known to have let go.
 * Certificates are renewed long before they run out, also while jobs use them: GlusterFS reads them anew each time it connects.
 */
export function renewed(
  cluster: Cluster,
  buffer: BufferDocument,
  { newUuid, now }: { newUuid: () => string; now: number },
): BufferDocument | undefined {
  const withSecret = secretRenewed(cluster, buffer, newUuid)
  if (!isCertified(buffer)) return withSecret
  const isOther = withSecret !== undefined && withSecret.secret !== buffer.secret
  return isOther || areOld(buffer, now) ? { ...(withSecret ?? buffer), certifiedAt: now } : withSecret
}

function secretRenewed(cluster: Cluster, buffer: BufferDocument, newUuid: () => string): BufferDocument | undefined {
  if (buffer.kind !== 'persistent' || buffer.builtAt === undefined || buffer.wanted === 'absent') return undefined
  // guard: secret-used
  const isUsed = sessionsUsing(cluster, buffer).some(({ kind }) => kind === 'job')
  if (isUsed) return buffer.secretGiven ? undefined : { ...buffer, secretGiven: true }
  if (!buffer.secretGiven || /* guard: secret-mounted */ hostsToUnmount(cluster, buffer).length > 0) return undefined
  // guard: secret-renewed
  const fresh = { ...buffer, secret: newSecret(newUuid) }
  delete fresh.secretGiven
  return fresh
}
