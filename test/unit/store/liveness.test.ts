import { expect } from 'chai'
import { Liveness } from '../../../src/store/liveness.js'
import { HandClock } from '../../support/handClock.js'

describe('whether an endpoint answers', () => {
  function watched(answers: boolean[] = []) {
    const clock = new HandClock()
    const dead: string[] = []
    let asked = 0
    const liveness = new Liveness({
      clock,
      everyMs: 5_000,
      ask: () => {
        asked++
        return Promise.resolve(answers.shift() ?? false)
      },
      onDead: (reason) => {
        dead.push(reason)
        liveness.end()
      },
    })
    const settled = async () => {
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
    }
    return { clock, liveness, dead, settled, asked: () => asked }
  }

  it('is not doubted for a call without an answer while others are answered', async () => {
    const { clock, liveness, dead, settled, asked } = watched()
    clock.advance(1_000)
    liveness.heard()
    liveness.miss(500, 'a call timed out')
    await settled()
    expect(asked()).to.equal(0)
    expect(dead).to.deep.equal([])
  })

  it('is asked after a call without an answer, and lives when it answers', async () => {
    const { liveness, dead, settled, asked } = watched([true])
    liveness.miss(0, 'a call timed out')
    await settled()
    expect(asked()).to.equal(1)
    expect(dead).to.deep.equal([])
  })

  it('is dead when it does not answer to a second request either', async () => {
    const { liveness, dead, settled, asked } = watched()
    liveness.miss(0, 'a call timed out')
    liveness.miss(0, 'another call timed out')
    await settled()
    expect(asked()).to.equal(1)
    expect(dead).to.deep.equal(['a call timed out'])
  })

  it('is asked when nothing was heard for a while and somebody needs it, twice before it is dead', async () => {
    const { clock, liveness, dead, settled, asked } = watched([true])
    clock.advance(60_000)
    expect(asked(), 'nobody needs it').to.equal(0)
    liveness.need(true)
    clock.advance(5_000)
    await settled()
    expect(asked()).to.equal(1)
    clock.advance(5_000)
    await settled()
    expect(asked()).to.equal(3)
    expect(dead).to.deep.equal(['no answer'])
    expect(clock.timersLeft).to.equal(0)
  })

  it('calls nobody after its end', async () => {
    const { clock, liveness, dead, settled } = watched()
    liveness.need(true)
    liveness.miss(0, 'a call timed out')
    liveness.end()
    await settled()
    expect(dead).to.deep.equal([])
    expect(clock.timersLeft).to.equal(0)
  })
})
