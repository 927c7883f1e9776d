import { expect } from 'chai'
import { totalBytes } from '../../../../../../src/agent/host/dataplane/direct/mountState.js'

describe('the bytes of a mount', () => {
  it('are the sum of its bricks', () => {
    expect(totalBytes([10, 20, 30])).to.equal(60)
  })

  it('are those of the smallest brick of each dispersed set, for each that is not redundant', () => {
    expect(totalBytes([10, 20, 30, 40, 50, 60], { bricks: 3, redundancy: 1 })).to.equal(2 * 10 + 2 * 40)
  })
})
