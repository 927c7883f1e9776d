import { until } from '../../lab/until.js'
import { expectNothingLost, labTestMs, useFaultsLab } from '../support/faultsLab.js'
import { must } from '../support/invariants.js'
import { SlurmAt } from '../support/slurm.js'

describe('slurmctld restarted over a job', function () {
  this.timeout(labTestMs)
  const lab = useFaultsLab()
  const slurm = new SlurmAt(lab)
  const phases = ['staging-in', 'running', 'post-run', 'teardown']
  let job: string

  before(async () => {
    const lines = ['#SBATCH --hold', '#DW jobdw type=scratch access_mode=striped capacity=2TB']
    job = await slurm.submit('bob', ...lines, 'cd $DW_JOB_STRIPED && echo kept >x && sleep 8 && grep -q kept x')
    await lab.exec('head', ['scontrol', 'release', job])
  })

  for (const phase of phases) {
    it(`while it is ${phase}`, async function () {
      const shown = await slurm.untilJob(job, new RegExp(`BurstBufferState=${phase}|JobState=COMPLETED`))
      // On a busy machine a phase of a second or two may be over before it is seen: skipped, and counted so.
      if (!shown.includes(`BurstBufferState=${phase}`)) this.skip()
      await restart('TERM')
    })
  }

  it('the job ran to its end and left nothing', async () => {
    await slurm.untilCompleted(job)
    await expectNothingLost(lab)
  })

  it('killed, once it has written down that there is a job: the job is run', async () => {
    const state = '/var/spool/slurmctld/job_state'
    const saved = () => must(lab, 'head', `stat -c %Y.%i ${state} 2>/dev/null || true`)
    const before = await saved()
    const killed = await slurm.submit('bob', '#DW jobdw type=scratch access_mode=striped capacity=1TB', 'sleep 1')
    await until({ what: 'the state of Slurm is saved', seen: saved }, async () => (await saved()) !== before)
    await restart('KILL')
    await slurm.untilCompleted(killed)
    await expectNothingLost(lab)
  })

  async function restart(signal: 'TERM' | 'KILL'): Promise<void> {
    await lab.stopService('head', 'slurmctld', signal)
    await lab.startService('head', 'slurmctld')
  }
})

describe('a job whose setup failed', function () {
  this.timeout(labTestMs)
  const lab = useFaultsLab()
  const slurm = new SlurmAt(lab)
  const user = 'alice'

  it('is held with the reason, and set up anew when it is released', async () => {
    // Where the scheduler can see it, and before sbatch knows whose job it will be.
    const give = 'mkdir -p given && echo kept >given/input && chmod 711 . given && chmod 000 given/input'
    await lab.exec('head', ['sh', '-c', give], { user })
    const job = await slurm.submit(
      user,
      '#DW jobdw type=scratch access_mode=striped capacity=1TB',
      '#DW stage_in type=file source=/home/alice/given/input destination=$DW_JOB_STRIPED/input',
      'grep -q kept $DW_JOB_STRIPED/input',
    )
    await slurm.untilJob(job, / Priority=0 .*SystemComment=.*given\/input.* may not be read by you/)
    await lab.exec('head', ['sh', '-c', 'chmod 600 given/input'], { user })
    await lab.exec('head', ['scontrol', 'release', job])
    await slurm.untilCompleted(job)
    await expectNothingLost(lab)
  })
})
