import { expect } from 'chai'
import { coalesce } from '../../../../../src/agent/host/exec/coalesce.js'

/** A look that ends when the test says so, and how many have begun. */
function slowLook() {
  const ends: ((result: number) => void)[] = []
  const ask = coalesce(() => new Promise<number>((resolve) => ends.push(resolve)))
  return { ask, ends }
}

const turn = () => new Promise(setImmediate)

describe('a shared look', () => {
  it('is one for those who ask together', async () => {
    const { ask, ends } = slowLook()
    const both = Promise.all([ask(), ask()])
    await turn()
    expect(ends).to.have.length(1)
    ends[0]!(7)
    expect(await both).to.deep.equal([7, 7])
  })

  it('that began before is not for those who ask now, who share the next one', async () => {
    const { ask, ends } = slowLook()
    const first = ask()
    await turn()
    const later = Promise.all([ask(), ask()])
    await turn()
    expect(ends).to.have.length(1)
    ends[0]!(1)
    expect(await first).to.equal(1)
    await turn()
    expect(ends).to.have.length(2)
    ends[1]!(2)
    expect(await later).to.deep.equal([2, 2])
  })

  it('that fails fails for those who share it alone', async () => {
    let looks = 0
    const ask = coalesce(() => (++looks === 1 ? Promise.reject(new Error('no')) : Promise.resolve(looks)))
    const both = await Promise.allSettled([ask(), ask()])
    expect(both.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected'])
    expect(await ask()).to.equal(2)
  })

  it('begins only when all have asked who come within its time', async () => {
    let looks = 0
    const ask = coalesce(() => Promise.resolve(++looks), 300)
    const first = ask()
    await turn()
    expect(await Promise.all([first, ask()])).to.deep.equal([1, 1])
  })
})
