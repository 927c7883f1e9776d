import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { mutations, withoutGuard } from '../../simulation/guards.js'

describe('the guards that the mutations take out', () => {
  for (const mutation of mutations)
    it(`stand in the source exactly once: ${mutation.guard}`, () => {
      for (const change of [mutation, ...(mutation.with ?? [])])
        expect(withoutGuard(readFileSync(change.file, 'utf8'), change)).to.be.a('string')
    })

  it('are missed when the source has changed', () => {
    const change = { file: 'x.ts', from: 'if (taken) return', to: '' }
    expect(() => withoutGuard('if (isTaken) return', change)).to.throw('0 times')
    expect(() => withoutGuard('if (taken) return; if (taken) return', change)).to.throw('2 times')
  })
})
