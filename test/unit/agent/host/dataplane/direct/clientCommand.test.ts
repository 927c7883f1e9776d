import { expect } from 'chai'
import { clientCommand } from '../../../../../../src/agent/host/dataplane/direct/clientCommand.js'
import { graphs } from '../../../../../../src/agent/host/dataplane/common/graphs.js'

const files = {
  dispersed: false,
  volfile: '/run/bb/3.vol',
  pidFile: '/run/bb/3.pid',
  log: '/var/log/bb/3.log',
  mountPoint: '/mnt/bb/3',
}
const start = 'glusterfs --volfile=/run/bb/3.vol --volfile-id=3 --pid-file=/run/bb/3.pid --log-file=/var/log/bb/3.log'
const end = '--fuse-mountopts=nosuid,nodev --xlator-option=meta-autoload.meta-dir-name=no/such -- /mnt/bb/3'

describe('the command line of a client', () => {
  it('lets the kernel keep neither attributes nor pages, for a volume that is shown as it is', () => {
    expect(clientCommand({ ...files, volume: '3', graph: graphs.exact }).join(' ')).to.equal(
      `${start} --log-level=ERROR --attribute-timeout=0 --entry-timeout=1 --fopen-keep-cache=off ${end}`,
    )
  })

  it('lets it keep pages that it compares, for one that is cached, and keeps access control lists', () => {
    expect(clientCommand({ ...files, volume: '3', graph: graphs.cached, acl: true }).join(' ')).to.equal(
      `${start} --log-level=ERROR --attribute-timeout=0 --entry-timeout=1 --auto-invalidation=on --acl ${end}`,
    )
  })

  it('does not believe the sizes in lists of dispersed bricks', () => {
    expect(clientCommand({ ...files, volume: '3', graph: graphs.exact, dispersed: true })).to.include(
      '--use-readdirp=no',
    )
  })

  it('has absolute paths alone', () => {
    const client = { ...files, volume: '3', graph: graphs.exact }
    expect(() => clientCommand({ ...client, log: '3.log' })).to.throw('must be absolute: 3.log')
  })
})
