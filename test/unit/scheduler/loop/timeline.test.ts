import { expect } from 'chai'
import * as messages from '../../../../src/scheduler/loop/messages.js'
import { silentLog } from '../../../../src/daemon/log.js'
import { phaseEvent, Timeline } from '../../../../src/scheduler/loop/timeline.js'
import { aBuffer } from '../../../support/builders.js'
import { Rig } from '../../../support/schedulerRig.js'

const buffer = aBuffer()

describe('the timeline', () => {
  it('counts on from what is there, and does not wait for its own writes to come back', async () => {
    const rig = await Rig.start({ leads: false })
    rig.etcd.write([], [{ put: 'events/mytest/00000004', value: { v: 1, at: 1, text: 'x' } }])
    await rig.quiet()
    const timeline = new Timeline(rig.etcd.open(), rig.cache, rig.clock, silentLog)
    const first = await rig.run(timeline.add('mytest', buffer, ['a', 'b']))
    const second = await rig.run(timeline.add('mytest', buffer, ['c']))
    expect([...first, ...second].map((write) => 'put' in write && write.put)).to.deep.equal([
      'events/mytest/00000005',
      'events/mytest/00000006',
      'events/mytest/00000007',
    ])
  })

  it('begins anew for another buffer of that name', async () => {
    const rig = await Rig.start({ leads: false })
    const timeline = new Timeline(rig.etcd.open(), rig.cache, rig.clock, silentLog)
    await rig.run(timeline.add('mytest', buffer, ['a']))
    const [write] = await rig.run(timeline.add('mytest', { ...buffer, id: 11 }, ['a']))
    expect(write).to.have.property('put', 'events/mytest/00000001')
  })

  it('is left out when no lease can be had, and asks for none to say nothing', async () => {
    const rig = await Rig.start({ leads: false })
    const store = rig.etcd.open()
    store.cut()
    const timeline = new Timeline(store, rig.cache, rig.clock, silentLog)
    expect(await rig.run(timeline.add('mytest', buffer, ['a']))).to.deep.equal([])
    expect(await timeline.add('mytest', buffer, [])).to.deep.equal([])
  })

  const said: [Parameters<typeof phaseEvent>[1], Parameters<typeof phaseEvent>[2], string][] = [
    [undefined, { phase: 'creating-bricks', waitingFor: ['x'] }, messages.placedOn(buffer.bricks)],
    ['creating-volume', { phase: 'creating-bricks', waitingFor: ['x', 'y'] }, messages.creatingBricks(['x', 'y'])],
    ['creating-bricks', { phase: 'creating-volume', waitingFor: [] }, messages.creatingVolume()],
    ['creating-volume', { phase: 'ready', waitingFor: [] }, messages.ready()],
    ['ready', { phase: 'degraded', waitingFor: ['host a'] }, messages.degraded(['host a'])],
    ['degraded', { phase: 'ready', waitingFor: [] }, messages.readyAgain()],
    ['creating-bricks', { phase: 'failed', waitingFor: [], reason: 'z' }, messages.failed('z')],
    ['ready', { phase: 'deleting', waitingFor: [] }, messages.deleting()],
    ['deleting', { phase: 'blocked', waitingFor: ['host a'] }, messages.blocked(['host a'])],
  ]
  for (const [before, report, text] of said) {
    it(`says “${text}” of ${before ?? 'a new buffer'} that becomes ${report.phase}`, () =>
      expect(phaseEvent(buffer, before, report)).to.equal(text))
  }
})
