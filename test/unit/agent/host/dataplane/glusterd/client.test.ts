import { expect } from 'chai'
import { client } from '../../../../../../src/agent/host/dataplane/glusterd/client.js'
import type { MountSource, MountUse } from '../../../../../../src/agent/host/dataplane/dataPlane.js'

const always = 'nosuid,nodev,xlator-option=meta-autoload.meta-dir-name=no/such'
const source = { servers: ['gluster1', 'gluster2', 'gluster3'], volume: '3' }

async function commandOf(parts: Partial<MountSource>, use: MountUse): Promise<string> {
  const commands: string[] = []
  const { mount } = client((argv) => {
    commands.push(argv.join(' '))
    return Promise.resolve({ code: 0, stdout: '', stderr: '' })
  })
  await mount({ ...source, ...parts }, '/mnt/x', use)
  return commands.join('\n')
}

describe('a volume is mounted', () => {
  it('from the first server, with the others behind it, for a job that says nothing of caching', async () => {
    expect(await commandOf({}, {})).to.equal(
      `mount -t glusterfs -o ${always},backup-volfile-servers=gluster2:gluster3 gluster1:/3 /mnt/x`,
    )
  })

  it('by the directory that the host is let into', async () => {
    expect(await commandOf({ servers: ['gluster1'], directory: '/private/c1' }, {})).to.equal(
      `mount -t glusterfs -o ${always} gluster1:/3/private/c1 /mnt/x`,
    )
  })

  it('with a cache, or without one, as the job said', async () => {
    expect(await commandOf({ servers: ['g'] }, { clientCache: true })).to.include(
      `-o ${always},fopen-keep-cache,attribute-timeout=60,entry-timeout=60 `,
    )
    expect(await commandOf({ servers: ['g'] }, { clientCache: false })).to.include(
      `-o ${always},direct-io-mode=enable,attribute-timeout=0,entry-timeout=0,negative-timeout=0 `,
    )
  })

  it('with access control lists, for a transfer', async () => {
    expect(await commandOf({ servers: ['g'] }, { acl: true })).to.include(`-o ${always},acl `)
  })
})
