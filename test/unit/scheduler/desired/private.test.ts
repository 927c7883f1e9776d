import { glusterfsVolumeIn } from '../../../support/desired.js'
import { expect } from 'chai'
import type { SessionDocument } from '../../../../src/model/documents/session.js'
import { desiredOfBuffer, desiredOfSession } from '../../../../src/scheduler/desired/index.js'
import {
  alice,
  aBuffer,
  aCluster,
  aHost,
  aSession,
  aTransfer,
  brickReports,
  volumeReport,
} from '../../../support/builders.js'

const settings = { mountRoot: '/mnt/bb', adminClients: [], computeNetworks: [] }
const hosts = [
  aHost('gluster1'),
  aHost('c1', { devices: 0, roles: ['compute'] }),
  aHost('c2', { devices: 0, roles: ['compute'] }),
]
const session = aSession({ token: '5', buffer: '5', computeHosts: ['c1', 'c2'], stage: 'running' })

function wanted(access: ('striped' | 'private')[], directories: string[] = [], of: SessionDocument = session) {
  const buffer = aBuffer({ name: '5', builtAt: 1, access })
  const cluster = (observed: object) =>
    aCluster({ hosts, buffers: [buffer], sessions: [of], observed: { ...brickReports(buffer), ...observed } })
  const found = desiredOfBuffer(cluster({}), buffer, settings)
  const volume = glusterfsVolumeIn(found)
  const brick = found.flatMap(({ document }) => (document.kind === 'brick' ? [document] : []))[0]!
  const allow = volume.options['auth.allow']!
  const seen = cluster(volumeReport(buffer, { allow, directories }))
  const mounts = desiredOfSession(seen, of, settings).map(({ host, id, document }) =>
    document.kind === 'mount' ? `${host} ${id} ${document.directory ?? '/'} ${document.path}` : '',
  )
  return { volume, brick, allow, mounts }
}

describe('a private buffer', () => {
  it('lets each node into its own directory alone', () => {
    expect(wanted(['private']).allow).to.equal('/(gluster1),/private/c1(c1),/private/c2(c2)')
    expect(wanted(['striped', 'private']).allow).to.equal('/(gluster1),/private/c1(c1),/private/c2(c2),/striped(c1|c2)')
  })

  it('has a root and a parent that are not the user’s, and directories of each node that are', () => {
    const { brick, volume } = wanted(['private'])
    expect([brick.uid, brick.gid, brick.mode]).to.deep.equal([0, 0, 0o711])
    expect(volume.directories).to.deep.equal([
      { path: '/private', uid: 0, gid: 0, mode: 0o711 },
      { path: '/private/c1', ...alice, mode: 0o700 },
      { path: '/private/c2', ...alice, mode: 0o700 },
    ])
  })

  it('is mounted on a node when its directory is made, in both modes when both were asked', () => {
    expect(wanted(['striped', 'private'], ['/striped', '/private', '/private/c1']).mounts).to.deep.equal([
      'c1 20.10 /striped /mnt/bb/5.20/striped',
      'c1 20.10.private /private/c1 /mnt/bb/5.20/private',
      'c2 20.10 /striped /mnt/bb/5.20/striped',
    ])
  })
})

describe('a private buffer that is staged in to', () => {
  const fill = aTransfer({ number: 2, direction: 'fill', type: 'directory', variable: 'DW_JOB_PRIVATE', inside: '' })
  const staged = (ended?: { at: number; state: 'done' | 'failed' }) => ({
    ...session,
    transfers: [{ ...fill, ...(ended ? { ended } : {}) }],
  })

  it('has a template that is the user’s, and that no node may mount', () => {
    const { volume, allow } = wanted(['private'], [], staged())
    expect(volume.directories).to.deep.include({ path: '/template', ...alice, mode: 0o700 })
    expect(allow).to.equal('/(gluster1),/private/c1(c1),/private/c2(c2)')
    expect(wanted(['private']).volume.directories!.map(({ path }) => path)).not.to.include('/template')
  })

  it('is mounted by no node before all have their copies, but for what is striped', () => {
    const directories = ['/striped', '/template', '/private', '/private/c1', '/private/c2']
    const striped = ['c1 20.10 /striped /mnt/bb/5.20/striped', 'c2 20.10 /striped /mnt/bb/5.20/striped']
    const mounts = (of: typeof session) =>
      wanted(['striped', 'private'], directories, of).mounts.filter((text) => text !== '')
    expect(mounts(staged())).to.deep.equal(striped)
    expect(mounts(staged({ at: 1, state: 'failed' }))).to.deep.equal(striped)
    expect(mounts(staged({ at: 1, state: 'done' }))).to.have.length(4)
  })
})

describe('a striped buffer', () => {
  it('is its user’s from the root on, and has no directories of ours', () => {
    const { brick, volume, mounts } = wanted(['striped'])
    expect([brick.uid, brick.mode]).to.deep.equal([alice.uid, 0o700])
    expect(volume).to.not.have.property('directories')
    expect(mounts).to.deep.equal(['c1 20.10 / /mnt/bb/5.20/striped', 'c2 20.10 / /mnt/bb/5.20/striped'])
  })
})
