import { atOnce } from '../../../../src/daemon/slices.js'
import { expect } from 'chai'
import { sameDisk } from '../../../../src/scheduler/operators/messages.js'
import * as messages from '../../../../src/scheduler/placement/messages.js'
import fc from 'fast-check'
import type { ThoroughWipe } from '../../../../src/model/documents/wipe.js'
import { sanitizeNotSupported, sanitizeUnknown, wipeNotSupportedByAgent } from '../../../../src/model/messages.js'
import { devicesOf } from '../../../../src/scheduler/cluster/devices.js'
import { placeBricks } from '../../../../src/scheduler/placement/place.js'
import type { SchedulerConfig } from '../../../../src/scheduler/config.js'
import { poolsOf } from '../../../../src/scheduler/cluster/pools.js'
import { devicesView } from '../../../../src/scheduler/operators/deviceViews.js'
import { aBuffer, aCluster, aCordon, aHost, pool, terabyte, uuids } from '../../../support/builders.js'

const request = (count: number) => ({ pool, granularityBytes: terabyte, count })
const three = [aHost('gluster1'), aHost('gluster2'), aHost('gluster3')]

function placed(cluster: ReturnType<typeof aCluster>, count: number, beside?: Map<string, number>): string[] {
  const result = placeBricks(cluster, { ...request(count), ...(beside ? { beside } : {}) }, uuids())
  if ('refused' in result) throw new Error(result.refused)
  return result.bricks.map(({ host, device }) => `${host}/${device}`)
}

