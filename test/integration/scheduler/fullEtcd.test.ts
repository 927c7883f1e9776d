import { outOfSpace } from '../../../src/store/messages.js'
import { expect } from 'chai'
import { until } from '../../../lab/common/until.js'
import { openStore } from '../../../src/store/etcd.js'
import { OutOfSpace, type Store } from '../../../src/store/store.js'
import { alice, pool } from '../../support/builders.js'
import { needsEtcd, startEtcd, type TestEtcd } from '../../support/etcd.js'
import { StandaloneRig } from '../../support/standaloneRig.js'

const quotaBytes = 2 * 1024 ** 2
const words = outOfSpace()

describe('a cluster whose etcd is out of space', function () {
  this.timeout(120_000)
  const rig = new StandaloneRig()
  let etcd: TestEtcd
  let store: Store

  before(async function () {
    needsEtcd(this)
    etcd = await startEtcd('--quota-backend-bytes', String(quotaBytes))
    store = openStore({ endpoints: [etcd.url] })
    // Time enough to fill etcd in between.
    await rig.start([etcd.url], { faults: [{ step: 'formatBrick', host: 'gluster2', slowMs: 4_000 }] })
    await until({ what: 'a pool of six' }, async () => (await rig.slurm('pools')).text.includes('"free":6'))
  })
  after(async () => {
    await rig.stop()
    await store?.close()
    await etcd?.stop()
  })

  const create = (name: string, capacity: string) =>
    rig.slurm(`create_persistent -c CLI -t ${name} -u ${alice.uid} -C ${pool}:${capacity} -a striped -T scratch`)
  const buffers = async () => (await store.list('buffers/')).entries.map(({ key }) => key)
  let half: Promise<unknown>
  let held: string[]

  it('says so to Slurm, and begins nothing and takes nothing away', async () => {
    expect(await create('kept', '1TB')).to.deep.equal({ code: 0, text: 'created\n' })
    half = create('half', '2TB')
    await until({ what: 'it is placed' }, async () => (await buffers()).includes('buffers/half'))
    await fill(store)
    const before = await buffers()
    held = rig.holds().filter((line) => line.includes('kept'))
    expect(await create('late', '1TB'))
      .to.have.property('text')
      .that.contains(words)
    expect(await rig.slurm('teardown --token kept --hurry'))
      .to.have.property('text')
      .that.contains(words)
    expect(await buffers()).to.deep.equal(before)
    expect(rig.holds()).to.include.members(held)
    expect(held).to.have.lengthOf(1)
  })

  it('is told by bbctl status', async () => {
    const { etcd, problems } = await rig.status()
    expect(etcd).to.include({ isFull: true })
    expect(etcd?.sizeBytes).to.be.above(quotaBytes / 2)
    expect(problems.join()).to.contain(words)
  })

  it('is told in the logs of the hosts that have something to report', async () => {
    const told = () => rig.warnings.find((line) => line.startsWith('report failed') && line.includes(words))
    await until({ what: 'a report that failed' }, () => Promise.resolve(told()))
  })

  it('goes on with what was begun when an operator has made room, and with all else', async () => {
    etcd.ctl('compact', String((await store.list('buffers/')).revision))
    etcd.ctl('defrag')
    etcd.ctl('alarm', 'disarm')
    expect(await half).to.deep.equal({ code: 0, text: 'created\n' })
    expect(rig.holds()).to.include.members(held)
    expect(await create('late', '1TB')).to.deep.equal({ code: 0, text: 'created\n' })
    for (const name of ['kept', 'half', 'late'])
      expect(await rig.slurm(`teardown --token ${name} --hurry`)).to.deep.equal({ code: 0, text: '' })
    expect(rig.holds()).to.deep.equal([])
  })
})

async function fill(store: Store): Promise<void> {
  const filling = 'x'.repeat(200 * 1024)
  try {
    // Under one key, so that compaction gives all of it back.
    for (let round = 0; round < 100; round++) await store.write([], [{ put: 'filling', value: filling }])
  } catch (error) {
    if (error instanceof OutOfSpace) return
    throw error
  }
  throw new Error('etcd did not get full')
}
