import { expect } from 'chai'
import { fingerprintOf, servedFingerprintOf, sessionFingerprintOf } from '../../../src/model/fingerprint.js'
import { aDirectVolume } from '../../support/desired.js'

describe('the fingerprint of what a host serves of a volume', () => {
  const volume = aDirectVolume()
  const [brick] = volume.bricks

  it('is the same whoever may connect', () => {
    expect(fingerprintOf(aDirectVolume({ clients: ['c1'] }))).to.equal(fingerprintOf(volume))
  })

  it('is of a session another one for other clients, and the same for them in another order', () => {
    const [session, other] = [{ id: 7 }, { id: 8 }]
    expect(sessionFingerprintOf(session, ['c1', 'c2'])).to.equal(sessionFingerprintOf(session, ['c2', 'c1']))
    expect(sessionFingerprintOf(session, ['c1', 'c2'])).to.not.equal(sessionFingerprintOf(session, ['c1']))
    expect(sessionFingerprintOf(session, ['c1'])).to.not.equal(sessionFingerprintOf(other, ['c1']))
  })

  it('is for the process of a brick of its exports and its port, and not of the clients', () => {
    const served = servedFingerprintOf(volume, brick!)
    expect(servedFingerprintOf(aDirectVolume({ clients: [] }), brick!)).to.equal(served)
    expect(servedFingerprintOf(aDirectVolume({ exports: [...volume.exports].reverse() }), brick!)).to.equal(served)
    expect(servedFingerprintOf(aDirectVolume({ exports: volume.exports.slice(1) }), brick!)).to.not.equal(served)
    expect(servedFingerprintOf(volume, { ...brick!, port: brick!.port + 1 })).to.not.equal(served)
    expect(servedFingerprintOf(aDirectVolume({ directory: 'brick-1' }), brick!)).to.not.equal(served)
  })

  it('is the same for a process whose buffer is shared with a group while it is mounted, and not what the host reports', () => {
    const exports = volume.exports.map((each) => ({ ...each, gid: each.gid + 1, mode: 0o2770 }))
    const shared = aDirectVolume({ exports })
    expect(servedFingerprintOf(shared, brick!)).to.equal(servedFingerprintOf(volume, brick!))
    expect(fingerprintOf(shared)).to.not.equal(fingerprintOf(volume))
  })

  describe('of this very document', () => {
    const login = { user: 'user-1', password: 'password-of-at-least-32-characters' }
    const exported = { name: 'striped', directory: '/striped', uid: 1001, gid: 1002, mode: 0o700, login }
    const brick = { device: 'nvme1n1', uuid: '11111111-1111-4111-8111-111111111111', port: 29_000 }
    const document = {
      ...aDirectVolume(),
      bricks: [brick],
      directory: 'brick',
      exports: [exported],
      clients: ['c1', '10.0.0.1'],
    }
    const served = 'ZEioV6kLVk7lt9ZwkWNnPvOUKJnaAtg2dvHYl3ZEVzM'
    const whole = 'ew6XkEzARypjEZCJ8jWsETzx0NmNk1is42wczWbvtfg'

    it('is the one that running processes were started with, and that hosts of other releases report', () => {
      expect(servedFingerprintOf(document, brick)).to.equal(served)
      expect(fingerprintOf(document)).to.equal(whole)
    })

    it('stays when fields are added that it does not name', () => {
      const added = { added: true }
      const exports = [{ ...exported, ...added, login: { ...login, ...added } }]
      const later = { ...document, ...added, bricks: [{ ...brick, ...added }], exports }
      expect(servedFingerprintOf(later, { ...brick, ...added } as typeof brick)).to.equal(served)
      expect(fingerprintOf(later)).to.equal(whole)
    })
  })
})
