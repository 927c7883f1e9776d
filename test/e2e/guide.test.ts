import { expect } from 'chai'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { labTestMs, useLab } from '../support/lab.js'
import { SlurmAt } from '../support/slurm.js'

const guide = readFileSync(resolve(import.meta.dirname, '../../docs/user-guide.md'), 'utf8')
const scripts = [...guide.matchAll(/^```bash\n#!\/bin\/bash\n([\s\S]*?)^```$/gm)].map(([, script]) => script!.trimEnd())

describe('the scripts of the user guide', function () {
  this.timeout(labTestMs)
  const lab = useLab({ after: () => slurm.untilClean() })
  const slurm = new SlurmAt(lab)

  it('are there', () => {
    expect(scripts).to.have.length.greaterThan(4)
  })

  for (const script of scripts) {
    it(`runs the one with ${script.split('\n').find((line) => /^#(DW|BB)/.test(line))}`, async () => {
      const job = await slurm.submit('alice', ...script.split('\n'))
      const ended = await slurm.untilJob(job, /JobState=(COMPLETED|FAILED|CANCELLED)/)
      expect(ended).to.include('JobState=COMPLETED')
    })
  }
})
