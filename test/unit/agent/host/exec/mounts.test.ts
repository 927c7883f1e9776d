import { expect } from 'chai'
import { mountedAt, parseMountInfo } from '../../../../../src/agent/host/exec/mounts.js'

const table = parseMountInfo(
  [
    '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro',
    '90 22 259:3 / /data/glusterfs/nvme1n1 ro,noatime shared:44 master:2 - xfs /dev/nvme1n1 rw,attr2',
    '91 22 0:50 / /mnt/with\\040space rw - fuse.glusterfs gluster1:/3 rw,user_id=0',
    '92 22 0:51 / /mnt/twice rw - tmpfs one rw',
    '93 22 0:52 / /mnt/twice rw - tmpfs two rw',
    'no mount at all',
    '',
  ].join('\n'),
)

describe('the mount table', () => {
  it('tells device, type, source and the options of mount and file system', () => {
    expect(mountedAt(table, '/data/glusterfs/nvme1n1')).to.deep.equal({
      id: '90',
      device: '259:3',
      path: '/data/glusterfs/nvme1n1',
      options: ['ro', 'noatime', 'rw', 'attr2'],
      type: 'xfs',
      source: '/dev/nvme1n1',
    })
  })

  it('unescapes paths', () => {
    expect(mountedAt(table, '/mnt/with space')?.source).to.equal('gluster1:/3')
  })

  it('shows the topmost of several mounts at one path', () => {
    expect(mountedAt(table, '/mnt/twice')?.source).to.equal('two')
  })

  it('shows nothing where nothing is mounted, and passes by lines that are no mounts', () => {
    expect(mountedAt(table, '/mnt')).to.equal(undefined)
    expect(table).to.have.length(5)
  })
})
