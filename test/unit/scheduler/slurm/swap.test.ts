import { expect } from 'chai'
import { sizeWithDecimals, sizeZero } from '../../../../src/model/messages.js'
import * as messages from '../../../../src/scheduler/slurm/script/messages.js'
import { parseDirectives } from '../../../../src/scheduler/slurm/script/directives.js'
import { findImpossibleRequest } from '../../../../src/scheduler/slurm/checks/preflight.js'
import * as placementMessages from '../../../../src/scheduler/placement/messages.js'
import { noPool } from '../../../../src/scheduler/cluster/messages.js'
import { exceedsPool } from '../../../../src/scheduler/slurm/checks/messages.js'
import { problemWithSwapSize } from '../../../../src/scheduler/placement/swapCapacity.js'
import { aBuffer, aCluster, aHost, pool, terabyte } from '../../../support/builders.js'

const gibibyte = 1024 ** 3
const pools = {
  [pool]: { granularityBytes: terabyte, isDefault: true },
  slow: { granularityBytes: terabyte, isDefault: false },
}

function read(...lines: string[]) {
  const directives = parseDirectives(['#!/bin/sh', ...lines, ''].join('\n'))
  if ('refused' in directives) throw new Error(directives.refused)
  return directives
}

function problem(lines: string[], { swap = true, devices = 2 } = {}) {
  return findImpossibleRequest(aCluster({ hosts: [aHost('gluster1', { devices })] }), { pools, swap }, read(...lines))
}

describe('#DW swap', () => {
  const sizes: [words: string, bytes: number][] = [
    ['4GiB', 4 * gibibyte],
    ['4', 4 * gibibyte],
    ['500MB', 500e6],
    ['1tib', 1024 * gibibyte],
  ]
  for (const [words, bytes] of sizes) {
    it(`of ${words} is ${bytes} bytes for each node`, () =>
      expect(read(`#DW  swap\t${words}`).swap).to.include({ bytes }))
  }

  it('names a pool, the same as jobdw does', () => {
    expect(read('#DW swap 4GiB pool=slow').swap).to.deep.include({ pool: 'slow' })
    expect(read('#DW swap 4GiB pool=slow', '#DW jobdw capacity=1TB pool=slow').swap).to.deep.include({ pool: 'slow' })
  })

  const wrong: [words: string, told: string, line?: string][] = [
    ['', messages.swapSizeMissing(), '#DW swap'],
    ['pool=slow', messages.swapSizeFirst('pool=slow')],
    ['capacity=4GiB', messages.swapSizeFirst('capacity=4GiB')],
    ['3.5GiB', sizeWithDecimals('3.5GiB', '3584MiB')],
    ['0', sizeZero('0GiB')],
    ['4KiB', messages.swapTooSmall('4KiB')],
    ['4GiB 2', messages.unknownSwapWord('2', '4GiB')],
    ['4GiB pool', messages.valueMissing('pool')],
    ['4GiB pool=a pool=b', messages.givenTwice('pool', 'a', 'b')],
    ['4GiB\n#DW swap 2GiB', messages.secondSwap(), '#DW swap 2GiB'],
    ['4GiB pool=slow\n#DW jobdw capacity=1TB', messages.swapInOtherPool(), '#DW swap 4GiB pool=slow'],
  ]
  for (const [words, told, line = `#DW swap ${words}`] of wrong) {
    it(`is refused as ${JSON.stringify(words)}`, () =>
      expect(() => read(`#DW swap ${words}`)).to.throw(messages.inLine(line, told)))
  }

  it('is refused by name while the setting is off', () => {
    expect(problem(['#DW swap 4GiB'], { swap: false })).to.equal(
      messages.inLine('#DW swap 4GiB', placementMessages.swapNotSupported()),
    )
    expect(problem(['#DW swap 4GiB'])).to.equal(undefined)
  })

  it('is refused when a brick cannot hold the file of one node, or the pool not all that the job takes', () => {
    expect(problem(['#DW swap 2TB'])).to.equal(
      messages.inLine('#DW swap 2TB', placementMessages.swapTooLarge(2e12, 950e9, pool)),
    )
    expect(problem(['#DW jobdw capacity=1TB', '#DW swap 4GiB'])).to.equal(undefined)
    expect(problem(['#DW jobdw capacity=2TB', '#DW swap 4GiB'])).to.equal(
      messages.inLine('#DW swap 4GiB', exceedsPool('swap', pool, 3 * terabyte, 2 * terabyte)),
    )
    expect(problem(['#DW swap 4GiB pool=none'])).to.contain(noPool('none', [pool, 'slow']))
  })
})

describe('swap of the nodes that a job came to run on', () => {
  const fits = (nodes: number) =>
    problemWithSwapSize({ bytes: 400e9, nodes }, aBuffer({ bricks: ['gluster1/nvme1n1', 'gluster1/nvme2n1'] }))

  it('fits when each file has a place on one brick', () => expect(fits(4)).to.equal(undefined))

  it('is refused with what to ask for when it does not, although the sum of the bytes would', () =>
    expect(fits(5)).to.equal(placementMessages.swapDoesNotFit(400e9, 5, 2 * terabyte, 4)))
})
