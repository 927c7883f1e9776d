import { expect } from 'chai'
import type { Cluster } from '../../../src/model/cluster.js'
import {
  hostsToUnmount,
  isReady,
  jobsHolding,
  hostsMounting,
  observedBrickOf,
  serversOf,
  volumeBricks,
} from '../../../src/model/buffers.js'
import { isVolumeGone, isVolumeStopped, primaryOf, wasBegun } from '../../../src/model/volumes.js'
import {
  aBuffer,
  aCluster,
  aHost,
  aSession,
  aUuid,
  brickReport,
  mountReport,
  volumeReport,
} from '../../support/builders.js'

const two = aBuffer({ bricks: ['gluster1/nvme1n1', 'gluster2/nvme1n1'] })

describe("a buffer's primary", () => {
  it("is brick 0's host", () => {
    expect(primaryOf(aCluster({ hosts: [aHost('gluster1'), aHost('gluster2')] }), two)).to.equal('gluster1')
  })

  it('is the next of its hosts that lives when that one is lost', () => {
    const hosts = [aHost('gluster1', { alive: false }), aHost('gluster2')]
    expect(primaryOf(aCluster({ hosts }), two)).to.equal('gluster2')
  })

  it('stays the one that was told of the volume as long as it lives, though its brick was replaced', () => {
    const formerVolumes = [{ volume: 'old', bricks: [{ host: 'gluster3', path: '/brick' }] }]
    const buffer = { ...two, formerVolumes }
    const hosts = [aHost('gluster1'), aHost('gluster2'), aHost('gluster3')]
    const told = { kind: 'volume', buffer: { id: buffer.id, name: buffer.name }, wanted: 'absent' }
    const desired = { volume: new Map([['gluster3/old', told]]) }
    const cluster = (alive: typeof hosts) => ({ ...aCluster({ hosts: alive }), desired }) as unknown as Cluster
    expect(primaryOf(cluster(hosts), buffer, 'old')).to.equal('gluster3')
    expect(primaryOf(cluster(hosts), buffer), 'of the volume that none was told of').to.equal('gluster1')
    expect(primaryOf(cluster(hosts.slice(0, 2)), buffer, 'old'), 'when it is lost').to.equal('gluster1')
  })

  it("is brick 0's host again when none lives", () => {
    expect(primaryOf(aCluster(), two)).to.equal('gluster1')
  })
})

describe('what an agent reports of a brick', () => {
  const brick = two.bricks[0]!

  it('counts for the very stamp it speaks about', () => {
    const cluster = aCluster({ observed: brickReport(brick) })
    expect(isReady(cluster, two, brick)).to.equal(true)
  })

  it('does not count when it is about an earlier brick on that device', () => {
    const cluster = aCluster({ observed: brickReport({ ...brick, uuid: aUuid(1) }) })
    expect(observedBrickOf(cluster, brick)).to.equal(undefined)
    expect(isReady(cluster, two, brick)).to.equal(false)
  })

  it('does not make it ready when its directory is that of an earlier volume', () => {
    const cluster = aCluster({ observed: brickReport(brick) })
    expect(isReady(cluster, { ...two, directory: 'brick-2' }, brick)).to.equal(false)
  })
})

describe("a buffer's volume", () => {
  const hosts = [aHost('gluster1'), aHost('gluster2')]

  it('was never begun before any host was told of it, and is gone then', () => {
    const cluster = aCluster({ hosts })
    expect([wasBegun(cluster, two), isVolumeGone(cluster, two)]).to.deep.equal([false, true])
  })

  it('may exist from the moment a host was told of it', () => {
    const cluster = aCluster({ hosts, desired: { 'volume gluster1/mytest': { buffer: { id: two.id } } as never } })
    expect([wasBegun(cluster, two), isVolumeGone(cluster, two)]).to.deep.equal([true, false])
  })

  it('may exist once it was built, even with every other key lost', () => {
    const built = { ...two, builtAt: 5 }
    expect(isVolumeGone(aCluster({ hosts }), built)).to.equal(false)
  })

  it('is not begun by the volume of an earlier buffer of that name', () => {
    const cluster = aCluster({ hosts, observed: volumeReport({ ...two, id: 9 }) })
    expect(wasBegun(cluster, two)).to.equal(false)
  })

  it('is stopped but not gone while a peer is down', () => {
    const cluster = aCluster({ hosts, observed: volumeReport(two, { state: 'leaving', stopped: true }) })
    expect([isVolumeStopped(cluster, two), isVolumeGone(cluster, two)]).to.deep.equal([true, false])
  })

  it('is gone when its primary has seen it absent', () => {
    const cluster = aCluster({ hosts, observed: volumeReport(two, { state: 'absent' }) })
    expect(isVolumeGone(cluster, two)).to.equal(true)
  })

  it('has its bricks below their devices, and each server once', () => {
    const buffer = aBuffer({
      bricks: ['gluster1/nvme1n1', 'gluster2/nvme1n1', 'gluster1/nvme2n1'],
      directory: 'brick-2',
    })
    expect(volumeBricks(buffer)[2]).to.deep.equal({ host: 'gluster1', path: '/data/glusterfs/nvme2n1/brick-2' })
    expect(serversOf(buffer)).to.deep.equal(['gluster1', 'gluster2'])
  })
})

describe('who holds a buffer', () => {
  const buffer = aBuffer({ bricks: ['gluster1/nvme1n1'] })
  const job = aSession({ uses: ['mytest'], stage: 'running', computeHosts: ['c1'] })

  it('is every job that may still mount it', () => {
    for (const stage of ['setup', 'staged-in', 'running'] as const) {
      expect(jobsHolding(aCluster({ buffers: [buffer], sessions: [{ ...job, stage }] }), buffer)).to.have.length(1)
    }
  })

  it('is no job that has ended, and never its own session', () => {
    const own = aSession({ id: 21, token: 'mytest', buffer: 'mytest' })
    for (const stage of ['ran', 'staged-out', 'leaving'] as const) {
      const cluster = aCluster({ buffers: [buffer], sessions: [{ ...job, stage }, own] })
      expect(jobsHolding(cluster, buffer)).to.deep.equal([])
    }
  })

  it('are hosts that have not been seen to let go of it', () => {
    const observed = mountReport('c1', job, buffer)
    const cluster = aCluster({
      hosts: [aHost('c1', { roles: ['compute'] })],
      buffers: [buffer],
      sessions: [job],
      observed,
    })
    expect(hostsMounting(cluster, job, buffer)).to.deep.equal(['c1'])
    expect(hostsToUnmount(cluster, buffer)).to.deep.equal(['c1'])
  })

  it('is no host that was never told to mount it, nor one that says it is absent', () => {
    const never = aCluster({ buffers: [buffer], sessions: [job] })
    const absent = aCluster({
      buffers: [buffer],
      sessions: [job],
      observed: mountReport('c1', job, buffer, { state: 'absent' }),
    })
    expect([...hostsMounting(never, job, buffer), ...hostsMounting(absent, job, buffer)]).to.deep.equal([])
  })

  it('is no host that is lost: its mounts died with it or wait for its return', () => {
    const cluster = aCluster({ buffers: [buffer], sessions: [job], observed: mountReport('c1', job, buffer) })
    expect(hostsToUnmount(cluster, buffer)).to.deep.equal([])
  })
})
