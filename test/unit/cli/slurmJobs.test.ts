import { expect } from 'chai'
import * as messages from '../../../src/cli/messages.js'
import { explainJob, parseSlurmJobs, strandedJobs } from '../../../src/cli/slurmJobs.js'

const line = (id: number, state: string, reason: string, burstBuffer: string, comment = '') =>
  [
    `JobId=${id} JobName=sbatch UserId=alice(20001) GroupId=alice(20001) MCS_label=N/A Priority=1 Nice=0 Account=(null) QOS=(null)`,
    `JobState=${state} Reason=${reason} Dependency=(null) Requeue=1 Restarts=0 BatchFlag=1 Reboot=0 ExitCode=0:0`,
    `Command=(null) WorkDir=/home/alice StdErr=/dev/null StdIn=/dev/null StdOut=/dev/null`,
    ...(comment === '' ? [] : [`SystemComment=${comment}\n\n${comment}\n `]),
    'BurstBuffer=#DW jobdw type=scratch access_mode=striped capacity=1TB',
    `\n#DW stage_out type=file source=$DW_JOB_STRIPED/out destination=/home/alice/out BurstBufferState=${burstBuffer}`,
    'Power=',
  ].join(' ')
const shown = [
  line(5, 'PENDING', 'BurstBufferResources', 'teardown'),
  line(6, 'PENDING', 'BurstBufferResources', 'teardown'),
  line(7, 'COMPLETED', 'None', 'teardown'),
  line(8, 'PENDING', 'BurstBufferResources', 'pending'),
  line(9, 'PENDING', 'JobHeldAdmin', 'pending', 'setup: pool fast has 0 bytes free, but 1 TB was requested'),
  'JobId=10 JobName=x JobState=PENDING Reason=Resources Dependency=(null) Power=',
  '',
].join('\n')
const pools = [
  {
    pool: 'fast',
    default: true,
    granularityBytes: 1e12,
    totalBytes: 20e12,
    usedBytes: 0,
    freeBytes: 3e12,
    cordonedBytes: 0,
    lostBytes: 0,
  },
]

describe("Slurm's jobs", () => {
  const jobs = parseSlurmJobs(shown)
  const job = (id: string) => jobs.find((job) => job.id === id)!

  it('are read with what concerns their buffer, also those that have none', () => {
    expect(jobs.map(({ id, burstBufferState }) => [id, burstBufferState])).to.deep.equal([
      ['5', 'teardown'],
      ['6', 'teardown'],
      ['7', 'teardown'],
      ['8', 'pending'],
      ['9', 'pending'],
      ['10', ''],
    ])
    expect(job('9')).to.include({
      reason: 'JobHeldAdmin',
      comment: 'setup: pool fast has 0 bytes free, but 1 TB was requested',
    })
  })

  it('are named when Slurm will never start them: torn down for ever, and no session is there', () => {
    const found = strandedJobs(jobs, new Set(['6', '8']))
    expect(found).to.deep.equal([{ ...messages.stranded('5'), safe: false }])
    expect(found[0]!.remedy).to.contain('scancel 5')
  })

  it('are explained while Slurm has not asked for their buffer: the pool by its sizes', () => {
    expect(explainJob(job('8'), false, pools)).to.deep.equal([
      messages.jobInSlurm('8', 'PENDING', 'BurstBufferResources', 'pending'),
      messages.notRequestedYet(),
      messages.poolSizes(pools[0]!),
    ])
    expect(messages.poolSizes(pools[0]!)).to.contain('20TB').and.contain('3TB')
    expect(explainJob(job('8'), true, pools)).to.have.length(1)
  })

  it('are explained by what Slurm was told, and by what it will never do', () => {
    expect(explainJob(job('9'), false, pools)[1]).to.equal(
      messages.commentInSlurm('setup: pool fast has 0 bytes free, but 1 TB was requested'),
    )
    expect(explainJob(job('5'), false, pools).at(-1)).to.equal(messages.neverStarted('5'))
    expect(explainJob(job('7'), false, pools)).to.have.length(1)
  })
})
