import { expect } from 'chai'
import { until } from '../../../../lab/common/until.js'

describe('until', () => {
  it('gives the first answer', async () => {
    const answers = [undefined, false, 7] as const
    let asked = 0
    expect(await until({ what: 'a number' }, () => Promise.resolve(answers[asked++]))).to.equal(7)
  })

  it('says what was expected and what was seen when the deadline has passed', async () => {
    const wait = { what: 'c1 idle', deadlineMs: 0, seen: () => Promise.resolve('c1 down') }
    const error = await until(wait, () => Promise.resolve(false)).catch((error: unknown) => error as Error)
    expect((error as Error).message).to.equal('expected within 0 s: c1 idle\nseen: c1 down')
  })

  it('takes an error for no answer yet, and tells the last one', async () => {
    const error = await until({ what: 'x', deadlineMs: 0 }, () => Promise.reject(new Error('refused'))).catch(
      (e: unknown) => e,
    )
    expect((error as Error).message).to.equal('expected within 0 s: x\nseen: refused')
  })
})
