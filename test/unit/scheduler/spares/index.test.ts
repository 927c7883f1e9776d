import { expect } from 'chai'
import {
  aBrick,
  aBuffer,
  aCluster,
  aCordon,
  aHost,
  aUuid,
  brickReport,
  pool,
  uuids,
} from '../../../support/builders.js'
import type { ClusterParts } from '../../../support/builders.js'
import { describeChange } from '../../../support/decisions.js'
import type { DesiredBrick } from '../../../../src/model/documents/brick.js'
import { atOnce } from '../../../../src/daemon/slices.js'
import { boundBrick, isSpare } from '../../../../src/model/spares.js'
import { schedulerConfig } from '../../../../src/scheduler/config.js'
import { adopt } from '../../../../src/scheduler/admission/operators.js'
import { deviceInUse } from '../../../../src/scheduler/admission/messages.js'
import { poolsOf } from '../../../../src/scheduler/cluster/pools.js'
import { desiredOfBuffer } from '../../../../src/scheduler/desired/index.js'
import { spareReady } from '../../../../src/scheduler/operators/messages.js'
import { devicesView } from '../../../../src/scheduler/operators/deviceViews.js'
import { placeBricks } from '../../../../src/scheduler/placement/place.js'
import { changesOfSpares, type SparesContext } from '../../../../src/scheduler/spares/index.js'

const configWith = (spares: number, granularity = '1TB') =>
  schedulerConfig.parse({
    cluster: 'test',
    host: 'head',
    etcd: { endpoints: ['http://etcd:2379'], insecure: true },
    pools: { [pool]: { granularity, spares } },
    storageHosts: ['gluster*'],
  })

function next(parts: ClusterParts, context: Partial<SparesContext> & { spares?: number } = {}): string[] {
  const { spares = 2, ...rest } = context
  const config = configWith(spares)
  const all = { now: 1000, newUuid: uuids(), config, isLost: () => false, claimedSlots: () => 0, ...rest }
  return changesOfSpares(aCluster(parts), all).map(describeChange)
}

function spareOn(place: string, parts: Partial<DesiredBrick> = {}): Record<string, DesiredBrick> {
  const { device, identity, sizeBytes, uuid } = aBrick(place)
  const document: DesiredBrick = {
    ...({
      v: 1,
      fence: 1,
      kind: 'brick',
      buffer: { id: 7, name: 'spare' },
      device,
      identity,
      sizeBytes,
      uuid,
    } as const),
    ...({ directory: 'brick', uid: 0, gid: 0, mode: 0o700, spare: pool, wanted: 'present' } as const),
    ...parts,
  }
  return { [`brick ${place}`]: document }
}

const reportOn = (place: string, parts: Parameters<typeof brickReport>[1] = {}) =>
  brickReport(aBrick(place), { directory: '', ...parts })
const hosts = [aHost('gluster1'), aHost('gluster2')]
const one = { hosts, desired: spareOn('gluster1/nvme1n1'), observed: reportOn('gluster1/nvme1n1') }
const broken = { problem: { message: 'broken', terminal: true } }
const request = (count: number) => ({ pool, granularityBytes: 1e12, count })

