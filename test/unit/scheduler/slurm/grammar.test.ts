import { expect } from 'chai'
import { quote } from '../../../../src/model/names.js'
import * as messages from '../../../../src/scheduler/slurm/script/messages.js'
import type { Directives } from '../../../../src/scheduler/slurm/script/directivesType.js'
import { parseDirectives } from '../../../../src/scheduler/slurm/script/directives.js'
import { exceedsPool } from '../../../../src/scheduler/slurm/checks/messages.js'
import { findImpossibleRequest } from '../../../../src/scheduler/slurm/checks/preflight.js'
import { aBuffer, aCluster, aHost, pool, terabyte } from '../../../support/builders.js'

const script = (...lines: string[]) => ['#!/bin/bash', ...lines, 'srun ./solve', ''].join('\n')
const read = (...lines: string[]) => parseDirectives(script(...lines))
const refusal = (...lines: string[]) => {
  const found = read(...lines)
  return 'refused' in found ? found.refused : 'it was taken'
}

describe('the directives of a job script', () => {
  it('may have blanks, tabs and continuation lines', () => {
    const found = read(
      '#SBATCH -N2',
      '#DW  jobdw\ttype=scratch   access_mode=striped,private \\',
      '#DW\tcapacity=4GiB  ',
    )
    expect(found).to.have.deep.property('jobdw', {
      bytes: 4 * 1024 ** 3,
      access: { modes: ['striped', 'private'], clientCache: {} },
      line: '#DW  jobdw\\ttype=scratch   access_mode=striped,private capacity=4GiB',
    })
  })

  it('may use several persistent buffers beside their own', () => {
    const found = read('#DW jobdw type=scratch capacity=1TB', '#DW persistentdw name=a', '#DW persistentdw name=b')
    expect('uses' in found && found.uses.map(({ name }) => name)).to.deep.equal(['a', 'b'])
  })

  it('end at the first line that is no comment', () => {
    expect(read('true', '#DW jobdw capacity=nonsense')).to.not.have.property('jobdw')
  })

  it('may name a group to share with', () => {
    const found = read('#BB create_persistent name=ours capacity=1TB group=project')
    expect(found).to.have.nested.property('creates[0].group', 'project')
  })

  const dw = ['jobdw', 'persistentdw', 'stage_in', 'stage_out', 'swap', 'create_persistent', 'destroy_persistent']
  const ofJobdw = ['capacity', 'access_mode', 'type', 'pool']
  const wrong: [line: string, told: string][] = [
    ['#DW jobdw capacity=1TB access_mode=shared', messages.unknownAccessMode('shared')],
    ['#DW jobdw capacity=1TB ldbalance', messages.optionNotSupported('ldbalance')],
    ['#DW jobdw capacity=1TB pfs=/lus', messages.optionNotSupported('pfs')],
    ['#DW jobdw capacity=1TB type=cache', messages.typeNotSupported('cache')],
    ['#DW jobdw', messages.capacityMissing()],
    ['#DW jobdw capacity=1TB colour=blue', messages.unknownOption('colour=blue', ofJobdw)],
    ['#DW jobdw capacity=1TB \\', messages.continuationMissing('#DW')],
    ['#DW mount', messages.unknownDirective('mount', dw)],
    ['#DW create_persistent name=a capacity=1TB', messages.belongsToBB('create_persistent')],
    ['#BB create_persistent name=a capacity=1TB access=private', messages.persistentIsStriped()],
    ['#BB create_persistent name=a capacity=1TB group=a/b', messages.invalidGroup('a/b')],
  ]
  for (const [line, told] of wrong) {
    it(`tell what is wrong with ${line}`, () =>
      expect(refusal(line)).to.equal(messages.inLine(quote(line).slice(1, -1), told)))
  }

  it('create no buffer twice', () => {
    const create = '#BB create_persistent name=a capacity=1TB'
    expect(refusal(create, create)).to.equal(messages.inLine(create, messages.createdTwice('a')))
  })
})

describe('what can never work', () => {
  const config = { pools: { [pool]: { granularityBytes: terabyte, isDefault: true } }, swap: false }
  const leaving = aBuffer({ name: 'leaving', wanted: 'absent' })
  const cluster = aCluster({ hosts: [aHost('gluster1', { devices: 3 })], buffers: [leaving] })
  const told = (...lines: string[]) => findImpossibleRequest(cluster, config, read(...lines) as Directives)

  it('is more than the pool has, in one or in all', () => {
    const create = '#BB create_persistent name=a capacity=2TB'
    const tooMuch = exceedsPool('capacity=', pool, 4 * terabyte, 3 * terabyte)
    expect(told('#DW jobdw capacity=3TB')).to.equal(undefined)
    expect(told('#DW jobdw capacity=4TB')).to.equal(messages.inLine('#DW jobdw capacity=4TB', tooMuch))
    expect(told('#DW jobdw capacity=2TB', create)).to.equal(messages.inLine(create, tooMuch))
  })

  it('is no persistent buffer that an earlier job may still make or make again', () => {
    expect(told('#DW persistentdw name=absent')).to.equal(undefined)
    expect(told('#DW persistentdw name=leaving')).to.equal(undefined)
  })
})
