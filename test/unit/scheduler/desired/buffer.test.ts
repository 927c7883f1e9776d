import { glusterfsVolumeIn } from '../../../support/desired.js'
import { expect } from 'chai'
import type { DesiredBrick } from '../../../../src/model/documents/brick.js'
import type { DesiredVolume } from '../../../../src/model/documents/volume.js'
import { describeRecord } from '../../../../src/model/desiredRecord.js'
import { desiredOfBuffer } from '../../../../src/scheduler/desired/buffer.js'
import {
  aBrick,
  aBuffer,
  aCluster,
  aHost,
  aSession,
  brickReport,
  brickReports,
  type ClusterParts,
  mountReport,
  volumeReport,
} from '../../../support/builders.js'
import { aConfig } from '../../../support/decisions.js'

const hosts = [aHost('gluster1'), aHost('gluster2'), aHost('c1', { roles: ['compute'] })]
const buffer = aBuffer({ bricks: ['gluster1/nvme1n1', 'gluster2/nvme1n1'] })
const built = { ...buffer, builtAt: 5 }
const leaving = { ...built, wanted: 'absent' as const }
const ready = brickReports(buffer)
const records = (document = buffer, parts: ClusterParts = {}) =>
  desiredOfBuffer(aCluster({ hosts, buffers: [document], ...parts }), document, aConfig()).map(describeRecord)
const bricks = (wanted: string) => [`gluster1: brick nvme1n1 ${wanted}`, `gluster2: brick nvme1n1 ${wanted}`]

describe('what hosts should hold of a buffer that is wanted', () => {
  it('is its bricks, and no volume before all of them are ready', () => {
    expect(records()).to.deep.equal(bricks('present'))
    expect(records(buffer, { observed: brickReport(buffer.bricks[0]!) })).to.deep.equal(bricks('present'))
  })

  it('is what each host serves too, from the start, where bricks are served by themselves, unless the buffer has failed', () => {
    const direct = {
      ...buffer,
      dataPlane: 'direct' as const,
      secret: 's'.repeat(43),
      bricks: buffer.bricks.map((brick) => ({ ...brick, at: { address: brick.host, port: 29_000 } })),
    }
    expect(records(direct)).to.deep.equal([
      ...bricks('present'),
      'gluster1: volume mytest started',
      'gluster2: volume mytest started',
    ])
    expect(records({ ...direct, failure: 'no device is left' })).to.deep.equal(bricks('present'))
  })

  it('is the volume too, on its primary, when all bricks are ready', () => {
    expect(records(buffer, { observed: ready })).to.deep.equal([
      ...bricks('present'),
      'gluster1: volume mytest started',
    ])
  })

  it('goes on being the volume when a brick is unwell or a report is lost', () => {
    expect(records(built)).to.deep.equal([...bricks('present'), 'gluster1: volume mytest started'])
    const begun = { observed: volumeReport(buffer, { state: 'forming' }) }
    expect(records(buffer, begun)).to.deep.equal([...bricks('present'), 'gluster1: volume mytest started'])
  })

  it('gives the volume to the next host when the primary is lost', () => {
    const parts = { hosts: [aHost('gluster1', { alive: false }), hosts[1]!] }
    expect(records(built, parts)).to.include('gluster2: volume mytest started')
  })

  it('tells the volume the boots of its hosts that are alive, so that it is looked at when one was restarted', () => {
    const parts = { hosts: [aHost('gluster1', { boot: 'a' }), aHost('gluster2', { boot: 'b' })], buffers: [built] }
    const bootsIn = (cluster: ClusterParts) => {
      return glusterfsVolumeIn(desiredOfBuffer(aCluster(cluster), built, aConfig())).boots
    }
    expect(bootsIn(parts)).to.deep.equal({ gluster1: 'a', gluster2: 'b' })
    const away = aHost('gluster2', { boot: 'b', alive: false })
    expect(bootsIn({ ...parts, hosts: [parts.hosts[0]!, away] })).to.deep.equal({ gluster1: 'a' })
  })

  it('carries stamp, identity, size and owner of each brick', () => {
    const [want] = desiredOfBuffer(aCluster({ hosts, buffers: [buffer] }), buffer, aConfig())
    const { uuid, identity, sizeBytes } = aBrick('gluster1/nvme1n1')
    expect(want!.document).to.deep.include({ uuid, identity, sizeBytes, uid: 20001, gid: 20001, mode: 0o700 })
  })
})

