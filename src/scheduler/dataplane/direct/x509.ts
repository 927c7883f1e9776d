import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { bitString, boolean, explicit, integer, objectId, octetString, sequence, set, time, utf8String } from './der.js'

/*
 * Certificates of X.509 (RFC 5280) with keys of Ed25519 (RFC 8410). Both are functions of what is given to them: an Ed25519 key is
 * any 32 bytes, and its signature of a text is always the same. So nothing has to be kept to make the same certificate again.
 */

/** What a certificate says. */
export interface Claims {
  commonName: string
  /** What its holder may be: one that signs others, what listens, or what connects. */
  role: 'authority' | 'server' | 'client'
  /** In unix seconds, both included. */
  notBefore: number
  notAfter: number
}

/** Who signs: its name and its key. */
export interface Issuer {
  commonName: string
  key: KeyObject
}

/**
 * The private key that is these 32 bytes. As a JWK, which OpenSSL takes in a tenth of the time of DER. Its `x` is the public key,
 * which is made from `d` anyway: whatever stands there is not looked at.
 */
export function keyOf(seed: Buffer): KeyObject {
  const d = seed.toString('base64url')
  return createPrivateKey({ key: { kty: 'OKP', crv: 'Ed25519', d, x: d }, format: 'jwk' })
}

/** The private key that is these 32 bytes, in PEM. */
export function keyPem(seed: Buffer): string {
  const der = sequence(integer(Buffer.from([0])), sequence(objectId(oids.ed25519)), octetString(octetString(seed)))
  return pem('PRIVATE KEY', der)
}

/** The certificate of that private key's holder, in PEM. */
export function certificateOf(key: KeyObject, claims: Claims, issuer: Issuer): string {
  const { commonName } = claims
  const algorithm = sequence(objectId(oids.ed25519))
  const { x } = createPublicKey(key).export({ format: 'jwk' })
  const publicKey = sequence(algorithm, bitString(Buffer.from(x!, 'base64url')))
  const said = sequence(
    explicit(0, integer(Buffer.from([2]))),
    // Two certificates of one issuer have two numbers.
    integer(createHash('sha256').update(JSON.stringify(claims)).update(publicKey).digest().subarray(0, 16)),
    algorithm,
    nameOf(issuer.commonName),
    validityOf(claims),
    nameOf(commonName),
    publicKey,
    explicit(3, sequence(...extensionsOf(claims))),
  )
  return pem('CERTIFICATE', sequence(said, algorithm, bitString(sign(null, said, issuer.key))))
}

/** A certificate that `certificateOf` has made is valid at just this time. */
export function isValidDuring(certificate: string, times: Pick<Claims, 'notBefore' | 'notAfter'>): boolean {
  const [, base64 = ''] = certificate.split('-----', 3).slice(1)
  return Buffer.from(base64, 'base64').includes(validityOf(times))
}

function validityOf({ notBefore, notAfter }: Pick<Claims, 'notBefore' | 'notAfter'>): Buffer {
  return sequence(time(notBefore), time(notAfter))
}

function nameOf(commonName: string): Buffer {
  return sequence(set(sequence(objectId(oids.commonName), utf8String(commonName))))
}

/** An authority signs nothing but certificates, and its holders sign none. */
function extensionsOf({ role }: Claims): Buffer[] {
  const isAuthority = role === 'authority'
  // keyCertSign is the sixth bit, digitalSignature the first.
  const usage = isAuthority ? bitString(Buffer.from([0b0000_0100]), 2) : bitString(Buffer.from([0b1000_0000]), 7)
  const purpose = isAuthority ? [] : [extension(oids.extendedKeyUsage, sequence(objectId(oids[role])))]
  return [
    extension(oids.basicConstraints, sequence(...(isAuthority ? [boolean(true)] : []))),
    extension(oids.keyUsage, usage),
    ...purpose,
  ]
}

/** Whoever does not understand it refuses the certificate. */
function extension(id: string, value: Buffer): Buffer {
  return sequence(objectId(id), boolean(true), octetString(value))
}

function pem(what: 'CERTIFICATE' | 'PRIVATE KEY', der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g)!
  return `-----BEGIN ${what}-----\n${lines.join('\n')}\n-----END ${what}-----\n`
}

const oids = {
  ed25519: '1.3.101.112',
  commonName: '2.5.4.3',
  basicConstraints: '2.5.29.19',
  keyUsage: '2.5.29.15',
  extendedKeyUsage: '2.5.29.37',
  server: '1.3.6.1.5.5.7.3.1',
  client: '1.3.6.1.5.5.7.3.2',
} as const
