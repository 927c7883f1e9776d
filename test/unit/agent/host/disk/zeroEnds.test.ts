import { expect } from 'chai'
import { wipeRanges } from '../../../../../src/agent/host/disk/zeroEnds.js'

describe('what a wipe zeroes', () => {
  const mebibyte = 1024 ** 2

  it('is both ends, the sector of the superblock last and alone', () => {
    expect(wipeRanges(10 * mebibyte)).to.deep.equal([
      { position: 9 * mebibyte, length: mebibyte },
      { position: 512, length: 4 * mebibyte - 512 },
      { position: 0, length: 512 },
    ])
  })

  it('stays within a device that is smaller than its ends', () => {
    for (const size of [4096, mebibyte, mebibyte + 4096, 4 * mebibyte, 5 * mebibyte]) {
      for (const { position, length } of wipeRanges(size)) expect(position + length).to.be.at.most(size)
    }
  })
})
