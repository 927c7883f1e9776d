import { expect } from 'chai'
import { brickCommand } from '../../../../../../src/agent/host/dataplane/direct/brickCommand.js'
import { clientCommand } from '../../../../../../src/agent/host/dataplane/direct/clientCommand.js'
import { filesOf } from '../../../../../../src/agent/host/dataplane/direct/files.js'
import { graphs } from '../../../../../../src/agent/host/dataplane/common/graphs.js'
import { brickOf, runningOf } from '../../../../../../src/agent/host/dataplane/direct/running.js'

const process = { pid: 7, start: '100' }
const directories = { run: '/run/bb', log: '/var/log/bb' }
const directory = '/data/glusterfs/nvme1n1/brick'
const identity = { uuid: '0a1b', directory, volume: '3', fingerprint: '-x.1' }
const brick = brickCommand(identity, filesOf('brick', '0a1b', directories))

describe('a process of this plane', () => {
  it('is recognized by the words that a brick is started with', () => {
    const words = [...brick, '']
    expect(runningOf({ ...process, words })).to.deep.equal({ ...process, kind: 'brick', ...identity })
    expect(brickOf(words)).to.equal(directory)
  })

  it('is recognized by the words that a client is started with', () => {
    const files = filesOf('client', '3', directories)
    const words = clientCommand({
      ...files,
      volume: '3',
      mountPoint: '/mnt/bb/3',
      graph: graphs.exact,
      dispersed: false,
    })
    expect(runningOf({ ...process, words: [...words, ''] })).to.deep.equal({
      ...process,
      kind: 'client',
      volume: '3',
      mountPoint: '/mnt/bb/3',
    })
    expect(brickOf(words)).to.equal(undefined)
  })

  for (const [what, words] of [
    ['that glusterd started for a brick', 'glusterfsd -s gluster1 --volfile-id 3.gluster1.data-x --brick-name /data/x'],
    ['that mount started', 'glusterfs --process-name fuse --volfile-server=gluster1 --volfile-id=/3 /mnt/bb/3'],
    ['of nothing', ''],
  ] as const)
    it(`is not one ${what}`, () => {
      expect(runningOf({ ...process, words: [...words.split(' '), ''] })).to.equal(undefined)
    })
})

describe('the command line of a brick', () => {
  it('names the brick, and contains no secret', () => {
    expect(brick.join(' ')).to.equal(
      'glusterfsd --process-name=3.-x.1 --volfile=/run/bb/brick-0a1b.vol --volfile-id=0a1b --brick-name=/data/glusterfs/nvme1n1/brick ' +
        '--pid-file=/run/bb/brick-0a1b.pid --log-file=/var/log/bb/brick-0a1b.log --log-level=ERROR',
    )
  })

  it('lies below its directories alone', () => {
    expect(() => filesOf('brick', '../x', directories)).to.throw('id of a process may contain')
  })
})
