import { atOnce } from '../../../../../src/daemon/slices.js'
import { expect } from 'chai'
import { configurations, instances, pools, sessions } from '../../../../../src/scheduler/slurm/functions/replies.js'
import {
  aBuffer,
  aCluster,
  aHost,
  aSession,
  brickReports,
  type ClusterParts,
  pool,
  terabyte,
  volumeReport,
} from '../../../../support/builders.js'
import { aConfig } from '../../../../support/decisions.js'

const hosts = [aHost('gluster1'), aHost('gluster2')]
const own = aBuffer({ id: 10, name: '5', builtAt: 5, bricks: ['gluster1/nvme1n1', 'gluster2/nvme1n1'] })
const shared = aBuffer({ id: 11, bricks: ['gluster1/nvme2n1'] })
const cluster = aCluster({
  hosts,
  buffers: { '5': own, mytest: shared, 'old~9': aBuffer({ id: 9, name: 'old', wanted: 'absent' }) },
  sessions: {
    mytest: aSession({ id: 21, token: 'mytest', buffer: 'mytest' }),
    '5': aSession({ id: 20, buffer: '5', stage: 'running', computeHosts: ['c1'] }),
    '6': aSession({ id: 22, token: '6', stage: 'leaving' }),
    'old~8': aSession({ id: 8, token: 'old', buffer: 'old~9', stage: 'leaving' }),
  },
  observed: { ...brickReports(own), ...volumeReport(own) },
})
const noneWait = () => 0
const all = [
  pools(cluster, aConfig(), noneWait),
  atOnce(sessions(cluster, new Map(), 0)),
  atOnce(instances(cluster)),
  atOnce(configurations(cluster)),
]

describe('what Slurm’s plugin reads', () => {
  it('is the pools in grains, also one without a device', () => {
    const config = aConfig({ pools: { [pool]: { granularity: terabyte }, empty: { granularity: '1GiB' } } })
    expect(pools(cluster, config, noneWait)).to.deep.equal({
      pools: [
        { id: pool, units: 'bytes', granularity: terabyte, quantity: 4, free: 1 },
        { id: 'empty', units: 'bytes', granularity: 1024 ** 3, quantity: 0, free: 0 },
      ],
    })
  })

  it('counts what setups wait for as taken', () => {
    const freeOf = (claimed: number) =>
      (pools(cluster, aConfig(), () => claimed) as { pools: { free: number }[] }).pools[0]!.free
    expect([0, 1, 5].map(freeOf)).to.deep.equal([1, 0, 0])
  })

  it('is every session that does not leave, and jobs that do, by id, with its nodes while it runs', () => {
    const shown = (
      atOnce(sessions(cluster, new Map(), 0)) as {
        sessions: { id: number; token: string; links: object; state: object }[]
      }
    ).sessions
    expect(shown.map(({ id, token }) => [id, token])).to.deep.equal([
      [20, '5'],
      [21, 'mytest'],
      [22, '6'],
    ])
    expect(shown[0]!.links).to.deep.equal({ client_nodes: ['c1'] })
    expect(shown.map(({ state }) => (state as { actualized: boolean }).actualized)).to.deep.equal([true, false, true])
  })

  describe('is a session that leaves', () => {
    const shown = (token: string, parts: ClusterParts = {}) => {
      const session = aSession({ id: 20, token, buffer: token, stage: 'leaving', computeHosts: ['c1'] })
      const buffer = aBuffer({ id: 10, name: token, wanted: 'absent', bricks: ['gluster1/nvme1n1'] })
      const cluster = aCluster({ hosts, buffers: [buffer], sessions: { [token]: session }, ...parts })
      return (atOnce(sessions(cluster, new Map(), 0)) as { sessions: { state: { goal: string } }[] }).sessions.map(
        ({ state }) => state.goal,
      )
    }

    it('of a job: slurmctld that was restarted finishes its teardown', () =>
      expect(shown('6')).to.deep.equal(['destroy']))
    it('but none of a persistent buffer, which jobs would be let into', () => expect(shown('mytest')).to.deep.equal([]))
    it('but none that waits for lost hosts alone, of which Slurm was told that it is gone', () =>
      expect(shown('6', { hosts: [aHost('gluster1', { alive: false })] })).to.deep.equal([]))
  })

  it('is every buffer with its own session, once', () => {
    const shown = (
      atOnce(instances(cluster)) as { instances: { label: string; public: boolean; capacity: object; links: object }[] }
    ).instances
    expect(
      shown.map(({ label, public: isPublic, capacity, links }) => ({ label, isPublic, capacity, links })),
    ).to.deep.equal([
      {
        label: '5',
        isPublic: false,
        capacity: { bytes: 2e12, nodes: 2 },
        links: { configurations: [10], session: 20 },
      },
      {
        label: 'mytest',
        isPublic: true,
        capacity: { bytes: 1e12, nodes: 1 },
        links: { configurations: [11], session: 21 },
      },
    ])
  })

  it('holds no apostrophe anywhere', () => {
    for (const reply of all) expect(JSON.stringify(reply)).not.to.contain("'")
  })

  it('has integers wherever Slurm reads a number', () => {
    const integers = new Set([
      'id',
      'session',
      'instance',
      'owner',
      'created',
      'expiration',
      'granularity',
      'quantity',
      'free',
      'nodes',
    ])
    const check = (value: unknown, name: string, inside: string): void => {
      if (Array.isArray(value)) return value.forEach((item) => check(item, name, inside))
      if (typeof value === 'object' && value !== null) {
        return Object.entries(value).forEach(([key, item]) => check(item, key, name))
      }
      const isNumber =
        (integers.has(name) && !(name === 'id' && inside === 'pools')) || (name === 'bytes' && inside === 'capacity')
      if (isNumber || (name === 'configurations' && inside === 'links'))
        expect(value, `${inside}.${name}`).to.satisfy(Number.isSafeInteger)
    }
    for (const reply of all) check(reply, '', '')
  })
})
