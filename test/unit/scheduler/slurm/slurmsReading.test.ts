import { expect } from 'chai'
import fc from 'fast-check'
import { directiveNames, parseDirectives } from '../../../../src/scheduler/slurm/script/directives.js'
import { type SlurmsReading, slurmsReading } from '../../../support/slurmsReading.js'

/** What we have read, in the words of Slurm's reading; undefined when the script is refused. */
function ours(script: string): SlurmsReading | undefined {
  const read = parseDirectives(script)
  if ('refused' in read) return undefined
  const { jobdw, swap, uses, creates, destroys } = read
  return {
    jobdw: jobdw ? [{ bytes: jobdw.bytes, pool: jobdw.pool }] : [],
    swap: swap ? [{ count: swap.slurmsBytes, pool: swap.pool }] : [],
    uses: uses.map(({ name }) => name),
    creates: creates.map(({ name, bytes, pool }) => ({ name, bytes, pool, access: undefined })),
    destroys: destroys.map(({ name }) => name),
  }
}

/** Of `access` only whether we refuse what we do not serve. */
function theirs(script: string): SlurmsReading {
  const read = slurmsReading(script)
  for (const { access } of read.creates) expect(access ?? 'striped').to.be.oneOf(['striped', 'stripe'])
  return { ...read, creates: read.creates.map((create) => ({ ...create, access: undefined })) }
}

const often = <T>(usual: T, ...rare: T[]) =>
  fc.oneof({ weight: 8, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...rare) })
const end = often('\n', '\n\n', '\n\n\n', '\r\n', '\n \n', '\n\t\n', '\n\r\n', '\n# a comment\n', '\n\0\n', '\ntrue\n')
const blank = often(
  ' ',
  '  ',
  '\t',
  ' \t',
  '\t ',
  ' \\\n#DW ',
  '\\\n#DW ',
  ' \\\n\n#DW\t',
  ' \\ \n#BB ',
  '\v',
  '\u00a0',
  '',
)
const word = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      'capacity=3TB',
      'capacity=48',
      'name=mydata',
      'pool=fast',
      'type=scratch',
      'access_mode=striped',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...['capacity=3.5TB', 'capacity=4 GiB', 'capacity=+3TB', 'capacity=1e3', 'capacity=7gib', 'capacity=99999PB'],
      ...['name=my-data', 'name=a.b', 'name=1st', 'pool=a=b', 'pool=capacity=2TB', 'access=striped', 'access=private'],
      ...[
        'access_mode=striped(client_cache=yes),private',
        'hurry',
        'xcapacity=1TB',
        'group=name=b',
        'group=project',
        '4GiB',
      ],
      ...['source=/a/capacity=9TB', 'destination=$DW_JOB_STRIPED/x', '=', '\\', '#DW', 'jobdw', 'capacity=', '3'],
    ),
  },
)
const verb = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(...directiveNames),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...[
        '#DWjobdw',
        '#DW  jobdw',
        '#DW\tjobdw',
        '#DW jobdwx',
        '#DW\vjobdw',
        '#dw jobdw',
        ' #DW jobdw',
        '#DWARF',
        '#DW',
      ],
      ...[
        '#BBcreate_persistent',
        '#BB\tdestroy_persistent',
        '#SBATCH --bb',
        '#',
        '#DW stage_in type=file',
        '#DW swap4',
      ],
    ),
  },
)
/** The words that each directive needs. Half of the lines have them. */
const needed: Record<string, string[]> = {
  '#DW jobdw': ['capacity=3TB'],
  '#DW persistentdw': ['name=mydata'],
  '#DW swap': ['4'],
  '#DW stage_in': ['type=file', 'source=/a', 'destination=$DW_JOB_STRIPED/x'],
  '#DW stage_out': ['type=file', 'source=$DW_JOB_STRIPED/x', 'destination=/a'],
  '#BB create_persistent': ['name=new', 'capacity=48'],
  '#BB destroy_persistent': ['name=old'],
  // Written by mistake, and refused.
  '#DW create_persistent': [],
  '#DW destroy_persistent': [],
}
const line = fc
  .tuple(verb, fc.boolean(), fc.array(fc.tuple(blank, word), { maxLength: 3 }), blank, end)
  .map(([first, isWhole, words, between, last]) => {
    const must = isWhole ? (needed[first] ?? []).map((each): [string, string] => [between, each]) : []
    return `${first}${[...must, ...words].map(([before, each]) => before + each).join('')}${last}`
  })
const script = fc
  .tuple(
    often('#!/bin/bash\n', '', '\n#!/bin/bash\n', '#!/bin/bash\r\n'),
    fc.array(line, { minLength: 1, maxLength: 4 }),
  )
  .map(([first, lines]) => `${first}${lines.join('')}true\n#DW jobdw capacity=9TB\n`)

describe('a job script that Slurm reads too', () => {
  it('has every directive that we read', () => {
    expect(Object.keys(needed)).to.have.members(directiveNames)
  })

  it('is read as Slurm reads it, or refused', function () {
    this.timeout(60_000)
    let taken = 0
    let asking = 0
    fc.assert(
      fc.property(script, (text) => {
        const read = ours(text)
        if (!read) return
        taken++
        if (Object.values(read).some((found: unknown[]) => found.length > 0)) asking++
        expect(read).to.deep.equal(theirs(text))
      }),
      { numRuns: 20_000 },
    )
    expect(taken, 'scripts that were not refused').to.be.greaterThan(1_000)
    expect(asking, 'scripts that ask for something').to.be.greaterThan(400)
  })
})
