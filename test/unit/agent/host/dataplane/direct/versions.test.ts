import { expect } from 'chai'
import { versionNotTried } from '../../../../../../src/agent/host/dataplane/direct/messages.js'
import { triedVersions, versionIn, versionWarning } from '../../../../../../src/agent/host/dataplane/direct/versions.js'

describe('the version of GlusterFS', () => {
  it('is the one that it prints', () => {
    expect(versionIn('glusterfs 10.3\nRepository revision: git://git.gluster.org/glusterfs.git\n')).to.equal('10.3')
    expect(versionIn('glusterfs 11.0rc0\n')).to.equal('11.0rc0')
    expect(versionIn('command not found')).to.equal(undefined)
  })

  it('is warned of when it was not tried', () => {
    for (const version of triedVersions) expect(versionWarning(version)).to.equal(undefined)
    expect(versionWarning('11.1')).to.equal(versionNotTried('11.1', triedVersions))
  })
})
