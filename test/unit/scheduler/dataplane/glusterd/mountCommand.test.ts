import { expect } from 'chai'
import { mountCommand } from '../../../../../src/scheduler/dataplane/glusterd/mountCommand.js'
import { aBuffer } from '../../../../support/builders.js'

const built = aBuffer({ bricks: ['gluster1/nvme1n1', 'gluster2/nvme1n1', 'gluster1/nvme2n1'], builtAt: 5 })

describe('the mount command', () => {
  it('names every server of the buffer once', () => {
    expect(mountCommand(built)).to.equal(
      'mount -t glusterfs -o backup-volfile-servers=gluster2 gluster1:/mytest /mnt/mytest',
    )
    expect(mountCommand(aBuffer({ builtAt: 5 }))).to.equal('mount -t glusterfs gluster1:/mytest /mnt/mytest')
  })

  it('is given from when the buffer was built until it leaves', () => {
    expect(mountCommand(aBuffer())).to.equal(undefined)
    expect(mountCommand({ ...built, wanted: 'absent' })).to.equal(undefined)
  })
})
