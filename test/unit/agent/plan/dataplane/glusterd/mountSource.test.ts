import { expect } from 'chai'
import { isMountOf } from '../../../../../../src/agent/plan/dataplane/glusterd/mountSource.js'

describe('a mount is that of a volume', () => {
  const volume = { volume: '3', directory: '/private/c1' }
  const mounted = { source: 'gluster2:/3/private/c1', type: 'fuse.glusterfs' }

  it('from whichever server', () => {
    expect(isMountOf(volume, mounted)).to.equal(true)
    expect(isMountOf({ volume: '3' }, { ...mounted, source: 'gluster1:/3' })).to.equal(true)
  })

  it('and no other of its directories, no other volume, and no other file system', () => {
    expect(isMountOf({ ...volume, directory: '/private/c2' }, mounted)).to.equal(false)
    expect(isMountOf({ volume: '3' }, mounted)).to.equal(false)
    expect(isMountOf({ ...volume, volume: '13' }, mounted)).to.equal(false)
    expect(isMountOf(volume, { ...mounted, type: 'nfs4' })).to.equal(false)
  })
})
