import { expect } from 'chai'
import { labTestMs, useLab } from '../support/lab.js'
import { keysBelow } from '../support/bricks.js'
import { SlurmAt } from '../support/slurm.js'

describe('what is wrong in a job script is told to its user', function () {
  this.timeout(labTestMs)
  const lab = useLab()
  const slurm = new SlurmAt(lab)

  const job = (rest: string) => `#DW jobdw type=scratch access_mode=striped ${rest}`
  const persistent = (rest: string) => `#BB create_persistent access=striped type=scratch ${rest}`
  const cases: [what: string, directive: string, told: RegExp][] = [
    ['a fraction of a unit', job('capacity=3.5TB'), /3\.5TB/],
    ['a capacity of nothing', job('capacity=0'), /capacity|Burst Buffer request invalid/],
    ['a negative capacity', job('capacity=-1'), /-1/],
    ['a capacity with an exponent', job('capacity=1e3'), /1e3/],
    // Slurm compares the pool with those of `pools` itself, before it asks anybody, and has one text for all that is invalid.
    ['an unknown pool', job('capacity=1TB pool=nosuch'), /Burst Buffer request invalid/],
    ['an unknown word', job('capacity=1TB colour=blue'), /colour/],
    [
      'a stage directive from a place that is not served',
      `${job('capacity=1TB')}\n#DW stage_in type=file source=/etc/hosts destination=$DW_JOB_STRIPED/hosts`,
      /stage_in .*: source=.*cannot be staged by any storage host: write a path below \/home/,
    ],
    ['swap', '#DW swap 4GiB', /swap/],
    ['a persistent name with a slash', persistent('name=a/b capacity=1TB'), /a\/b/],
    ['a persistent name that climbs', persistent('name=../etc capacity=1TB'), /\.\./],
    [
      'a persistent name that begins with a digit',
      persistent('name=1abc capacity=1TB'),
      /1abc|Burst Buffer request invalid/,
    ],
    ['a persistent name of 300 characters', persistent(`name=${'a'.repeat(300)} capacity=1TB`), /name/],
  ]
  for (const [what, directive, told] of cases) {
    it(`refuses ${what}`, async () => {
      expect(await slurm.refusalOf('alice', directive)).to.match(told)
    })
  }

  it('refuses root', async () => {
    const { code, stderr } = await slurm.sbatch('root', job('capacity=1TB'))
    expect(code).to.not.equal(0)
    expect(stderr).to.match(/Burst Buffer|permission/i)
  })

  it('leaves nothing behind', async () => {
    await slurm.untilClean()
    expect(await keysBelow(lab, 'buffers/')).to.deep.equal([])
    expect(await keysBelow(lab, 'sessions/')).to.deep.equal([])
  })
})
