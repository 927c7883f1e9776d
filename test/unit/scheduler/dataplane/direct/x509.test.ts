import { expect } from 'chai'
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import { certificateOf, type Claims, keyOf, keyPem } from '../../../../../src/scheduler/dataplane/direct/x509.js'

const seed = (byte: number) => Buffer.alloc(32, byte)
const issuer = { commonName: 'clients of buffer 10', key: keyOf(seed(1)) }
const claims: Claims = { commonName: 'holder.20', role: 'client', notBefore: 1_000_000_000, notAfter: 1_000_086_400 }

describe('a certificate', () => {
  const key = keyOf(seed(2))
  const made = new X509Certificate(certificateOf(key, claims, issuer))

  it('is one of its key and of its issuer', () => {
    expect(made.checkPrivateKey(key)).to.equal(true)
    expect(made.checkPrivateKey(issuer.key)).to.equal(false)
    expect(made.verify(createPublicKey(issuer.key))).to.equal(true)
    expect(made.verify(createPublicKey(key))).to.equal(false)
  })

  it('has a key that says the same as PEM of PKCS #8', () => {
    expect(createPrivateKey(keyPem(seed(2))).equals(key)).to.equal(true)
    expect(key.export({ format: 'pem', type: 'pkcs8' })).to.equal(keyPem(seed(2)))
  })

  it('says who holds it, for what, and how long', () => {
    expect(made).to.include({ subject: 'CN=holder.20', issuer: 'CN=clients of buffer 10', ca: false })
    expect(made.validFrom).to.equal('Sep  9 01:46:40 2001 GMT')
    expect(made.validTo).to.equal('Sep 10 01:46:40 2001 GMT')
    // "TLS client" (RFC 5280).
    expect(made.keyUsage).to.deep.equal(['1.3.6.1.5.5.7.3.2'])
  })

  it('of an authority says so, and is its own issuer', () => {
    const never = Date.UTC(9999, 11, 31, 23, 59, 59) / 1000
    const authority = certificateOf(issuer.key, { ...claims, ...issuer, role: 'authority', notAfter: never }, issuer)
    const found = new X509Certificate(authority)
    expect(found).to.include({ ca: true, validTo: 'Dec 31 23:59:59 9999 GMT' })
    expect(made.checkIssued(found)).to.equal(true)
    expect(found.verify(found.publicKey)).to.equal(true)
  })

  it('is the same each time, with a number that no other of the issuer has', () => {
    expect(new X509Certificate(certificateOf(key, claims, issuer)).fingerprint256).to.equal(made.fingerprint256)
    const others = [
      certificateOf(keyOf(seed(3)), claims, issuer),
      certificateOf(key, { ...claims, notBefore: 1 }, issuer),
    ]
    const numbers = others.map((each) => new X509Certificate(each).serialNumber)
    expect(new Set([made.serialNumber, ...numbers]).size).to.equal(3)
  })
})
