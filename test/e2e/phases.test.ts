import { expect } from 'chai'
import { until } from '../../lab/common/until.js'
import { keysBelow } from '../support/bricks.js'
import { labTestMs, useLab } from '../support/lab.js'
import { SlurmAt } from '../support/slurm.js'

const jobdw = '#DW jobdw type=scratch access_mode=striped capacity=1TB'

describe('a job with a buffer', function () {
  this.timeout(labTestMs)
  const lab = useLab({ after: () => slurm.untilClean() })
  const slurm = new SlurmAt(lab)
  const cancel = (job: string) => lab.exec('head', ['scancel', job], { user: 'alice' })
  const buffersOf = (job: string) => keysBelow(lab, `buffers/${job}`)

  it('has none while it is held, and one when it is released', async () => {
    const job = await slurm.submit('alice', '#SBATCH --hold', jobdw, 'test -w "$DW_JOB_STRIPED"')
    await slurm.untilJob(job, /Reason=JobHeldUser/)
    expect(await buffersOf(job)).to.deep.equal([])
    await lab.exec('head', ['scontrol', 'release', job])
    await slurm.untilCompleted(job)
    await slurm.untilClean()
  })

  it('leaves nothing when it is cancelled before its buffer is begun', async () => {
    const job = await slurm.submit('alice', '#SBATCH --hold', jobdw)
    await cancel(job)
    await slurm.untilJob(job, /JobState=CANCELLED/)
    await slurm.untilClean()
    expect(await buffersOf(job)).to.deep.equal([])
  })

  it('leaves nothing when it is cancelled while its buffer is made', async () => {
    const job = await slurm.submit('alice', jobdw, 'sleep 600')
    await until({ what: 'the buffer is placed' }, async () => (await buffersOf(job)).length > 0)
    await cancel(job)
    await slurm.untilJob(job, /JobState=CANCELLED/)
    await slurm.untilClean()
    expect(await buffersOf(job)).to.deep.equal([])
  })

  it('has all that its script asks for behind blank lines', async () => {
    const out = '#DW stage_out type=file source=$DW_JOB_STRIPED/r destination=/home/alice/behind-%j'
    const job = await slurm.submit('alice', '', jobdw, '', out, 'echo precious >"$DW_JOB_STRIPED/r"')
    await slurm.untilCompleted(job)
    await slurm.untilClean()
    const { stdout } = await lab.exec('head', ['cat', `/home/alice/behind-${job}`], { user: 'alice' })
    expect(stdout).to.equal('precious\n')
  })

  it('gets it through srun', async () => {
    const argv = [
      'srun',
      '--bb=capacity=1TB',
      'sh',
      '-c',
      'echo written >"${DW_JOB_STRIPED}note" && cat "$DW_JOB_STRIPED/note"',
    ]
    const { code, stdout } = await lab.exec('head', argv, { user: 'alice' })
    expect({ code, stdout }).to.deep.equal({ code: 0, stdout: 'written\n' })
    await slurm.untilClean()
  })

  it('gets it through salloc, in every step', async () => {
    const steps = `srun sh -c 'echo first >$DW_JOB_STRIPED/note' && srun sh -c 'cat $DW_JOB_STRIPED/note'`
    const { code, stdout } = await lab.exec('head', ['salloc', '--bb=capacity=1TB', 'sh', '-c', steps], {
      user: 'alice',
    })
    expect({ code, stdout }).to.deep.equal({ code: 0, stdout: 'first\n' })
    await slurm.untilClean()
  })
})

describe('a job that fills its buffer', function () {
  this.timeout(labTestMs)
  const lab = useLab({ after: () => slurm.untilClean() })
  const slurm = new SlurmAt(lab)

  it('is told that no space is left, and disturbs no other job on its node', async () => {
    const beside = ['#SBATCH --nodelist=c1', jobdw]
    const other = await slurm.submit('bob', ...beside, 'sleep 600')
    await slurm.untilJob(other, /JobState=RUNNING/)
    const fill = [
      'exec >~/full.out 2>&1',
      'cd $DW_JOB_STRIPED',
      'fallocate -l 900G a',
      'fallocate -l 200G b',
      'fallocate -l 90G c',
      'echo x >d',
    ]
    const job = await slurm.submit('alice', ...beside, ...fill, 'echo "the script goes on"')
    await slurm.untilCompleted(job)
    const said = (await lab.exec('head', ['cat', 'full.out'], { user: 'alice' })).stdout
    expect(said).to.match(/No space left on device[\s\S]*No space left on device[\s\S]*the script goes on/)
    const write = `d=$(findmnt -n -t fuse.glusterfs -o TARGET | grep '/${other}[.]'); echo y >$d/note && cat $d/note`
    expect((await lab.exec('c1', ['sh', '-c', write], { user: 'bob' })).stdout).to.equal('y\n')
    await slurm.untilSystem('one buffer is left', ({ buffers }) => buffers.length === 1)
    await lab.exec('head', ['scancel', other])
  })
})
