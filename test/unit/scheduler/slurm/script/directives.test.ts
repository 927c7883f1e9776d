import { expect } from 'chai'
import fc from 'fast-check'
import type { Directives } from '../../../../../src/scheduler/slurm/script/directivesType.js'
import { parseDirectives } from '../../../../../src/scheduler/slurm/script/directives.js'

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
    expect(jobdw).to.include({ bytes: 3e12, pool: 'fast' })
    expect(read('#DW jobdw capacity=1GiB').jobdw!.access.modes).to.deep.equal(['striped'])
  })

  it('use, create and destroy persistent buffers', () => {
    const directives = read(
      '#BB create_persistent name=mytest capacity=32GB access=striped type=scratch',
      '#BB create_persistent name=other capacity=1TB access_mode=striped pool=fast',
      '#DW persistentdw name=mytest',
      '#BB destroy_persistent name=old hurry',
    )
    expect(directives.creates.map(({ name, bytes }) => [name, bytes])).to.deep.equal([
      ['mytest', 32e9],
      ['other', 1e12],
    ])
    expect(directives.uses).to.deep.equal([{ name: 'mytest', line: '#DW persistentdw name=mytest' }])
    expect(directives.destroys).to.deep.equal([
      { name: 'old', hurry: true, line: '#BB destroy_persistent name=old hurry' },
    ])
  })

  it('end at the first line that is no comment', () => {
    expect(read('sleep 1', '#DW jobdw capacity=1TB').jobdw).to.equal(undefined)
    for (const line of [' ', '\t', '\r', ' #', 'sleep 1']) {
      expect(read(line, '#DW jobdw capacity=1TB').jobdw, JSON.stringify(line)).to.equal(undefined)
    }
  })

  it('go on behind empty lines, which Slurm does not see', () => {
    expect(read('', '', '#DW jobdw capacity=1TB').jobdw!.bytes).to.equal(1e12)
    expect(read('#DW persistentdw name=a', '', '#DW jobdw \\', '', '#DW capacity=1TB').jobdw!.bytes).to.equal(1e12)
    expect(refusal('', '#DW jobdw capacity=3.5TB type=cache')).to.contain('type=cache')
  })

  it('stand among other comments, with any blanks between their words', () => {
    const { jobdw } = read('# a comment', '#SBATCH -N 1', '#DWARF is no directive', '#DW \t jobdw \t capacity=1TB  ')
    expect(jobdw!.bytes).to.equal(1e12)
  })

  it('go on in the next line of their kind behind a backslash', () => {
    const { jobdw } = read('#DW jobdw \\', '#DW capacity=1TB \\', '#DW pool=fast')
    expect(jobdw).to.include({ bytes: 1e12, pool: 'fast' })
    expect(refusal('#DW jobdw \\', '#BB capacity=1TB')).to.contain(': it ends in "\\" but the next line')
    expect(refusal('#DW jobdw capacity=1TB \\')).to.contain('but the next line does not begin with #DW')
  })

  it('are refused where Slurm would read another size, pool or name', () => {
    const told = (script: string) => (parseDirectives(script) as { refused: string }).refused
    expect(told('#!/bin/sh\n#DW jobdw capacity=1TB\r\n')).to.match(
      /^#DW jobdw capacity=1TB.*: it holds a carriage return/,
    )
    expect(refusal('#DW\tjobdw\tcapacity=3TB\taccess_mode=striped')).to.match(/a tab stands behind "capacity=3TB"/)
    expect(refusal('#DW jobdw capacity=3TB\t')).to.match(/a tab stands behind "capacity=3TB"/)
    expect(refusal('#DW persistentdw name=a\t')).to.match(/a tab stands behind "name=a"/)
    expect(refusal('#DW jobdw capacity=1TB\\', '#DW\tpool=fast')).to.match(/a tab stands behind "capacity=1TB"/)
    expect(refusal('#BB create_persistent name=a capacity=1TB type=scratch\tpool=p')).to.match(/tab.*"type=scratch"/)
    expect(refusal('#DWjobdw capacity=3TB')).to.contain('write a blank behind #DW')
    expect(refusal('#DW jobdw capacity=3TB \\ ', '#DW pool=fast')).to.contain('a blank stands behind the "\\"')
    expect(refusal('#DW jobdw capacity=3TB\v')).to.contain('control character')
    expect(refusal('#DW jobdw capacity=3')).to.contain('a buffer of 3 bytes: write a unit')
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
    ['#DW jobdw capacity=1TB capacity=2TB', /capacity= is given twice, as "1TB" and as "2TB": write one/],
    ['#DW jobdw capacity="1TB"', /holds a quote/],
    ['#DW jobdw capacity=1TB pool=a/b', /"a\/b" is not the name of a pool/],
    ['#DW jobdw capacity=1TB access_mode=striped,private,swap', /swap is not an access mode: .*#DW swap 4GiB/],
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
    ['#DW persistentdw name=../etc', /"\.\.\/etc" is not a valid buffer name/],
    [`#DW persistentdw name=${'x'.repeat(300)}`, /is not a valid buffer name/],
    ['#BB create_persistent name=1st capacity=1TB', /"1st" is not a valid buffer name/],
    ['#BB create_persistent name=all capacity=1TB', /reserved by GlusterFS/],
    ['#BB create_persistent name=a capacity=1TB access=striped access_mode=striped', /are the same: write one/],
    ['#BB destroy_persistent name=a now', /unknown word "now"/],
  ]
  for (const [line, told] of bad) {
    it(`are refused with the line, the word and what to write: ${line.slice(0, 60)}`, () =>
      expect(refusal(line))
        .to.match(/^#(DW|BB)/)
        .and.match(told))
  }

  it('are refused when a job asks twice for a buffer of its own, or names one twice', () => {
    expect(refusal('#DW jobdw capacity=1TB', '#DW jobdw capacity=1TB')).to.contain(
      'write access_mode=striped,private in one line',
    )
    expect(refusal('#DW persistentdw name=a', '#DW persistentdw name=a')).to.contain('"a" is named twice')
  })

  it('may say the same twice in one line, as scripts in the field do', () => {
    expect(read('#DW jobdw type=scratch capacity=1GiB access_mode=striped,private type=scratch').jobdw).to.include({
      bytes: 1024 ** 3,
    })
  })

  it('use nothing that the same script destroys, and no two buffers with one variable', () => {
    const destroy = '#BB destroy_persistent name=a'
    expect(refusal('#BB create_persistent name=a capacity=1TB', '#DW persistentdw name=a', destroy)).to.contain(
      'the same script destroys "a"',
    )
    expect(refusal('#DW persistentdw name=my-data', '#DW persistentdw name=my_data')).to.contain(
      '"my_data" and "my-data" are both $DW_PERSISTENT_STRIPED_my_data',
    )
  })

  it('are refused beyond stated limits, before they are read', () => {
    const many = (count: number, line: (n: number) => string) => Array.from({ length: count }, (_, n) => line(n))
    expect(refusal(`#DW jobdw capacity=1TB ${' '.repeat(9_000)}`)).to.contain('longer than 8192 bytes')
    expect(refusal(...many(90, () => `#DW ${'x'.repeat(100)}\\`), '#DW jobdw')).to.contain('longer than 8192 bytes')
    expect(refusal(...many(201, (n) => `#DW persistentdw name=a${n}`))).to.contain('more than 200 lines of directives')
    expect(refusal(...many(17, (n) => `#BB create_persistent name=a${n} capacity=1TB`))).to.contain('at most 16')
    const stage = (n: number) => `#DW stage_in type=file source=/lustre/a${n} destination=$DW_JOB_STRIPED/a${n}`
    expect(refusal('#DW jobdw capacity=1TB', ...many(101, stage))).to.contain('at most 100 stage lines')
    const long = (n: number) => stage(n).replace('/lustre', `/lustre/${`${'x'.repeat(200)}/`.repeat(10)}`)
    expect(refusal('#DW jobdw capacity=1TB', ...many(50, long))).to.contain('longer than 48 KiB together')
  })

  it('of a script of any size and kind are read or refused', () => {
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
          expect(name).to.match(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/)
        }
      }),
    )
  })

  it('read back what was written of them', () => {
    const size = fc.integer({ min: 1, max: 8_000 })
    const unit = fc.constantFrom<[string, number]>(['GB', 1e9], ['GiB', 1024 ** 3], ['TB', 1e12], ['tib', 1024 ** 4])
    const blank = fc.constantFrom(' ', '  ', ' \t', ' \\\n#DW ', ' \\\n\n#DW\t')
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
