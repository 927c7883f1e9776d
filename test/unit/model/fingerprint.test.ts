import { expect } from 'chai'
import { fingerprintOf, servedFingerprintOf } from '../../../src/model/fingerprint.js'
import { aDirectVolume } from '../../support/desired.js'

describe('the fingerprint of what a host serves of a volume', () => {
  const volume = aDirectVolume()
  const [brick] = volume.bricks

  it('is another one for other clients, and the same for them in another order', () => {
    const with_ = (...clients: string[]) => fingerprintOf(aDirectVolume({ clients }))
    expect(with_('c1', 'c2')).to.equal(with_('c2', 'c1'))
    expect(with_('c1', 'c2')).to.not.equal(with_('c1'))
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
})
