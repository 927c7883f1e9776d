import { expect } from 'chai'
import { HostGrace } from '../../../../src/scheduler/cluster/hostGrace.js'
import { aHost } from '../../../support/builders.js'
import { Rig } from '../../../support/schedulerRig.js'

describe('a host that is missing', () => {
  async function watched() {
    const rig = await Rig.start({ hosts: [aHost('gluster1')], leads: false })
    const told: string[] = []
    const hostGrace = new HostGrace(rig.cache, rig.clock, 30_000, (host) =>
      told.push(`${host} at ${rig.clock.monotonicMs()}`),
    )
    return { rig, hostGrace, told }
  }

  it('is gone after the grace, and whoever asked is told to ask again', async () => {
    const { rig, hostGrace, told } = await watched()
    expect(hostGrace.isLost('gluster2')).to.equal(false)
    rig.clock.advance(29_999)
    expect(hostGrace.isLost('gluster2')).to.equal(false)
    rig.clock.advance(1)
    expect(told).to.deep.equal(['gluster2 at 30000'])
    expect(hostGrace.isLost('gluster2')).to.equal(true)
  })

  it('is not gone when it came back within the grace, which then begins anew', async () => {
    const { rig, hostGrace } = await watched()
    await rig.agents.lose('gluster1')
    await rig.quiet()
    expect(hostGrace.isLost('gluster1')).to.equal(false)
    rig.clock.advance(20_000)
    await rig.agents.add(aHost('gluster1'))
    await rig.quiet()
    await rig.agents.lose('gluster1')
    await rig.quiet()
    expect(hostGrace.isLost('gluster1')).to.equal(false)
    rig.clock.advance(20_000)
    expect(hostGrace.isLost('gluster1')).to.equal(false)
  })

  it('that lives was never gone', async () => {
    const { rig, hostGrace } = await watched()
    rig.clock.advance(60_000)
    expect(hostGrace.isLost('gluster1')).to.equal(false)
  })

  it('is told of no more when it came back, or nobody asks any more', async () => {
    const { rig, hostGrace, told } = await watched()
    hostGrace.isLost('gluster2')
    await rig.agents.add(aHost('gluster2'))
    await rig.quiet()
    hostGrace.isLost('gluster3')
    hostGrace.close()
    rig.clock.advance(60_000)
    expect(told).to.deep.equal([])
  })
})