describe('what hosts should hold of a buffer that is wanted no more', () => {
  const observed = { ...ready, ...volumeReport(buffer) }

  it('keeps the volume started while a job may use it', () => {
    const job = aSession({ uses: ['mytest'], stage: 'staged-in' })
    expect(records(leaving, { observed, sessions: [job] })).to.deep.equal([
      ...bricks('present'),
      'gluster1: volume mytest started',
    ])
  })

  it('keeps the volume started until the last host that lives has let go of it', () => {
    const job = aSession({ uses: ['mytest'], stage: 'ran', computeHosts: ['c1'] })
    const mounted = { ...observed, ...mountReport('c1', job, buffer) }
    expect(records(leaving, { observed: mounted, sessions: [job] })).to.include('gluster1: volume mytest started')
    const away = { hosts: hosts.slice(0, 2), observed: mounted, sessions: [job] }
    expect(records(leaving, away)).to.include('gluster1: volume mytest absent')
  })

  it('is no volume, but still its bricks, until the volume was seen stopped', () => {
    const going = { ...ready, ...volumeReport(buffer, { state: 'leaving' }) }
    expect(records(leaving, { observed: going })).to.deep.equal([
      ...bricks('present'),
      'gluster1: volume mytest absent',
    ])
    expect(records(leaving)).to.deep.equal([...bricks('present'), 'gluster1: volume mytest absent'])
  })

  it('is no brick once nothing serves the volume, although a dead peer keeps its record', () => {
    const stopped = { ...ready, ...volumeReport(buffer, { state: 'leaving', stopped: true }) }
    expect(records(leaving, { observed: stopped })).to.deep.equal([
      ...bricks('absent'),
      'gluster1: volume mytest absent',
    ])
  })

  it('does not take back that bricks go, when another primary does not know of the volume yet', () => {
    const told = desiredOfBuffer(
      aCluster({ hosts, buffers: [leaving], observed: volumeReport(buffer, { state: 'absent' }) }),
      leaving,
      aConfig(),
    )
    const desired = Object.fromEntries(
      told.map(({ host, kind, id, document }) => [`${kind} ${host}/${id}`, { ...document, fence: 1 } as DesiredBrick]),
    )
    expect(records(leaving, { observed: ready, desired })).to.deep.equal([
      ...bricks('absent'),
      'gluster1: volume mytest absent',
    ])
  })

  it('does not take back that the volume goes, when a lost host returns that has it mounted', () => {
    const [, , going] = desiredOfBuffer(aCluster({ hosts, buffers: [leaving], observed }), leaving, aConfig())
    const session = aSession({ token: '5', uses: ['mytest'], computeHosts: ['c1'], stage: 'ran' })
    const parts = { sessions: [session], observed: { ...observed, ...mountReport('c1', session, buffer) } }
    expect(records(leaving, parts)).to.include('gluster1: volume mytest started')
    const desired = { 'volume gluster1/mytest': { ...going!.document, fence: 1 } as DesiredVolume }
    expect(records(leaving, { ...parts, desired })).to.include('gluster1: volume mytest absent')
  })

  it('is no volume that was never begun, so that its bricks go at once', () => {
    expect(records({ ...buffer, wanted: 'absent' }, { observed: ready })).to.deep.equal(bricks('absent'))
  })
})

describe('what hosts should hold of a buffer whose brick was replaced', () => {
  const former = [{ volume: 'mytest', bricks: [{ host: 'gluster1', path: '/data/glusterfs/nvme2n1/brick' }] }]
  const replaced = {
    ...aBuffer({
      bricks: ['gluster1/nvme1n1', 'gluster2/nvme1n1'],
      released: ['gluster1/nvme2n1'],
      directory: 'brick-2',
    }),
    volume: 'mytest-10',
    formerVolumes: former,
  }

  it('keeps the released brick until its former volume was seen stopped', () => {
    expect(records(replaced)).to.include('gluster1: brick nvme2n1 present')
    expect(records(replaced)).to.include('gluster1: volume mytest absent')
  })

  it('wipes it then', () => {
    const gone = { observed: volumeReport(replaced, { volume: 'mytest', state: 'absent' }) }
    expect(records(replaced, gone)).to.include('gluster1: brick nvme2n1 absent')
  })
})
