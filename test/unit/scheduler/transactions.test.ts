import { expect } from 'chai'
import { createPersistent, teardown } from '../../../src/scheduler/admission/index.js'
import { keys } from '../../../src/store/keys.js'
import { aHost, alice, terabyte } from '../../support/builders.js'
import { aConfig } from '../../support/decisions.js'
import { Rig } from '../../support/schedulerRig.js'

/* What a buffer of one brick costs in etcd: each transaction of the scheduler, by the keys that it writes. */

async function begin(dataPlane: 'glusterd' | 'direct') {
  const config = aConfig({ pools: { dedicated_nvme: { granularity: terabyte, dataPlane } } })
  const rig = await Rig.start({ hosts: [aHost('gluster1', { brickPorts: { first: 29_000, last: 29_999 } })], config })
  rig.agents.obey()
  await rig.quiet()
  const transactions: string[][] = []
  const write = rig.store.write.bind(rig.store)
  rig.store.write = async (compares, writes) => {
    const result = await write(compares, writes)
    const written = writes.map((one) =>
      'put' in one ? one.put : 'delete' in one ? `-${one.delete}` : `-${one.deletePrefix}`,
    )
    if (result.won) transactions.push(written)
    return result
  }
  return { rig, config, transactions }
}

describe('a buffer of one brick', () => {
  const desired = (kind: 'brick' | 'volume', id: string) => keys.desired('gluster1', kind, id)
  const asked = { name: 'mytest', ...alice, pool: undefined, bytes: terabyte, access: ['striped' as const] }

  it('is made and removed by glusterd with three transactions of the scheduler each', async () => {
    const { rig, config, transactions } = await begin('glusterd')
    const context = { config, now: 2, newUuid: rig.deps.newUuid }
    await rig.run(rig.committer.commit((cluster) => createPersistent(cluster, asked, context)))
    await rig.quiet()
    expect(rig.cache.buffers.get('mytest')?.builtAt).to.not.equal(undefined)
    expect(transactions).to.deep.equal([
      ['sessions/mytest', 'buffers/mytest', 'placement', desired('brick', 'nvme1n1'), keys.event('mytest', 1)],
      [desired('volume', 'mytest'), keys.event('mytest', 2)],
      ['buffers/mytest', desired('brick', 'nvme1n1'), keys.mountpoint('mytest'), keys.event('mytest', 3)],
    ])
    transactions.length = 0
    await rig.run(rig.committer.commit((cluster) => teardown(cluster, { token: 'mytest' })))
    await rig.quiet()
    expect(rig.keys('buffers/')).to.deep.equal([])
    expect(transactions.map((written) => written.length)).to.deep.equal([5, 1, 5])
    expect(transactions.at(-1)).to.include.members([
      '-buffers/mytest',
      '-sessions/mytest',
      `-${desired('brick', 'nvme1n1')}`,
    ])
  })

  it('is made by the direct data plane with two, and removed with three', async () => {
    const { rig, config, transactions } = await begin('direct')
    const context = { config, now: 2, newUuid: rig.deps.newUuid }
    await rig.run(rig.committer.commit((cluster) => createPersistent(cluster, asked, context)))
    await rig.quiet()
    expect(rig.cache.buffers.get('mytest')?.builtAt).to.not.equal(undefined)
    expect(transactions).to.have.lengthOf(2)
    transactions.length = 0
    await rig.run(rig.committer.commit((cluster) => teardown(cluster, { token: 'mytest' })))
    await rig.quiet()
    expect(rig.keys('buffers/')).to.deep.equal([])
    expect(transactions).to.have.lengthOf(3)
  })
})
