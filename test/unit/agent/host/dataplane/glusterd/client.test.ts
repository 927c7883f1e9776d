import { expect } from 'chai'
import { client } from '../../../../../../src/agent/host/dataplane/glusterd/client.js'
import type { MountSource, MountUse } from '../../../../../../src/agent/host/dataplane/dataPlane.js'

const source = { servers: ['gluster1', 'gluster2', 'gluster3'], volume: '3' }
const without = ['open-behind.pass-through=true', 'md-cache.pass-through=true', 'quick-read.max-file-size=0']
const layers = ['--process-name=fuse', ...without.map((option) => `--xlator-option=*-${option}`)].join(' ')
const end = '--fuse-mountopts=nosuid,nodev --xlator-option=meta-autoload.meta-dir-name=no/such -- /mnt/x'

async function commandsOf(parts: Partial<MountSource>, use: MountUse, failing = 'nothing'): Promise<string[]> {
  const commands: string[] = []
  const { mount } = client((argv) => {
    commands.push(argv.join(' '))
    return Promise.resolve({ code: argv[0] === failing ? 1 : 0, stdout: '', stderr: 'refused' })
  })
  await mount({ ...source, ...parts }, '/mnt/x', use).catch((error: unknown) => commands.push(String(error)))
  return commands
}

describe('a volume is mounted', () => {
  it('from the first server that answers, with nothing cached, for a job that says nothing of caching', async () => {
    const servers = '--volfile-server=gluster1 --volfile-server=gluster2 --volfile-server=gluster3'
    const keeps = '--attribute-timeout=0 --entry-timeout=1 --fopen-keep-cache=off'
    expect(await commandsOf({}, {})).to.deep.equal([
      `glusterfs ${servers} --volfile-id=/3 ${layers} ${keeps} ${end}`,
      'stat -- /mnt/x',
    ])
    expect(await commandsOf({}, { clientCache: false })).to.deep.equal(await commandsOf({}, {}))
  })

  it('by the directory that the host is let into', async () => {
    const [command] = await commandsOf({ servers: ['gluster1'], directory: '/private/c1' }, {})
    expect(command).to.include(
      '--volfile-server=gluster1 --volfile-id=/3 --subdir-mount=/private/c1 --process-name=fuse',
    )
  })

  it('with pages that the kernel keeps and compares, and without the layers that cache, for a job that wants a cache', async () => {
    const [command] = await commandsOf({}, { clientCache: true })
    expect(command).to.include(`${layers} --attribute-timeout=0 --entry-timeout=1 --auto-invalidation=on ${end}`)
  })

  it('with access control lists, for a transfer', async () => {
    expect((await commandsOf({}, { acl: true }))[0]).to.include(`--acl ${end}`)
  })

  it('and is taken off again when it does not answer', async () => {
    const [, stat, umount, error] = await commandsOf({}, {}, 'stat')
    expect([stat, umount]).to.deep.equal(['stat -- /mnt/x', 'umount -- /mnt/x'])
    expect(error).to.include('refused')
  })
})
