import { expect } from 'chai'
import { rangesOf, smallestRange } from '../../../../../../src/agent/host/staging/scan/ranges.js'

const MB = 1024 ** 2
const GB = 1024 ** 3

describe('the ranges of a large file', () => {
  it('are none for a file that is not large', () => {
    expect(rangesOf(2 * smallestRange - 1, 3)).to.deep.equal([])
    expect(rangesOf(0, 3)).to.deep.equal([])
  })

  it('follow one another without a gap, and end where the file ends', () => {
    for (const bytes of [2 * smallestRange, 4_000_000_000, 4 * GB + 1, 977 * GB + 12_345, 100_000 * GB]) {
      for (const hosts of [1, 2, 3, 30]) {
        let next = 0
        for (const { at, bytes: length } of rangesOf(bytes, hosts)) {
          expect(at).to.equal(next)
          expect(length).to.be.greaterThan(0)
          next = at + length
        }
        expect(next).to.equal(bytes)
      }
    }
  })

  it('are several for each host, not too small and not too large, and begin at whole megabytes', () => {
    expect(rangesOf(12 * GB, 3)).to.have.length(12)
    expect(rangesOf(GB, 30).map(({ bytes }) => bytes)).to.deep.equal(Array(4).fill(256 * MB))
    expect(rangesOf(1024 * GB, 1)).to.have.length(64)
    expect(rangesOf(4_000_000_000, 3).filter(({ at }) => at % MB !== 0)).to.deep.equal([])
  })
})
