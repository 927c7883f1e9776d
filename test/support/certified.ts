import type { BufferDocument } from '../../src/model/documents/buffer.js'
import { isCertified } from '../../src/scheduler/dataplane/direct/certificates.js'
import { aBuffer } from './builders.js'

/** A buffer that is served with TLS, whose certificates are valid from the day before that time on. */
export function aCertified(
  certifiedAt: number,
  parts: Partial<Omit<BufferDocument, 'bricks' | 'released' | 'certifiedAt'>> = {},
) {
  const secret = 's'.repeat(43)
  const buffer = aBuffer({ dataPlane: 'direct', secret, createdAt: certifiedAt, ...parts, certifiedAt })
  if (!isCertified(buffer)) throw new Error('it has no certificates')
  return buffer
}
