import { expect } from 'chai'
import { Unavailable } from '../../../../../src/agent/port/host.js'
import { type Erase, type Erasing, LongWipes } from '../../../../../src/agent/host/disk/longWipes.js'

const settled = () => new Promise((resolve) => setImmediate(resolve))

/** A wipe that the test moves on. */
function byHand() {
  const runs: { erasing: Erasing; end: (how: 'all but the ends' | 'blank') => void; fail: (error: Error) => void }[] =
    []
  const erase: Erase = (erasing) => new Promise((end, fail) => runs.push({ erasing, end, fail }))
  return { runs, erase }
}

describe('wipes that take long', () => {
  it('are begun by the first step, not waited for, and done for a later one', async () => {
    const wipes = new LongWipes()
    const { runs, erase } = byHand()
    expect(wipes.isErasedOrBegins('a', 100, erase)).to.equal(false)
    expect(wipes.isErasedOrBegins('a', 100, erase)).to.equal(false)
    await settled()
    expect(runs).to.have.lengthOf(1)
    runs[0]!.erasing.progress(40)
    expect(wipes.progressOf('a')).to.deep.equal({ doneBytes: 40, totalBytes: 100 })
    expect(wipes.isErased('a')).to.equal(false)
    runs[0]!.end('all but the ends')
    await settled()
    expect(wipes.progressOf('a')).to.equal(undefined)
    expect(wipes.isErasedOrBegins('a', 100, erase)).to.equal(true)
    wipes.forget('a')
    expect(wipes.isErasedOrBegins('a', 100, erase)).to.equal(false)
  })

  it('that failed tell the next step why, once, and go on where they were with the one after it', async () => {
    const wipes = new LongWipes()
    const { runs, erase } = byHand()
    wipes.isErasedOrBegins('a', 100, erase)
    await settled()
    runs[0]!.erasing.progress(40)
    runs[0]!.fail(new Error('bad sector'))
    await settled()
    expect(() => wipes.isErasedOrBegins('a', 100, erase)).to.throw('bad sector')
    expect(wipes.isErasedOrBegins('a', 100, erase)).to.equal(false)
    await settled()
    expect(runs[1]!.erasing.doneBytes).to.equal(40)
  })

  it('are four at once on a host; the others show that they have not begun', async () => {
    const wipes = new LongWipes()
    const { runs, erase } = byHand()
    for (const name of ['a', 'b', 'c', 'd', 'e']) wipes.isErasedOrBegins(name, 100, erase)
    await settled()
    expect(runs).to.have.lengthOf(4)
    expect(wipes.progressOf('e')).to.deep.equal({ doneBytes: 0, totalBytes: 100 })
    runs[0]!.end('blank')
    await settled()
    expect(runs).to.have.lengthOf(5)
    expect(wipes.isErased('a')).to.equal(false)
  })

  it('end between two pieces when the agent stops, and those that wait are not begun', async () => {
    const wipes = new LongWipes()
    const { runs, erase } = byHand()
    for (const name of ['a', 'b', 'c', 'd', 'e']) wipes.isErasedOrBegins(name, 100, erase)
    await settled()
    const closed = wipes.close()
    expect(() => runs[0]!.erasing.requireTimeLeft()).to.throw(Unavailable)
    for (const { fail } of runs) fail(new Unavailable('the agent is to stop'))
    await closed
    expect(runs).to.have.lengthOf(4)
    expect(wipes.isErased('e')).to.equal(false)
  })
})
