import { expect } from 'chai'
import { parseStage } from '../../../../../src/scheduler/slurm/script/stageDirectives.js'

const words = (line: string) => line.split(' ')

describe('a stage line', () => {
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
    expect(parseStage('in', words('type=file source=/data/a')))
      .to.have.property('refused')
      .that.matches(/destination= is missing/)
  })

  it('says when Slurm has symbols left to replace', () => {
    const line = 'type=file source=/data/%A_%a destination=$DW_JOB_STRIPED/a'
    expect(parseStage('in', words(line))).to.have.property('hasSymbols', true)
  })

  const refusals: [string, 'in' | 'out', string, RegExp][] = [
    ['a destination outside the buffer', 'in', 'type=file source=/a destination=/b', /not in a buffer of the job/],
    ['a source outside the buffer', 'out', 'type=file source=/a destination=/b', /not in a buffer of the job/],
    ['a source in the buffer', 'in', 'type=file source=$DW_JOB_STRIPED/a destination=/b', /is in the buffer/],
    ['a missing type', 'in', 'source=/a destination=$DW_JOB_STRIPED/b', /type= is missing/],
    ['an unknown type', 'in', 'type=tree source=/a destination=$DW_JOB_STRIPED/b', /unknown type "tree"/],
    ['an unknown word', 'in', 'type=file src=/a', /unknown word "src=\/a"/],
    ['a word of JavaScript', 'in', 'type=file constructor=/a', /unknown word/],
    ['a word given twice', 'in', 'type=file type=list', /given twice/],
    ['a word without value', 'in', 'type=file source=', /needs a value/],
    ['another check', 'in', 'type=file source=/a destination=$DW_JOB_STRIPED/b verify=size', /verify=checksum/],
    ['a file that is a directory', 'in', 'type=file source=/a/ destination=$DW_JOB_STRIPED/b', /names no file/],
    ['a file without a name', 'in', 'type=file source=/a destination=$DW_JOB_STRIPED', /names no file/],
  ]
  for (const [what, direction, line, reason] of refusals) {
    it(`refuses ${what}`, () => {
      expect(parseStage(direction, words(line)))
        .to.have.property('refused')
        .that.matches(reason)
    })
  }
})
