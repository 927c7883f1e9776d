import { expect } from 'chai'
import { isOurLabel, labelOf, readSuperblock } from '../../../../../src/agent/host/disk/xfs.js'
import { aUuid } from '../../../../support/builders.js'

function aSuperblock({ label = 'bb-000000000', inProgress = 0 } = {}): Buffer {
  const block = Buffer.alloc(512)
  block.write('XFSB', 0, 'latin1')
  block.write(aUuid(1).replaceAll('-', ''), 32, 'hex')
  block.write(label, 108, 'latin1')
  block[126] = inProgress
  return block
}

describe('an XFS superblock', () => {
  it('tells its uuid, its label and whether mkfs has finished', () => {
    expect(readSuperblock(aSuperblock())).to.deep.equal({ uuid: aUuid(1), label: 'bb-000000000', inProgress: false })
    expect(readSuperblock(aSuperblock({ label: 'home', inProgress: 1 }))).to.deep.include({
      label: 'home',
      inProgress: true,
    })
  })

  it('is none without its magic, or when it is cut short', () => {
    expect(readSuperblock(Buffer.alloc(512))).to.equal(undefined)
    expect(readSuperblock(aSuperblock().subarray(0, 511))).to.equal(undefined)
  })

  it('is ours by a label that fits into its twelve bytes', () => {
    expect(labelOf(aUuid(1))).to.have.length(12)
    expect(isOurLabel(labelOf(aUuid(1)))).to.equal(true)
    expect(['', 'bb-', 'bb-home', 'xbb-000000000', 'bb-0000000000'].filter(isOurLabel)).to.deep.equal([])
  })
})