describe('spares', () => {
  it('are not made unless the pool wants some', () => {
    expect(next({ hosts }, { spares: 0 })).to.deep.equal([])
  })

  it('are made one a host, as many as the pool wants, with new ids', () => {
    const made = ['spare present on gluster1/nvme1n1', 'spare present on gluster2/nvme1n1', 'last id 102']
    expect(next({ hosts }, { spares: 3 })).to.deep.equal(made)
    expect(next({ hosts }, { spares: 1 })).to.deep.equal([made[0], 'last id 101'])
    expect(next(one)).to.deep.equal(['spare present on gluster2/nvme1n1', 'last id 101'])
    expect(next(one, { spares: 1 })).to.deep.equal([])
  })

  it('are not made while requests wait, on a host that makes a brick, or while a document cannot be read', () => {
    expect(next({ hosts }, { claimedSlots: () => 1 })).to.deep.equal([])
    expect(next({ hosts, invalid: { 'buffers/a': 'why' } })).to.deep.equal([])
    const observed = reportOn('gluster1/nvme2n1', { state: 'forming' })
    expect(next({ hosts, observed })).to.deep.equal(['spare present on gluster2/nvme1n1', 'last id 101'])
    const { desired } = one
    expect(next({ hosts, desired }, { spares: 3 })).to.deep.equal(['spare present on gluster2/nvme1n1', 'last id 101'])
  })

  it('are not made on hosts whose release does not know them', () => {
    const old = hosts.map((each) => ({ ...each, host: { ...each.host, versions: { documents: '1-2' } } }))
    expect(next({ hosts: old })).to.deep.equal([])
  })

  it('are not made of devices that a buffer has', () => {
    const buffers = [aBuffer({ bricks: ['gluster1/nvme1n1', 'gluster1/nvme2n1', 'gluster2/nvme1n1'] })]
    expect(next({ hosts, buffers })).to.deep.equal(['spare present on gluster2/nvme2n1', 'last id 101'])
  })

  const given: [string, ClusterParts, Partial<SparesContext> & { spares?: number }][] = [
    ['the pool wants fewer', one, { spares: 0 }],
    ['the device is cordoned', { ...one, cordons: [aCordon('gluster1/nvme1n1')] }, {}],
    ['the host is cordoned', { ...one, cordons: [aCordon('gluster1')] }, {}],
    [
      'the device is not listed any more',
      { ...one, hosts: [aHost('gluster1', { devices: [{ name: 'nvme9n1' }] })] },
      {},
    ],
    ['it is in another pool', { ...one, hosts: [aHost('gluster1', { devices: [{ pool: 'other' }] })] }, {}],
    ['it is another disk', { ...one, hosts: [aHost('gluster1', { devices: [{ identity: 'serial:x' }] })] }, {}],
    ['slots are larger', one, { config: configWith(2, '2TB') }],
  ]
  for (const [why, parts, context] of given) {
    it(`are given back when ${why}`, () => {
      expect(next(parts, context)).to.deep.equal(['spare absent on gluster1/nvme1n1'])
    })
  }

  it('are given back and quarantined when their agent gives them up', () => {
    const observed = reportOn('gluster1/nvme1n1', { state: 'forming', ...broken })
    expect(next({ ...one, observed })).to.deep.equal([
      'quarantine cordon on gluster1/nvme1n1',
      'spare absent on gluster1/nvme1n1',
    ])
  })

  it('stay on a host that is away, and do not count when it is lost', () => {
    const away = [aHost('gluster1', { alive: false }), aHost('gluster2')]
    expect(next({ ...one, hosts: away }, { spares: 1 })).to.deep.equal([])
    const made = ['spare present on gluster2/nvme1n1', 'last id 101']
    expect(next({ ...one, hosts: away }, { spares: 1, isLost: (host) => host === 'gluster1' })).to.deep.equal(made)
  })

  it('stay while their device is refused, and are given to nobody', () => {
    const parts = { ...one, hosts: [aHost('gluster1', { devices: [{ state: 'refused' }] })] }
    expect(next(parts, { spares: 1 })).to.deep.equal([])
    expect(poolsOf(aCluster(parts), configWith(1))[0]).to.include({ quantity: 0, free: 0 })
  })

  it('are more than wanted: those that are not ready are given back first', () => {
    const desired = { ...spareOn('gluster1/nvme1n1'), ...spareOn('gluster2/nvme1n1') }
    const observed = reportOn('gluster2/nvme1n1')
    expect(next({ hosts, desired, observed }, { spares: 1 })).to.deep.equal(['spare absent on gluster1/nvme1n1'])
  })

  it('are gone when their agent has seen the device blank, and not before', () => {
    const desired = spareOn('gluster1/nvme1n1', { wanted: 'absent' })
    const seen = (parts: Parameters<typeof reportOn>[1]) => ({
      hosts,
      desired,
      observed: reportOn('gluster1/nvme1n1', parts),
    })
    expect(next(seen({ state: 'leaving' }), { spares: 0 })).to.deep.equal([])
    expect(next(seen({ state: 'absent', uuid: aUuid(1) }), { spares: 0 })).to.deep.equal([])
    expect(next(seen({ state: 'absent' }), { spares: 0 })).to.deep.equal(['no spare on gluster1/nvme1n1'])
    expect(next(seen({ state: 'leaving', ...broken }), { spares: 0 })).to.deep.equal([
      'quarantine cordon on gluster1/nvme1n1',
    ])
    const cordons = [aCordon('gluster1/nvme1n1', { when: 1 })]
    expect(next({ ...seen({ state: 'leaving', ...broken }), cordons }, { spares: 0 })).to.deep.equal([
      'no spare on gluster1/nvme1n1',
    ])
  })

  it('count as free, are shown, and are placed first with their uuids, on as many hosts as without them', () => {
    const stamped = [aHost('gluster1', { devices: [{}, { state: 'stamped' }] }), aHost('gluster2', { devices: 1 })]
    const spare = 'gluster1/nvme2n1'
    const cluster = aCluster({ hosts: stamped, desired: spareOn(spare), observed: reportOn(spare) })
    expect(poolsOf(cluster, configWith(1))[0]).to.include({ quantity: 3, free: 3 })
    const shown = atOnce(devicesView(cluster, configWith(1))).find(({ device }) => device === 'nvme2n1')
    expect(shown).to.include({ availability: 'free', buffer: null, reason: spareReady() })
    const placed = placeBricks(cluster, request(2), uuids())
    if ('refused' in placed) throw new Error(placed.refused)
    expect(placed.bricks.map(({ host, device }) => `${host}/${device}`)).to.deep.equal([spare, 'gluster2/nvme1n1'])
    expect(placed.bricks[0]!.uuid).to.equal(aBrick(spare).uuid)
  })

  it('are taken while they are given back or have a problem', () => {
    const leaving = { hosts, desired: spareOn('gluster1/nvme1n1', { wanted: 'absent' }) }
    const given = {
      hosts,
      desired: one.desired,
      observed: reportOn('gluster1/nvme1n1', { state: 'forming', ...broken }),
    }
    for (const parts of [leaving, given]) {
      expect(poolsOf(aCluster(parts), configWith(1))[0]).to.include({ quantity: 4, free: 3 })
    }
  })

  it('are not adopted', () => {
    const cluster = aCluster({ ...one, hosts: [aHost('gluster1', { devices: [{ state: 'stamped' }] })] })
    const asked = { host: 'gluster1', device: 'nvme1n1', who: 'root' }
    const decided = adopt(cluster, asked, { now: 1, config: configWith(1) })
    expect(decided).to.deep.equal({ refused: deviceInUse('gluster1/nvme1n1') })
  })

  it("become the very brick that the buffer's host should hold", () => {
    const buffer = aBuffer({ wipe: 'zero', access: ['private'] })
    const spare = one.desired['brick gluster1/nvme1n1']
    if (!isSpare(spare)) throw new Error('no spare')
    const cluster = aCluster({ hosts, buffers: [buffer] })
    const wanted = desiredOfBuffer(cluster, buffer, { ...configWith(1) })[0]!.document
    expect(boundBrick(spare, buffer, 'mytest')).to.deep.equal(wanted)
  })
})
