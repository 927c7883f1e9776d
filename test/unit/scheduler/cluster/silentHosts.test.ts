import { expect } from 'chai'
import { hostIsSilent } from '../../../../src/scheduler/cluster/messages.js'
import { SilentHosts } from '../../../../src/scheduler/cluster/silentHosts.js'
import { keys } from '../../../../src/store/keys.js'
import { aBrick, aHost, brickReport } from '../../../support/builders.js'
import { aDesiredBrick } from '../../../support/desired.js'
import { Rig } from '../../../support/schedulerRig.js'

describe('a host whose lease stands', () => {
  const minute = 60_000
  let rig: Rig
  let silent: SilentHosts

  beforeEach(async () => {
    rig = await Rig.start({ hosts: [], leads: false })
    silent = new SilentHosts(rig.cache, rig.clock)
  })
  afterEach(() => silent.close())

  const tell = async () => {
    rig.etcd.write([], [{ put: keys.desired('gluster1', 'brick', 'nvme1n1'), value: aDesiredBrick() }])
    await rig.quiet()
  }
  const pass = async (minutes: number) => {
    rig.clock.advance(minutes * minute)
    await rig.quiet()
  }

  it('and that does not answer for ten minutes is shown, until it does', async () => {
    await rig.agents.add(aHost('gluster1'))
    await tell()
    await pass(9)
    expect(silent.problems()).to.deep.equal([])
    await pass(1)
    expect(silent.problems().join()).to.contain(hostIsSilent('gluster1', 10, 1))
    await rig.agents.report(brickReport(aBrick('gluster1/nvme1n1'), { state: 'forming' }))
    await rig.quiet()
    expect(silent.problems()).to.deep.equal([])
  })

  it('is given its time anew when it comes back, and when etcd does', async () => {
    await rig.agents.add(aHost('gluster1'))
    await tell()
    await rig.agents.lose('gluster1')
    await pass(20)
    expect(silent.problems(), 'it is lost, which is shown otherwise').to.deep.equal([])
    await rig.agents.add(aHost('gluster1'))
    await pass(9)
    expect(silent.problems()).to.deep.equal([])
    rig.store.cut()
    await pass(20)
    rig.store.heal()
    await rig.quiet()
    await pass(9)
    expect(silent.problems()).to.deep.equal([])
    await pass(1)
    expect(silent.problems()).to.have.lengthOf(1)
  })

  it('and that is told nothing, or has answered all, is not shown however long it says nothing', async () => {
    await rig.agents.add(aHost('gluster1'), aHost('gluster2'))
    await tell()
    await rig.agents.report(brickReport(aBrick('gluster1/nvme1n1')))
    await pass(600)
    expect(silent.problems()).to.deep.equal([])
  })
})
