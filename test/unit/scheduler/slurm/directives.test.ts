import { expect } from 'chai'
import fc from 'fast-check'
import { type Directives, parseDirectives } from '../../../../src/scheduler/slurm/directives.js'

function read(...lines: string[]): Directives {
  const directives = parseDirectives(['#!/bin/sh', ...lines].join('\n'))
  if ('refused' in directives) throw new Error(directives.refused)
  return directives
}
const refusal = (...lines: string[]) => {
  const directives = parseDirectives(['#!/bin/sh', ...lines].join('\n'))
  return 'refused' in directives ? directives.refused : `not refused: ${JSON.stringify(directives)}`
}

describe('the directives of a job script', () => {
  it('ask for a buffer of the job’s own', () => {
    const { jobdw } = read('#DW jobdw type=scratch access_mode=striped capacity=3TB pool=fast')
    expect(jobdw).to.include({ bytes: 3e12, pool: 'fast', line: 2 })
    expect(read('#DW jobdw capacity=1GiB').jobdw!.access.modes).to.deep.equal(['striped'])
  })

  it('use, create and destroy persistent buffers', () => {
    const directives = read(
      '#BB create_persistent name=mytest capacity=32GB access=striped type=scratch',
      '#BB create_persistent name=other capacity=1TB access_mode=striped pool=fast',
      '#DW persistentdw name=mytest',
      '#BB destroy_persistent name=old hurry',
    )
    expect(directives.creates.map(({ name, bytes, line }) => [name, bytes, line])).to.deep.equal([
      ['mytest', 32e9, 2],
      ['other', 1e12, 3],
    ])
    expect(directives.uses).to.deep.equal([{ name: 'mytest', line: 4 }])
    expect(directives.destroys).to.deep.equal([{ name: 'old', hurry: true, line: 5 }])
  })

  it('end at the first line that is no comment', () => {
    expect(read('sleep 1', '#DW jobdw capacity=1TB').jobdw).to.equal(undefined)
    expect(read('', '#DW jobdw capacity=1TB').jobdw).to.equal(undefined)
  })

  it('stand among other comments, with any blanks between their words', () => {
    const { jobdw } = read('# a comment', '#SBATCH -N 1', '#DWARF is no directive', '#DW \t jobdw \t capacity=1TB  ')
    expect(jobdw).to.include({ bytes: 1e12, line: 5 })
  })

  it('go on in the next line of their kind behind a backslash', () => {
    const { jobdw } = read('#DW jobdw \\', '#DW capacity=1TB \\', '#DW pool=fast')
    expect(jobdw).to.include({ bytes: 1e12, pool: 'fast', line: 2 })
    expect(refusal('#DW jobdw \\', '#BB capacity=1TB')).to.contain('line 2: it ends in "\\" but the next line')
    expect(refusal('#DW jobdw capacity=1TB \\')).to.contain('but the next line does not begin with #DW')
  })

  it('are read from a script with carriage returns', () => {
    expect(parseDirectives('#!/bin/sh\r\n#DW jobdw capacity=1TB\r\n')).to.have.nested.property('jobdw.bytes', 1e12)
  })

  const bad: [string, RegExp][] = [
    ['#DW', /nothing follows: write one of jobdw, persistentdw/],
    ['#BB', /nothing follows: write one of create_persistent, destroy_persistent/],
    ['#DW jobdww capacity=1TB', /unknown word "jobdww": write one of jobdw/],
    ['#DW constructor', /unknown word "constructor"/],
    ['#DW __proto__', /unknown word "__proto__"/],
    ['#DW create_persistent name=a capacity=1TB', /is written #BB create_persistent, not #DW/],
    ['#DW destroy_persistent name=a', /is written #BB destroy_persistent, not #DW/],
    ['#DW jobdw', /capacity= is missing/],
    ['#DW jobdw capacity', /capacity needs a value/],
    ['#DW jobdw capacity=', /capacity needs a value/],
    ['#DW jobdw capacity=1TB capacity=1TB', /capacity= is given twice/],
    ['#DW jobdw capacity=1TB size=3', /unknown word "size=3": write capacity=, access_mode=, type=, pool=/],
    ['#DW jobdw capacity=1TB access=striped', /unknown word "access=striped"/],
    ['#DW jobdw capacity=0', /ask for at least one byte/],
    ['#DW jobdw capacity=-1', /it must be above zero/],
    ['#DW jobdw capacity=3.5TB', /decimals do not count, write 3500GB/],
    ['#DW jobdw capacity=1e3', /write the number out/],
    ['#DW jobdw capacity=999PB', /the most is 9 PB/],
    ['#DW jobdw capacity=1TB type=cache', /type=cache is a word of DataWarp that this system does not serve/],
    ['#DW jobdw capacity=1TB type=fast', /unknown type "fast": write type=scratch/],
    ['#DW jobdw capacity=1TB ldbalance=yes', /ldbalance is a word of DataWarp that this system does not serve/],
    ['#DW jobdw capacity=1TB pfs=/lustre', /pfs is a word of DataWarp/],
    ['#DW jobdw capacity=1TB access_mode=stripd', /unknown access mode "stripd"/],
    ['#DW persistentdw', /name= is missing/],
    ['#DW persistentdw name=../etc', /"\.\.\/etc" is no valid buffer name/],
    [`#DW persistentdw name=${'x'.repeat(300)}`, /is no valid buffer name/],
    ['#BB create_persistent name=1st capacity=1TB', /"1st" is no valid buffer name/],
    ['#BB create_persistent name=all capacity=1TB', /reserved by GlusterFS/],
    ['#BB create_persistent name=a capacity=1TB access=striped access_mode=striped', /are the same: write one/],
    ['#BB destroy_persistent name=a now', /unknown word "now"/],
  ]
  for (const [line, told] of bad) {
    it(`are refused with the line, the word and what to write: ${line.slice(0, 60)}`, () =>
      expect(refusal(line))
        .to.match(/^line 2: #(DW|BB) /)
        .and.match(told))
  }

  it('are refused when a job asks twice for a buffer of its own, or names one twice', () => {
    expect(refusal('#DW jobdw capacity=1TB', '#DW jobdw capacity=1TB')).to.contain('jobdw stands already in line 2')
    expect(refusal('#DW persistentdw name=a', '#DW persistentdw name=a')).to.contain('"a" is named twice')
  })

  it('of a script of any size and kind are read or refused', () => {
    expect(parseDirectives('#'.repeat(2_000_000))).to.have.property('refused')
    const verb = fc.constantFrom(
      '#DW jobdw',
      '#BB create_persistent',
      '#DW persistentdw',
      '#BB destroy_persistent',
      '#DW',
      '#',
    )
    const word = fc.oneof(
      fc.constantFrom(
        'capacity=1TB',
        'capacity=',
        'name=a',
        'name=../b',
        'pool=x',
        'access_mode=striped',
        'type=scratch',
        '\\',
        '=',
      ),
      fc.string({ unit: 'binary', maxLength: 12 }),
    )
    const line = fc.tuple(verb, fc.array(word, { maxLength: 5 })).map(([first, words]) => [first, ...words].join(' '))
    fc.assert(
      fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
        const directives = parseDirectives(`#!/bin/sh\n${lines.join('\n')}`)
        if ('refused' in directives) {
          // eslint-disable-next-line no-control-regex
          expect(directives.refused).not.to.match(/[\u0000-\u001f]/)
          return
        }
        for (const { bytes } of [...directives.creates, ...(directives.jobdw ? [directives.jobdw] : [])]) {
          expect(bytes).to.be.greaterThan(0)
        }
        for (const { name } of [...directives.uses, ...directives.creates, ...directives.destroys]) {
          expect(name).to.match(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/)
        }
      }),
    )
  })

  it('read back what was written of them', () => {
    const size = fc.integer({ min: 1, max: 8_000 })
    const unit = fc.constantFrom<[string, number]>(['GB', 1e9], ['GiB', 1024 ** 3], ['TB', 1e12], ['tib', 1024 ** 4])
    const blank = fc.constantFrom(' ', '  ', '\t', ' \\\n#DW ')
    fc.assert(
      fc.property(
        size,
        unit,
        blank,
        fc.shuffledSubarray(['type=scratch', 'pool=p', 'access_mode=striped']),
        (n, [name, bytes], between, words) => {
          const line = ['#DW jobdw', `capacity=${n}${name}`, ...words].join(between)
          expect(read(line).jobdw!.bytes).to.equal(n * bytes)
        },
      ),
    )
  })
})
