import { expect } from 'chai'
import fc from 'fast-check'
import * as modelMessages from '../../../../../src/model/messages.js'
import { quote } from '../../../../../src/model/names.js'
import * as messages from '../../../../../src/scheduler/slurm/script/messages.js'
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
    expect(refusal('', '#DW jobdw capacity=3.5TB type=cache')).to.contain(messages.typeNotSupported('cache'))
  })

  it('stand among other comments, with any blanks between their words', () => {
    const { jobdw } = read('# a comment', '#SBATCH -N 1', '#DWARF is no directive', '#DW \t jobdw \t capacity=1TB  ')
    expect(jobdw!.bytes).to.equal(1e12)
  })

  it('go on in the next line of their kind behind a backslash', () => {
    const { jobdw } = read('#DW jobdw \\', '#DW capacity=1TB \\', '#DW pool=fast')
    expect(jobdw).to.include({ bytes: 1e12, pool: 'fast' })
    expect(refusal('#DW jobdw \\', '#BB capacity=1TB')).to.contain(messages.continuationMissing('#DW'))
    expect(refusal('#DW jobdw capacity=1TB \\')).to.contain(messages.continuationMissing('#DW'))
  })

  it('are refused where Slurm would read another size, pool or name', () => {
    const told = (script: string) => (parseDirectives(script) as { refused: string }).refused
    expect(told('#!/bin/sh\n#DW jobdw capacity=1TB\r\n'))
      .to.match(/^#DW jobdw capacity=1TB.*: /)
      .and.contain(messages.carriageReturn())
    const { tabAfter } = messages
    expect(refusal('#DW\tjobdw\tcapacity=3TB\taccess_mode=striped')).to.contain(tabAfter('capacity=3TB'))
    expect(refusal('#DW jobdw capacity=3TB\t')).to.contain(tabAfter('capacity=3TB'))
    expect(refusal('#DW persistentdw name=a\t')).to.contain(tabAfter('name=a'))
    expect(refusal('#DW jobdw capacity=1TB\\', '#DW\tpool=fast')).to.contain(tabAfter('capacity=1TB'))
    const inType = '#BB create_persistent name=a capacity=1TB type=scratch\tpool=p'
    expect(refusal(inType)).to.contain(tabAfter('type=scratch'))
    expect(refusal('#DWjobdw capacity=3TB')).to.contain(messages.blankMissing('#DW'))
    expect(refusal('#DW jobdw capacity=3TB \\ ', '#DW pool=fast')).to.contain(messages.blankAfterBackslash())
    expect(refusal('#DW jobdw capacity=3TB\v')).to.contain(messages.controlCharacter())
    expect(refusal('#DW jobdw capacity=3')).to.contain(messages.capacityWithoutUnit(3))
  })

  const dw = ['jobdw', 'persistentdw', 'stage_in', 'stage_out', 'swap', 'create_persistent', 'destroy_persistent']
  const bb = ['create_persistent', 'destroy_persistent']
  const ofJobdw = ['capacity', 'access_mode', 'type', 'pool']
  const bad: [string, string][] = [
    ['#DW', messages.directiveMissing(dw)],
    ['#BB', messages.directiveMissing(bb)],
    ['#DW jobdww capacity=1TB', messages.unknownDirective('jobdww', dw)],
    ['#DW constructor', messages.unknownDirective('constructor', dw)],
    ['#DW __proto__', messages.unknownDirective('__proto__', dw)],
    ['#DW create_persistent name=a capacity=1TB', messages.belongsToBB('create_persistent')],
    ['#DW destroy_persistent name=a', messages.belongsToBB('destroy_persistent')],
    ['#DW jobdw', messages.capacityMissing()],
    ['#DW jobdw capacity', messages.valueMissing('capacity')],
    ['#DW jobdw capacity=', messages.valueMissing('capacity')],
    ['#DW jobdw capacity=1TB capacity=2TB', messages.givenTwice('capacity', '1TB', '2TB')],
    ['#DW jobdw capacity="1TB"', messages.quoteInValue('capacity="1TB"')],
    ['#DW jobdw capacity=1TB pool=a/b', messages.invalidPool('a/b')],
    ['#DW jobdw capacity=1TB access_mode=striped,private,swap', messages.swapIsNotAnAccessMode()],
    ['#DW jobdw capacity=1TB size=3', messages.unknownOption('size=3', ofJobdw)],
    ['#DW jobdw capacity=1TB access=striped', messages.unknownOption('access=striped', ofJobdw)],
    ['#DW jobdw capacity=0', modelMessages.sizeZero('0')],
    ['#DW jobdw capacity=-1', modelMessages.sizeNegative('-1')],
    ['#DW jobdw capacity=3.5TB', modelMessages.sizeWithDecimals('3.5TB', '3500GB')],
    ['#DW jobdw capacity=1e3', modelMessages.sizeWithExponent('1e3')],
    ['#DW jobdw capacity=999PB', modelMessages.sizeTooLarge('999PB', '9 PB')],
    ['#DW jobdw capacity=1TB type=cache', messages.typeNotSupported('cache')],
    ['#DW jobdw capacity=1TB type=fast', messages.unknownType('fast')],
    ['#DW jobdw capacity=1TB ldbalance=yes', messages.optionNotSupported('ldbalance')],
    ['#DW jobdw capacity=1TB pfs=/lustre', messages.optionNotSupported('pfs')],
    ['#DW jobdw capacity=1TB access_mode=stripd', messages.unknownAccessMode('stripd')],
    ['#DW persistentdw', messages.nameMissing()],
    ['#DW persistentdw name=../etc', modelMessages.nameInvalid('../etc')],
    [`#DW persistentdw name=${'x'.repeat(300)}`, modelMessages.nameInvalid('x'.repeat(300))],
    ['#BB create_persistent name=1st capacity=1TB', modelMessages.nameInvalid('1st')],
    ['#BB create_persistent name=all capacity=1TB', modelMessages.nameReserved('all')],
    ['#BB create_persistent name=a capacity=1TB access=striped access_mode=striped', messages.accessTwice()],
    ['#BB destroy_persistent name=a now', messages.unknownOption('now', ['name'])],
  ]
  for (const [line, told] of bad) {
    it(`are refused with the line, the word and what to write: ${line.slice(0, 60)}`, () =>
      expect(refusal(line)).to.equal(messages.inLine(quote(line).slice(1, -1), told)))
  }

  it('are refused when a job asks twice for a buffer of its own, or names one twice', () => {
    expect(refusal('#DW jobdw capacity=1TB', '#DW jobdw capacity=1TB')).to.contain(messages.secondJobdw())
    expect(refusal('#DW persistentdw name=a', '#DW persistentdw name=a')).to.contain(messages.usedTwice('a'))
  })

  it('may say the same twice in one line, as scripts in the field do', () => {
    expect(read('#DW jobdw type=scratch capacity=1GiB access_mode=striped,private type=scratch').jobdw).to.include({
      bytes: 1024 ** 3,
    })
  })

  it('use nothing that the same script destroys, and no two buffers with one variable', () => {
    const destroy = '#BB destroy_persistent name=a'
    expect(refusal('#BB create_persistent name=a capacity=1TB', '#DW persistentdw name=a', destroy)).to.contain(
      messages.usedAndDestroyed('a'),
    )
    expect(refusal('#DW persistentdw name=my-data', '#DW persistentdw name=my_data')).to.contain(
      messages.sameVariable('my_data', 'my-data', 'DW_PERSISTENT_STRIPED_my_data'),
    )
  })

  it('are refused beyond stated limits, before they are read', () => {
    const many = (count: number, line: (n: number) => string) => Array.from({ length: count }, (_, n) => line(n))
    expect(refusal(`#DW jobdw capacity=1TB ${' '.repeat(9_000)}`)).to.contain(messages.lineTooLong(8192))
    const continued = many(90, () => `#DW ${'x'.repeat(100)}\\`)
    expect(refusal(...continued, '#DW jobdw')).to.contain(messages.continuedTooLong(8192))
    expect(refusal(...many(201, (n) => `#DW persistentdw name=a${n}`))).to.contain(messages.tooManyDirectives(200))
    const creates = many(17, (n) => `#BB create_persistent name=a${n} capacity=1TB`)
    expect(refusal(...creates)).to.contain(messages.tooManyCreates(16))
    const stage = (n: number) => `#DW stage_in type=file source=/lustre/a${n} destination=$DW_JOB_STRIPED/a${n}`
    expect(refusal('#DW jobdw capacity=1TB', ...many(101, stage))).to.contain(messages.tooManyStages(100))
    const long = (n: number) => stage(n).replace('/lustre', `/lustre/${`${'x'.repeat(200)}/`.repeat(10)}`)
    expect(refusal('#DW jobdw capacity=1TB', ...many(50, long))).to.equal(messages.stageDirectivesTooLong(48 * 1024))
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
