import { expect } from 'chai'
import { type Action, type Measured, measured } from '../../../bench/scale/measured.js'
import { ScaleRig } from '../../../bench/scale/rig.js'
import { lostAndBack, runJob } from '../../../bench/scale/sections.js'
import { needsEtcd } from '../../support/etcd.js'

/*
 * What `npm run bench -- scale` measures, in a small form: what etcd, the name service and the hosts are asked is counted, and
 * counts are the same on every machine. Times are not looked at.
 */
describe('a scheduler with a hundred hosts and a thousand buffers', function () {
  this.timeout(300_000)
  const hosts = 100
  const buffers = 1_000
  const nodes = 40
  /** Agents look at their devices that often, and write what has changed: it belongs to what was made before. */
  const looksEveryMs = 60_000
  const rig = new ScaleRig({ hosts, buffers, nodes, share: 20, dataPlane: 'glusterd', program: 'source' })

  before(async function () {
    needsEtcd(this)
    await rig.start(() => {})
    await rig.untilQuiet(looksEveryMs + 5_000)
  })
  after(() => rig.close())

  /** Counted until etcd is written no more. */
  const counted = (action: Action, act: () => Promise<void>): Promise<Measured> =>
    measured(rig, action, async () => {
      await act()
      await rig.untilQuiet()
    })

  it('writes nothing while nothing happens', async () => {
    const rest = await measured(rig, { what: 'rest' }, () => new Promise((resolve) => setTimeout(resolve, 10_000)))
    expect(rest.transactions + rest.puts + rest.deletes + rest.leasesGranted).to.equal(0)
  })

  it('makes a buffer of one brick and destroys it in few transactions, and leaves no key of it', async () => {
    const before = await rig.etcd.countBelow('')
    const made = await counted({ what: 'create' }, () => rig.create('one'))
    const gone = await counted({ what: 'destroy' }, () => rig.remove('one'))
    expect(made.transactions, 'create').to.be.at.most(10)
    expect(made.puts, 'create').to.be.at.most(15)
    expect(gone.transactions, 'destroy').to.be.at.most(11)
    expect(gone.puts, 'destroy').to.be.at.most(8)
    expect(await rig.etcd.countBelow('')).to.equal(before)
  })

  it('asks the name service once for many buffers of one user that are made at once', async () => {
    const names = Array.from({ length: 50 }, (_, number) => `many${number}`)
    const made = await counted({ what: 'create' }, () =>
      Promise.all(names.map((name) => rig.create(name))).then(() => {}),
    )
    expect(made.nameServiceCalls).to.be.at.most(1)
    expect(made.transactions).to.be.at.most(10 * names.length)
    await counted({ what: 'destroy' }, () => Promise.all(names.map((name) => rig.remove(name))).then(() => {}))
  })

  it('mounts a job on its nodes with two transactions a node, of which one is the report, and unmounts it so', async () => {
    await rig.startComputeNodes()
    await rig.untilQuiet()
    const before = await rig.etcd.countBelow('')
    const rows = await runJob(rig, nodes)
    for (const { what, transactions } of rows.filter(({ count }) => count === nodes))
      expect(transactions, what).to.be.at.most(2 * nodes + 10)
    expect(await rig.etcd.countBelow('')).to.equal(before)
  })

  it('writes at most once for each host that is lost, and a few times for each of its buffers when it is back', async () => {
    const [lost, back] = await lostAndBack(rig)
    const theirs = (buffers / hosts) * rig.apart.length
    expect(lost!.transactions, 'lost').to.be.at.most(rig.apart.length + theirs)
    // Reports of bricks and volumes, each in states that follow one another, and what is written for them.
    expect(back!.transactions, 'back').to.be.at.most(7 * (rig.apart.length + theirs))
  })
})
