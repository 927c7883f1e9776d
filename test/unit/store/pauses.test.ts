import { expect } from 'chai'
import { Pauses } from '../../../src/store/pauses.js'
import { HandClock } from '../../support/handClock.js'

describe('pauses', () => {
  it('end when their time is over', async () => {
    const clock = new HandClock()
    const pauses = new Pauses(clock)
    const ended: string[] = []
    void pauses.wait(1_000).then(() => ended.push('short'))
    void pauses.wait(5_000).then(() => ended.push('long'))
    clock.advance(1_000)
    await new Promise((resolve) => setImmediate(resolve))
    expect(ended).to.deep.equal(['short'])
  })

  it('end at once when they are closed, and none begins from then on', async () => {
    const clock = new HandClock()
    const pauses = new Pauses(clock)
    const first = pauses.wait(5_000)
    pauses.close()
    await first
    await pauses.wait(5_000)
    expect(clock.timersLeft).to.equal(0)
  })
})
