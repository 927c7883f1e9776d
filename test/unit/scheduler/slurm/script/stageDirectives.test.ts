import { expect } from 'chai'
import { pathNotAbsolute } from '../../../../../src/model/messages.js'
import * as messages from '../../../../../src/scheduler/slurm/script/messages.js'
import { parseStage } from '../../../../../src/scheduler/slurm/script/stageDirectives.js'

const words = (line: string) => line.split(' ')

/** What to write, as a refusal says it. */
const inBuffer = '$DW_JOB_STRIPED/…'
const outside = '/…'
const keys = ['type', 'source', 'destination', 'verify']

describe('a stage directive', () => {
  it('copies a file into the job buffer', () => {
    expect(parseStage('in', words('type=file source=/data/a destination=$DW_JOB_STRIPED/b'))).to.deep.equal({
      direction: 'in',
      type: 'file',
      source: { in: 'outside', path: '/data/a' },
      destination: { in: 'job', path: 'b' },
      verify: false,
      hasSymbols: false,
    })
  })

  it('copies a directory out of a persistent buffer, with contents compared', () => {
    const line = 'type=directory source=$DW_PERSISTENT_STRIPED_shared/out/ destination=/data/out verify=checksum'
    expect(parseStage('out', words(line))).to.deep.include({
      source: { in: 'persistent', name: 'shared', path: 'out' },
      destination: { in: 'outside', path: '/data/out' },
      verify: true,
    })
  })

  it('needs no destination for a list alone', () => {
    expect(parseStage('in', words('type=list source=/data/list'))).not.to.have.property('destination')
    expect(parseStage('in', words('type=file source=/data/a'))).to.deep.equal({
      refused: messages.pathMissing('destination', inBuffer),
    })
  })

  it('says when Slurm has symbols left to replace', () => {
    const line = 'type=file source=/data/%A_%a destination=$DW_JOB_STRIPED/a'
    expect(parseStage('in', words(line))).to.have.property('hasSymbols', true)
  })

  const refusals: [string, 'in' | 'out', string, string][] = [
    [
      'a destination outside the buffer',
      'in',
      'type=file source=/a destination=/b',
      messages.pathOutside('destination', '/b', inBuffer),
    ],
    [
      'a source outside the buffer',
      'out',
      'type=file source=/a destination=/b',
      messages.pathOutside('source', '/a', inBuffer),
    ],
    [
      'a source in the buffer',
      'in',
      'type=file source=$DW_JOB_STRIPED/a destination=/b',
      messages.pathInBuffer('source', '$DW_JOB_STRIPED/a', outside),
    ],
    ['a missing type', 'in', 'source=/a destination=$DW_JOB_STRIPED/b', messages.stageTypeMissing()],
    ['an unknown type', 'in', 'type=tree source=/a destination=$DW_JOB_STRIPED/b', messages.unknownStageType('tree')],
    ['an unknown word', 'in', 'type=file src=/a', messages.unknownOption('src=/a', keys)],
    ['a word of JavaScript', 'in', 'type=file constructor=/a', messages.unknownOption('constructor=/a', keys)],
    ['a word given twice', 'in', 'type=file type=list', messages.givenTwice('type', 'file', 'list')],
    ['a word without value', 'in', 'type=file source=', messages.valueMissing('source')],
    [
      'another check',
      'in',
      'type=file source=/a destination=$DW_JOB_STRIPED/b verify=size',
      messages.unknownVerify('size'),
    ],
    [
      'a pattern',
      'in',
      'type=file source=/a/* destination=$DW_JOB_STRIPED/b',
      messages.patternInPath('source', '/a/*'),
    ],
    [
      'a path that is not absolute',
      'in',
      'type=file source=a destination=$DW_JOB_STRIPED/b',
      messages.invalidPath('source', pathNotAbsolute('a')),
    ],
    [
      'a file that is a directory',
      'in',
      'type=file source=/a/ destination=$DW_JOB_STRIPED/b',
      messages.fileNameMissing('source', '/a/'),
    ],
    [
      'a file without a name',
      'in',
      'type=file source=/a destination=$DW_JOB_STRIPED',
      messages.fileNameMissing('destination', '$DW_JOB_STRIPED'),
    ],
  ]
  for (const [what, direction, line, reason] of refusals) {
    it(`refuses ${what}`, () => {
      expect(parseStage(direction, words(line))).to.deep.equal({ refused: reason })
    })
  }
})
