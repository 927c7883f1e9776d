import { expect } from 'chai'
import { keys, parseKey } from '../../../src/store/keys.js'

describe('store keys', () => {
  it('are read back as what they were made of', () => {
    expect(parseKey(keys.leader)).to.deep.equal({ collection: 'leader' })
    expect(parseKey(keys.leaderWanted)).to.deep.equal({ collection: 'leader-wanted' })
    expect(parseKey(keys.placement)).to.deep.equal({ collection: 'placement' })
    expect(parseKey(keys.host('c1'))).to.deep.equal({ collection: 'hosts', host: 'c1' })
    expect(parseKey(keys.inventory('c1'))).to.deep.equal({ collection: 'inventory', host: 'c1' })
    expect(parseKey(keys.cordon('gluster1'))).to.deep.equal({ collection: 'cordons', host: 'gluster1' })
    expect(parseKey(keys.cordon('gluster1', 'nvme1n1'))).to.deep.equal({
      collection: 'cordons',
      host: 'gluster1',
      device: 'nvme1n1',
    })
    expect(parseKey(keys.buffer('a'))).to.deep.equal({ collection: 'buffers', name: 'a' })
    expect(parseKey(keys.mountpoint('a'))).to.deep.equal({ collection: 'mountpoints', name: 'a' })
    expect(parseKey(keys.session('7'))).to.deep.equal({ collection: 'sessions', name: '7' })
    expect(parseKey(keys.event('a', 12))).to.deep.equal({ collection: 'events', name: 'a', sequence: 12 })
    const brick = { host: 'gluster1', kind: 'brick', id: 'nvme1n1' }
    expect(parseKey(keys.desired('gluster1', 'brick', 'nvme1n1'))).to.deep.equal({ collection: 'desired', ...brick })
    expect(parseKey(keys.observed('gluster1', 'brick', 'nvme1n1'))).to.deep.equal({ collection: 'observed', ...brick })
  })

  it('of events sort as their numbers do', () => {
    const sequences = [1, 9, 10, 99, 100, 12345]
    const sorted = sequences.map((sequence) => keys.event('a', sequence)).sort()
    expect(sorted.map((key) => parseKey(key))).to.deep.equal(
      sequences.map((sequence) => ({ collection: 'events', name: 'a', sequence })),
    )
  })

  it('of one host do not begin like those of another whose name is longer', () => {
    expect(keys.desired('host10', 'peer', 'a').startsWith(keys.desiredOf('host1'))).to.equal(false)
    expect(keys.observed('host10', 'peer', 'a').startsWith(keys.observedOf('host1'))).to.equal(false)
  })

  const strange = [
    ...['', 'other', 'leader/', 'hosts', 'hosts/', 'hosts/a/', 'hosts/a/b', 'sessions/a/b', 'cordons/'],
    ...['cordons/a/', 'cordons/a/b/c', 'buffers/a/other', 'buffers/a/mountpoint/b', 'events/a', 'events/a/b'],
    ...['desired/a', 'desired/a/brick', 'desired/a/brick/', 'desired/a/other/b', 'observed/a/brick/b/c'],
  ]
  for (const key of strange) {
    it(`that none of our programs writes are told apart: '${key}'`, () => {
      expect(parseKey(key)).to.equal(undefined)
    })
  }
})
