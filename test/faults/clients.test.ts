import { expect } from 'chai'
import { until } from '../../lab/common/until.js'
import { enduring, expectNothingLost, labTestMs, useFaultsLab } from '../support/faultsLab.js'
import { must } from '../support/invariants.js'
import { SlurmAt } from '../support/slurm.js'

describe('a client of GlusterFS that hangs and dies under a job', function () {
  this.timeout(labTestMs)
  let job: string
  let target: string
  let client: string
  const lab = useFaultsLab({
    before: async () => {
      const lines = ['#SBATCH --nodelist=c1', `#DW persistentdw name=${enduring}`]
      job = await slurm.submit('alice', ...lines, 'sleep 600')
      await slurm.untilJob(job, /JobState=RUNNING/)
      target = await must(lab, 'c1', `findmnt -n -t fuse.glusterfs -o TARGET | grep '/persistent/${enduring}$'`)
      client = await must(lab, 'c1', `pgrep -f 'glusterfs .*volfile-id=/?${enduring} .*${target}'`)
    },
    after: async () => {
      await lab.exec('head', ['scancel', job])
      await slurm.untilJob(job, /JobState=CANCELLED/)
    },
  })
  const slurm = new SlurmAt(lab)
  const reads = async () => (await lab.exec('c1', ['timeout', '5', 'test', '-s', `${target}/before`])).code === 0

  it('hangs: another job on its node has its buffer as ever', async () => {
    expect(await reads(), 'before').to.equal(true)
    await must(lab, 'c1', `kill -STOP ${client}`)
    // The kernel answers from what it knows for a moment.
    await until({ what: 'the buffer hangs' }, async () => !(await reads()))
    const beside = ['#SBATCH --nodelist=c1', '#DW jobdw type=scratch access_mode=striped capacity=1TB']
    const other = await slurm.submit('bob', ...beside, 'echo x >$DW_JOB_STRIPED/x && grep -q x $DW_JOB_STRIPED/x')
    await slurm.untilCompleted(other)
  })

  it('is killed: the buffer is mounted again at its place, and holds what it held', async () => {
    await must(lab, 'c1', `kill -9 ${client}`)
    const seen = async () => (await lab.exec('c1', ['ls', target])).stderr
    await until({ what: 'the buffer can be read', deadlineMs: 120_000, seen }, reads)
    expect(await must(lab, 'c1', `findmnt -n -t fuse.glusterfs -o TARGET | grep '/persistent/${enduring}$'`)).to.equal(
      target,
    )
    expect(await slurm.job(job)).to.contain('JobState=RUNNING')
    await expectNothingLost(lab)
  })
})
