import { expect } from 'chai'
import { X509Certificate } from 'node:crypto'
import { credential as shape, type Credential } from '../../../../../src/model/documents/direct.js'
import {
  areOld,
  brickCredential,
  clientCredential,
} from '../../../../../src/scheduler/dataplane/direct/certificates.js'
import { aCertified } from '../../../../support/certified.js'

const day = 86_400
const now = 1_700_000_000

/** A side that trusts this one's authority believes that certificate. */
function believes(side: Credential, other: Credential): boolean {
  return new X509Certificate(other.certificate).verify(new X509Certificate(side.authority).publicKey)
}

describe('the certificates of a buffer', () => {
  const buffer = aCertified(now)
  const brick = brickCredential(buffer, 'gluster1')
  const client = clientCredential(buffer, 'holder', 20)

  it('are what documents may contain, and are made the same each time', () => {
    for (const each of [brick, client]) expect(shape.parse(each)).to.deep.equal(each)
    expect(clientCredential(aCertified(now), 'holder', 20)).to.deep.equal(client)
  })

  it('are believed by the other side, and by no side as its own: a client cannot pass for a brick', () => {
    expect([believes(brick, client), believes(client, brick)]).to.deep.equal([true, true])
    expect([believes(client, client), believes(brick, brick)]).to.deep.equal([false, false])
  })

  it('are believed in no other buffer, and no more when the secret was changed', () => {
    for (const other of [
      aCertified(now, { id: 11, secret: 't'.repeat(43) }),
      aCertified(now, { secret: 'u'.repeat(43) }),
    ]) {
      expect(believes(brickCredential(other, 'gluster1'), client)).to.equal(false)
      expect(believes(clientCredential(other, 'holder', 20), brick)).to.equal(false)
    }
  })

  it('have the session behind the holder, and a key for each of them', () => {
    const all = [client, clientCredential(buffer, 'holder', 21), clientCredential(buffer, 'other', 20), brick]
    expect(all.map(({ certificate }) => new X509Certificate(certificate).subject)).to.deep.equal([
      'CN=holder.20',
      'CN=holder.21',
      'CN=other.20',
      'CN=bricks',
    ])
    const keys = [...all, brickCredential(buffer, 'gluster2')].map(({ key }) => key)
    expect(new Set(keys).size).to.equal(5)
  })

  it('are valid from the day before, for 60 days, and renewed after 30 with the same keys', () => {
    const { validFrom, validTo } = new X509Certificate(client.certificate)
    expect([validFrom, validTo].map((at) => (Date.parse(at) / 1000 - now) / day)).to.deep.equal([-1, 60])
    expect(areOld(buffer, now + 30 * day - 1)).to.equal(false)
    expect(areOld(buffer, now + 30 * day)).to.equal(true)
    // Made when the clock was ahead: nobody believes them yet.
    expect(areOld(buffer, now - day)).to.equal(false)
    expect(areOld(buffer, now - day - 1)).to.equal(true)
    const later = clientCredential(aCertified(now + 30 * day, { createdAt: now }), 'holder', 20)
    expect(later).to.deep.include({ key: client.key, authority: client.authority })
    expect(later.certificate).to.not.equal(client.certificate)
  })
})
