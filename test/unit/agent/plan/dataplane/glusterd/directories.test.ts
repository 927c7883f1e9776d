import { expect } from 'chai'
import type { GlusterfsVolumeFacts } from '../../../../../../src/agent/port/host.js'
import { planGlusterfsVolume } from '../../../../../../src/agent/plan/dataplane/glusterd/volume.js'
import { describeStep } from '../../../../../../src/agent/port/steps.js'
import type { GlusterfsVolume } from '../../../../../../src/model/documents/volume.js'

const brick = { host: 'gluster1', path: '/data/glusterfs/nvme1n1/brick' }
const volume: GlusterfsVolume = {
  v: 1,
  fence: 1,
  kind: 'volume',
  buffer: { id: 10, name: '5' },
  volume: '5',
  bricks: [brick],
  options: { 'auth.allow': '/(gluster1),/private/c1(c1)' },
  directories: [
    { path: '/private', uid: 0, gid: 0, mode: 0o711 },
    { path: '/private/c1', uid: 20001, gid: 20001, mode: 0o700 },
  ],
  wanted: 'started',
}
const facts = (parts: Partial<GlusterfsVolumeFacts> = {}): GlusterfsVolumeFacts => ({
  exists: true,
  status: 'started',
  bricks: [`${brick.host}:${brick.path}`],
  options: volume.options,
  directories: [],
  offline: [],
  connectedPeers: [],
  ...parts,
})
const steps = (parts?: Partial<GlusterfsVolumeFacts>) =>
  planGlusterfsVolume(volume, facts(parts)).steps.map(describeStep)

describe('directories of a volume', () => {
  it('are made when it is started, also those that an earlier attempt left half', () => {
    expect(steps()).to.deep.equal(['make /private, /private/c1 in volume 5'])
    expect(steps({ directories: ['/private'] })).to.deep.equal(['make /private, /private/c1 in volume 5'])
    expect(steps({ status: 'created' })).to.deep.equal(['start volume 5'])
  })

  it('are reported with whom the volume lets in, for both are what mounts wait for', () => {
    const { report } = planGlusterfsVolume(volume, facts({ directories: ['/private', '/private/c1'] }))
    expect(report).to.deep.include({ allow: '/(gluster1),/private/c1(c1)', directories: ['/private', '/private/c1'] })
  })

  it('that are made need nothing more', () => {
    expect(steps({ directories: ['/private', '/private/c1'] })).to.deep.equal([])
  })
})
