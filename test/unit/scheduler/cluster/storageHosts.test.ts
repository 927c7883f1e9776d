import { atOnce } from '../../../../src/daemon/slices.js'
import { expect } from 'chai'
import { deviceIgnored } from '../../../../src/scheduler/admission/messages.js'
import { ignored } from '../../../../src/scheduler/cluster/messages.js'
import { found as told, ofHost } from '../../../../src/scheduler/operators/messages.js'
import { createPersistent, teardown } from '../../../../src/scheduler/admission/index.js'
import { adopt } from '../../../../src/scheduler/admission/operators.js'
import { check } from '../../../../src/scheduler/operators/consistencyCheck.js'
import { poolsOf } from '../../../../src/scheduler/cluster/pools.js'
import { servedPaths } from '../../../../src/scheduler/slurm/checks/stageChecks.js'
import { hostsView } from '../../../../src/scheduler/operators/hostViews.js'
import { statusView } from '../../../../src/scheduler/operators/statusView.js'
import { aDevice, aHost, alice, brickReports, type Hosted, terabyte, volumeReport } from '../../../support/builders.js'
import { aConfig, refusalOf } from '../../../support/decisions.js'
import { Rig } from '../../../support/schedulerRig.js'

/** A node that says of itself all that a storage host says. */
function pretender(): Hosted {
  const own = aHost('c2', { devices: 50, roles: ['storage', 'compute'] })
  const stolen = aDevice('c2', 99, { identity: 'wwn:eui.01' })
  return {
    ...own,
    host: { ...own.host, stagePaths: ['/etc'] },
    inventory: { ...own.inventory, devices: [...own.inventory.devices, stolen], volumes: ['mytest'], mounts: [] },
  }
}

const config = aConfig({ storageHosts: ['gluster?'] })
const asked = (bytes: number) => ({ name: 'mytest', ...alice, pool: undefined, bytes, access: ['striped' as const] })
const status = (rig: Rig) =>
  atOnce(statusView(rig.cache, rig.deps.config, { host: 'head', leads: true, leader: 'head', etcd: 'connected' }, null))

async function create(rig: Rig, bytes: number) {
  const { newUuid } = rig.deps
  return rig.run(
    rig.committer.commit((cluster) => createPersistent(cluster, asked(bytes), { config, now: 2, newUuid })),
  )
}

describe('a host that storageHosts does not name', () => {
  const hosts = () => [aHost('gluster1', { devices: [{ identity: 'wwn:eui.01' }, {}] }), pretender()]

  it('gives no device, no stage path and no peer, and takes no disk of others out of use', async () => {
    const rig = await Rig.start({ hosts: hosts(), config })
    await rig.quiet()
    const [report] = poolsOf(rig.cache, config)
    expect([report!.quantity, report!.free]).to.deep.equal([2, 2])
    expect(await create(rig, 3 * terabyte)).to.have.property('refused')
    expect(servedPaths(rig.cache)).to.deep.equal([])
    expect(rig.keys('desired/')).to.deep.equal([])
    expect(refusalOf(adopt(rig.cache, { host: 'c2', device: 'nvme1n1', who: 'root' }, { now: 2, config }))).to.equal(
      deviceIgnored('c2/nvme1n1', 'c2'),
    )
  })

  it('is shown with what is ignored, by status, hosts and check', async () => {
    const rig = await Rig.start({ hosts: hosts(), config })
    const words = ignored(['the role storage', '51 devices', '1 stage path'])
    const view = atOnce(hostsView(rig.cache)).find(({ host }) => host === 'c2')!
    expect([view.roles, view.devices]).to.deep.equal([['compute'], 0])
    expect(view.problems.join()).to.contain(words)
    expect(status(rig).problems.join()).to.contain(ofHost('c2', words))
    const [found] = atOnce(check(rig.cache, config, 2000)).filter(({ where }) => where === 'host c2')
    expect(found).to.include(told.hostIgnored('c2', words))
  })

  it('is told mounts, and its own mounts are seen, as of every node', async () => {
    const plain = aHost('c1', { devices: 0, roles: ['compute'] })
    const mounts = [{ path: '/mnt/burstbuffer/x', source: 'gluster1:/x' }]
    const rig = await Rig.start({ hosts: [{ ...plain, inventory: { ...plain.inventory, mounts } }], config })
    expect(rig.cache.ignored.size).to.equal(0)
    expect(rig.cache.inventories.get('c1')?.mounts).to.deep.equal(mounts)
    expect(rig.cache.hosts.get('c1')?.roles).to.deep.equal(['compute'])
  })

  it('that is gone is no lost host, and only what it left in etcd is shown by check', async () => {
    const rig = await Rig.start({ hosts: [{ ...aHost('old1'), alive: false }], config })
    expect(atOnce(hostsView(rig.cache))).to.deep.equal([])
    expect(atOnce(check(rig.cache, config, 2000)).map(({ remedy }) => remedy)).to.match(
      /delete the key inventory\/old1/,
    )
  })
})

describe('a host that is taken out of storageHosts', () => {
  it('keeps its bricks until their buffer is taken down, and gets no new ones', async () => {
    const before = await Rig.start({ hosts: [aHost('gluster1'), aHost('gluster2')], config })
    await create(before, 2 * terabyte)
    await before.quiet()
    const buffer = before.cache.buffers.get('mytest')!
    await before.agents.report({ ...brickReports(buffer), ...volumeReport(buffer) })
    await before.until('it is built', () => before.cache.buffers.get('mytest')?.builtAt !== undefined)
    expect(before.keys('desired/gluster1/peer/')).to.deep.equal(['desired/gluster1/peer/gluster2'])
    await before.run(before.loop.close())

    const rig = await Rig.start({ beside: before, config: aConfig({ storageHosts: ['gluster1'] }) })
    await rig.quiet()
    const [report] = poolsOf(rig.cache, rig.deps.config)
    expect([report!.quantity, report!.free, report!.devices.taken]).to.deep.equal([3, 1, 2])
    const view = atOnce(hostsView(rig.cache)).find(({ host }) => host === 'gluster2')!
    expect([view.state, view.bricks]).to.deep.equal(['alive', 1])
    expect(view.problems.join()).to.contain('is ignored')
    expect(rig.told()).to.include('gluster2: brick nvme1n1 present')
    expect(rig.keys('desired/').filter((key) => key.includes('/peer/'))).to.deep.equal([])
    expect(atOnce(check(rig.cache, rig.deps.config, 2000)).map(({ where }) => where)).to.include('host gluster2')

    await rig.run(rig.committer.commit((cluster) => teardown(cluster, { token: 'mytest' })))
    await rig.quiet()
    await rig.agents.report(volumeReport(buffer, { state: 'absent' }))
    await rig.quiet()
    expect(rig.told()).to.include('gluster2: brick nvme1n1 absent')
    await rig.agents.report(brickReports(buffer, { state: 'absent' }))
    await rig.quiet()
    expect([...rig.keys('buffers/'), ...rig.told()]).to.deep.equal([])
    expect(poolsOf(rig.cache, rig.deps.config)[0]).to.include({ quantity: 2, free: 2 })
  })
})