describe('placement', () => {
  it('takes as many different hosts as possible and interleaves the bricks over them', () => {
    expect(placed(aCluster({ hosts: three }), 5)).to.deep.equal([
      'gluster1/nvme1n1',
      'gluster2/nvme1n1',
      'gluster3/nvme1n1',
      'gluster1/nvme2n1',
      'gluster2/nvme2n1',
    ])
  })

  it('takes the host with the smallest share of its slots taken first', () => {
    const hosts = [aHost('gluster1', { devices: 2 }), aHost('gluster2', { devices: 8 })]
    const buffers = [aBuffer({ bricks: ['gluster1/nvme1n1', 'gluster2/nvme1n1', 'gluster2/nvme2n1'] })]
    expect(placed(aCluster({ hosts, buffers }), 1)).to.deep.equal(['gluster2/nvme3n1'])
  })

  it('puts a replacement on a host that has no brick of the buffer yet', () => {
    const cluster = aCluster({ hosts: three })
    expect(placed(cluster, 1, new Map([['gluster1', 1]]))).to.deep.equal(['gluster2/nvme1n1'])
  })

  it('counts devices as people do', () => {
    const devices = ['nvme10n1', 'nvme2n1', 'nvme1n1'].map((name) => ({ name }))
    const cluster = aCluster({ hosts: [aHost('gluster1', { devices })] })
    expect(placed(cluster, 3)).to.deep.equal(['gluster1/nvme1n1', 'gluster1/nvme2n1', 'gluster1/nvme10n1'])
  })

  const unusable: [string, ReturnType<typeof aCluster>][] = [
    ['cordoned', aCluster({ hosts: [aHost('gluster1', { devices: 1 })], cordons: [aCordon('gluster1/nvme1n1')] })],
    ['on a cordoned host', aCluster({ hosts: [aHost('gluster1', { devices: 1 })], cordons: [aCordon('gluster1')] })],
    ['on a lost host', aCluster({ hosts: [aHost('gluster1', { devices: 1, alive: false })] })],
    ['too small', aCluster({ hosts: [aHost('gluster1', { devices: [{ sizeBytes: terabyte - 1 }] })] })],
    ['of another pool', aCluster({ hosts: [aHost('gluster1', { devices: [{ pool: 'other' }] })] })],
    ['foreign', aCluster({ hosts: [aHost('gluster1', { devices: [{ state: 'foreign' }] })] })],
    ['refused', aCluster({ hosts: [aHost('gluster1', { devices: [{ state: 'refused' }] })] })],
    ['stamped', aCluster({ hosts: [aHost('gluster1', { devices: [{ state: 'stamped' }] })] })],
    ['taken by a buffer', aCluster({ hosts: [aHost('gluster1', { devices: 1 })], buffers: [aBuffer()] })],
    [
      'released and not yet seen wiped',
      aCluster({
        hosts: [aHost('gluster1', { devices: 1 })],
        buffers: [aBuffer({ bricks: ['gluster2/nvme1n1'], released: ['gluster1/nvme1n1'] })],
      }),
    ],
    [
      'desired for a buffer that cannot be read',
      aCluster({
        hosts: [aHost('gluster1', { devices: 1 })],
        desired: { 'brick gluster1/nvme1n1': {} as never },
      }),
    ],
  ]
  for (const [what, cluster] of unusable) {
    it(`never takes a device that is ${what}`, () => {
      expect(placeBricks(cluster, request(1), uuids()))
        .to.have.property('refused')
        .that.contains(messages.notEnoughFree(pool, '0 bytes', '1 TB'))
    })
  }

  it('leaves alone what is kept for those who came before, and says so', () => {
    const cluster = aCluster({ hosts: three })
    const asked = (count: number) => placeBricks(cluster, { ...request(count), leftOf: (free) => free - 4 }, uuids())
    expect(asked(2)).to.have.property('bricks').with.lengthOf(2)
    expect(asked(3)).to.deep.equal({
      refused: messages.notEnoughFree(pool, '6 TB', '3 TB', [messages.reservedForEarlier('4 TB', 4)]),
      mayCome: true,
    })
  })

  it('tells what may come to be free from what is too much for the pool', () => {
    const hosts = [aHost('gluster1'), aHost('gluster2', { alive: false }), aHost('gluster3')]
    const buffers = [aBuffer({ bricks: ['gluster1/nvme1n1', 'gluster1/nvme2n1'] })]
    const cluster = aCluster({ hosts, buffers, cordons: [aCordon('gluster3')] })
    const mayCome = (count: number) => {
      const result = placeBricks(cluster, request(count), uuids())
      return 'refused' in result ? result.mayCome : 'placed'
    }
    expect([1, 4, 5].map(mayCome)).to.deep.equal([true, true, false])
  })

  it('never takes a disk that two hosts see, and names both places', () => {
    const wwn = 'wwn:eui.0025385b71b0a3f1'
    const hosts = ['gluster1', 'gluster2'].map((name) => aHost(name, { devices: [{ identity: wwn }, {}] }))
    const cluster = aCluster({ hosts })
    expect(placed(cluster, 2)).to.deep.equal(['gluster1/nvme2n1', 'gluster2/nvme2n1'])
    expect(placeBricks(cluster, request(3), uuids()))
      .to.have.property('refused')
      .that.contains('refused')
    const views = atOnce(
      devicesView(cluster, {
        pools: { [pool]: { granularityBytes: terabyte } },
      } as unknown as SchedulerConfig),
    )
    expect(
      views.map(({ host, device, availability, reason }) => [`${host}/${device}`, availability, reason]),
    ).to.deep.equal([
      ['gluster1/nvme1n1', 'refused', sameDisk('gluster2/nvme1n1', wwn)],
      ['gluster1/nvme2n1', 'free', null],
      ['gluster2/nvme1n1', 'refused', sameDisk('gluster1/nvme1n1', wwn)],
      ['gluster2/nvme2n1', 'free', null],
    ])
  })

  it('takes for a pool only devices that can be wiped as it says, and tells why of the others', () => {
    const no = { discard: true, sanitize: 'no', reason: 'it is not an NVMe drive' } as const
    const unknown = { discard: true, sanitize: 'unknown', reason: 'spawn nvme ENOENT' } as const
    const devices = [{}, { wipes: no }, { wipes: unknown }, { wipes: { discard: false, sanitize: 'yes' as const } }]
    const cluster = aCluster({ hosts: [aHost('gluster1', { devices })] })
    const takenFor = (wipe: ThoroughWipe | undefined) =>
      ['nvme1n1', 'nvme2n1', 'nvme3n1', 'nvme4n1'].slice(
        4 - devicesOf(cluster, { ...request(1), wipe }).filter(({ availability }) => availability === 'free').length,
      )
    expect(takenFor(undefined)).to.have.length(4)
    expect(takenFor('zero')).to.deep.equal(['nvme2n1', 'nvme3n1', 'nvme4n1'])
    expect(takenFor('sanitize')).to.deep.equal(['nvme4n1'])
    expect(placeBricks(cluster, { ...request(2), wipe: 'sanitize' }, uuids())).to.have.property('refused')
    const pools = { [pool]: { granularityBytes: terabyte, wipe: 'sanitize' } }
    const views = atOnce(devicesView(cluster, { pools } as unknown as SchedulerConfig))
    expect(views.map(({ availability, reason }) => [availability, reason])).to.deep.equal([
      ['refused', wipeNotSupportedByAgent('sanitize')],
      ['refused', sanitizeNotSupported('it is not an NVMe drive')],
      ['refused', sanitizeUnknown('spawn nvme ENOENT')],
      ['free', null],
    ])
    expect(views.map(({ wipes }) => wipes?.sanitize)).to.deep.equal([undefined, 'no', 'unknown', 'yes'])
  })

  it('takes disks of two hosts that have one serial number, no number, or one of zeros alone', () => {
    for (const identity of ['serial:1234', '', 'wwn:eui.0000000000000000', 'loop:/disk.img']) {
      const cluster = aCluster({
        hosts: ['gluster1', 'gluster2'].map((name) => aHost(name, { devices: [{ identity }] })),
      })
      expect(placed(cluster, 2)).to.have.length(2)
    }
  })

  it('says what is free, asked, cordoned and lost when it refuses', () => {
    const cluster = aCluster({
      hosts: [aHost('gluster1', { devices: 6 }), aHost('gluster2', { devices: 1, alive: false })],
      cordons: ['1', '2', '3', '4'].map((n) => aCordon(`gluster1/nvme${n}n1`)),
    })
    expect(placeBricks(cluster, request(3), uuids())).to.deep.equal({
      refused: messages.notEnoughFree(pool, '2 TB', '3 TB', ['4 TB are cordoned', '1 TB is on lost hosts']),
      mayCome: true,
    })
  })

  it('gives no device twice, spreads as widely and as evenly as can be, and always answers the same', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 20 }), (free, count) => {
        const cluster = aCluster({ hosts: free.map((devices, index) => aHost(`gluster${index + 1}`, { devices })) })
        const total = free.reduce((sum, n) => sum + n, 0)
        const result = placeBricks(cluster, request(count), uuids())
        if (total < count) return void expect(result).to.have.property('refused')
        const places = placed(cluster, count)
        expect(new Set(places).size).to.equal(count)
        expect(places).to.deep.equal(placed(cluster, count))
        const perHost = free.map(
          (_, index) => places.filter((place) => place.startsWith(`gluster${index + 1}/`)).length,
        )
        const most = Math.max(...perHost)
        // Every host has its fair share, or all that it had.
        perHost.forEach((n, index) => expect(n).to.be.at.least(Math.min(free[index]!, most - 1)))
      }),
    )
  })

  it('never gives one device to two buffers, whatever is placed and removed', () => {
    const actions = fc.array(fc.record({ count: fc.integer({ min: 1, max: 4 }), remove: fc.boolean() }), {
      maxLength: 30,
    })
    fc.assert(
      fc.property(actions, (steps) => {
        const buffers: ReturnType<typeof aBuffer>[] = []
        steps.forEach(({ count, remove }, id) => {
          if (remove) buffers.shift()
          const result = placeBricks(aCluster({ hosts: three, buffers }), request(count), uuids())
          if ('bricks' in result) buffers.push({ ...aBuffer({ id: id + 1, name: `b${id}` }), bricks: result.bricks })
          const all = buffers.flatMap(({ bricks }) => bricks.map(({ host, device }) => `${host}/${device}`))
          expect(new Set(all).size).to.equal(all.length)
        })
      }),
    )
  })
})

describe('the pools', () => {
  it('are reported with zero when they have no device', () => {
    const config = { pools: { empty: { granularityBytes: terabyte, isDefault: true } } }
    expect(poolsOf(aCluster(), config)[0]).to.include({ name: 'empty', quantity: 0, free: 0 })
  })

  it('keep their size when devices are taken, cordoned or away, and count no foreign device', () => {
    const hosts = [
      aHost('gluster1', { devices: [{}, {}, {}, { state: 'foreign' }] }),
      aHost('gluster2', { devices: 2, alive: false }),
    ]
    const cluster = aCluster({ hosts, buffers: [aBuffer()], cordons: [aCordon('gluster1/nvme2n1')] })
    const [report] = poolsOf(cluster, { pools: { [pool]: { granularityBytes: terabyte, isDefault: true } } })
    expect(report).to.include({ quantity: 5, free: 1 })
  })
})
