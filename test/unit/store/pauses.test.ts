import { expect } from 'chai'
import { Pauses } from '../../../src/store/pauses.js'
import { HandClock } from '../../support/handClock.js'

describe('pauses', () => {
  const settled = () => new Promise((resolve) => setImmediate(resolve))

  it('end when their time is over, or when they are ended', async () => {
    const clock = new HandClock()
    const pauses = new Pauses(clock)
    const ended: string[] = []
    void pauses.begin(1_000).ended.then(() => ended.push('short'))
    const long = pauses.begin(5_000)
    void long.ended.then(() => ended.push('long'))
    clock.advance(1_000)
    await settled()
    expect(ended).to.deep.equal(['short'])
    long.end()
    await settled()
    expect(ended).to.deep.equal(['short', 'long'])
    expect(clock.timersLeft).to.equal(0)
  })

  it('end at once when they are closed, and none begins from then on', async () => {
    const clock = new HandClock()
    const pauses = new Pauses(clock)
    const first = pauses.begin(5_000)
    pauses.close()
    await first.ended
    await pauses.begin(5_000).ended
    expect(clock.timersLeft).to.equal(0)
  })
})
