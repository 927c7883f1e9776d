import { createHmac } from 'node:crypto'
import type { BufferDocument } from '../../../model/documents/buffer.js'
import type { Credential } from '../../../model/documents/direct.js'
import { onceFor } from './onceFor.js'
import { certificateOf, type Claims, type Issuer, isValidDuring, keyOf, keyPem } from './x509.js'

/*
 * The certificates of a buffer that is served with TLS. Its keys are made from its secret, as its logins are, so that none is kept
 * anywhere: the same document of a buffer always makes the same certificates.
 *
 * Two authorities sign them, because GlusterFS does not look at what a certificate may be used for (measured, 10.3): clients
 * believe the authority of bricks alone, so that no client can pass for a brick, and bricks the authority of clients.
 *
 *   holder      who may open what                          whose name begins so
 *   an export   this export, on each brick                 the nodes of a session that mount it; behind it stands the session
 *   storage     every export                               storage hosts, which have the bricks themselves
 */
const day = 86_400
/** A host whose clock is no more than a day behind believes a certificate at once. */
const earlySeconds = day
const validSeconds = 60 * day
/** Each host has the other half of the time to get the next one. */
const renewedAfterSeconds = 30 * day
/** RFC 5280's year of what does not run out. */
const never = Date.UTC(9999, 11, 31, 23, 59, 59) / 1000

export const storageHolder = 'storage'

type Certified = Pick<BufferDocument, 'id' | 'secret' | 'createdAt'> & { certifiedAt: number }

export function isCertified(buffer: BufferDocument): buffer is BufferDocument & Certified {
  return buffer.certifiedAt !== undefined
}

/**
 * The certificates were made so long ago that there should be others; or when the clock was wrong, so far ahead that nobody
 * believes them yet.
 */
export function areOld({ certifiedAt }: Certified, now: number): boolean {
  return now - certifiedAt >= renewedAfterSeconds || certifiedAt - now > earlySeconds
}

/** With what a host serves its bricks. `told`: what it was told to serve them with before. */
export function brickCredential(buffer: Certified, host: string, told?: Credential): Credential {
  return credentialOf(buffer, { authority: 'bricks', trusts: 'clients', commonName: 'bricks', keyName: host }, told)
}

/** With what a holder's host, in that session or in none, connects to bricks. `told`: what the host was told to connect with before. */
export function clientCredential(
  buffer: Certified,
  holder: string,
  session: number | undefined,
  told?: Credential,
): Credential {
  const commonName = `${holder}.${session ?? 'host'}`
  return credentialOf(buffer, { authority: 'clients', trusts: 'bricks', commonName, keyName: commonName }, told)
}

interface Wanted {
  authority: 'bricks' | 'clients'
  trusts: 'bricks' | 'clients'
  commonName: string
  keyName: string
}

interface Authority {
  issuer: Issuer
  /** It lasts as long as the buffer's secret. */
  certificate: string
}

function credentialOf(buffer: Certified, wanted: Wanted, told: Credential | undefined): Credential {
  return onceFor(buffer, `certificate ${wanted.authority} ${wanted.keyName}`, () => newCredential(buffer, wanted, told))
}

/** To sign a certificate takes ten times as long as to see that the host has been told the same one. */
function newCredential(
  buffer: Certified,
  { authority, trusts, commonName, keyName }: Wanted,
  told: Credential | undefined,
): Credential {
  const { certifiedAt } = buffer
  // The key stays the same when the certificate is renewed. It belongs to this name alone.
  const seed = seedOf(buffer, `${authority} ${keyName}`)
  const key = keyPem(seed)
  const trusted = authorityOf(buffer, trusts).certificate
  const claims: Claims = {
    commonName,
    role: authority === 'bricks' ? 'server' : 'client',
    notBefore: certifiedAt - earlySeconds,
    notAfter: certifiedAt + validSeconds,
  }
  if (told && told.key === key && told.authority === trusted && isValidDuring(told.certificate, claims)) return told
  return {
    certificate: certificateOf(keyOf(seed), claims, authorityOf(buffer, authority).issuer),
    key,
    authority: trusted,
  }
}

function authorityOf(buffer: Certified, which: Wanted['authority']): Authority {
  return onceFor(buffer, `authority ${which}`, () => newAuthority(buffer, which))
}

function newAuthority(buffer: Certified, which: Wanted['authority']): Authority {
  const commonName = `${which} of buffer ${buffer.id}`
  const key = keyOf(seedOf(buffer, `authority ${which}`))
  // A clock that was ahead when the buffer was made, and was put right, keeps nobody out.
  const notBefore = Math.min(buffer.createdAt, buffer.certifiedAt) - earlySeconds
  const claims: Claims = { commonName, role: 'authority', notBefore, notAfter: never }
  return { issuer: { commonName, key }, certificate: certificateOf(key, claims, { commonName, key }) }
}

function seedOf({ secret }: Pick<BufferDocument, 'secret'>, what: string): Buffer {
  if (secret === undefined) throw new TypeError('a buffer of the data plane "direct" has no secret')
  return createHmac('sha256', secret).update(`key ${what}`).digest()
}
