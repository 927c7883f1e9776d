import { expect } from 'chai'
import { setTimeout as pause } from 'node:timers/promises'
import { until } from '../../lab/until.js'
import { expectNothingLost, labTestMs, useFaultsLab } from '../support/faultsLab.js'
import { must } from '../support/invariants.js'
import { shim, SlurmAt } from '../support/slurm.js'

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

describe('slurmctld restarted again and again while jobs stage in', function () {
  this.timeout(labTestMs)
  const lab = useFaultsLab()
  const slurm = new SlurmAt(lab)

  it('strands none of them', async () => {
    const line = '#DW jobdw type=scratch access_mode=striped capacity=1TB'
    const jobs = await Promise.all(Array.from({ length: 10 }, () => slurm.submit('bob', line)))
    await until({ what: 'buffers are made' }, async () =>
      /BurstBufferState=staging-in/.test((await lab.exec('head', ['scontrol', 'show', 'job', '--oneliner'])).stdout),
    )
    for (let restarts = 0; restarts < 4; restarts++) {
      await lab.stopService('head', 'slurmctld', 'TERM')
      await lab.startService('head', 'slurmctld')
      await pause(3_000)
    }
    await Promise.all(jobs.map((job) => slurm.untilCompleted(job)))
    await expectNothingLost(lab)
  })
})

describe('a pool that is full although Slurm takes it to be free', function () {
  this.timeout(labTestMs)
  const lab = useFaultsLab()
  const slurm = new SlurmAt(lab)
  const bbctl = (words: string) => must(lab, 'head', `node /opt/burstbuffer/dist/cli/bbctl.js ${words}`)

  it('keeps a setup waiting, and lets it go on when there is room', async () => {
    const { free } = await slurm.untilSystem('the pool is known', ({ free }) => free !== '0')
    // Slurm looks at the pool twice a minute: for a while it does not know of this buffer.
    await bbctl(`create behind --capacity ${free} --user alice`)
    const job = await slurm.submit('bob', '#DW jobdw type=scratch access_mode=striped capacity=1TB', 'sleep 1')
    await slurm.untilJob(job, /BurstBufferState=staging-in/)
    await bbctl('destroy behind')
    await slurm.untilCompleted(job)
    await expectNothingLost(lab)
  })
})

describe('a job array whose tasks slurmctld makes no folder and no script for, as that of Slurm 24.11 to 26.11', function () {
  this.timeout(labTestMs)
  const lab = useFaultsLab()
  const slurm = new SlurmAt(lab)
  const conf = '/etc/slurm/burst_buffer.conf'
  const wrapper = '/etc/slurm/without-folders'
  const useShim = (path: string) => must(lab, 'head', `sed -i 's,^GetSysState=.*,GetSysState=${path},' ${conf}`)
  const restart = async () => {
    await lab.stopService('head', 'slurmctld', 'TERM')
    await lab.startService('head', 'slurmctld')
  }

  before(async () => {
    // Takes what slurmctld has made for a task away when setup is called; the last task is the array itself.
    const lines = [
      '#!/bin/bash',
      'if [[ "$2" == setup || "$*" == *"--function setup"* ]]; then',
      '  token=$(sed -n "s/.*--token \\([0-9]*\\).*/\\1/p" <<<"$*")',
      '  folder=/var/spool/slurmctld/hash.$((token % 10))/job.$token',
      '  grep -qx "$token" /etc/slurm/arrays || rm -rf "$folder"',
      'fi',
      `exec -a dw_wlm_cli ${shim} "$@"`,
      '',
    ]
    const input = lines.join('\n')
    await lab.exec('head', ['sh', '-c', `cat >${wrapper} && chmod 755 ${wrapper}`], { input })
    await useShim(wrapper)
    await restart()
  })
  after(async () => {
    await useShim(shim)
    await restart()
  })

  for (const [what, name] of [
    ['of a script as it is', 'plain'],
    ['of a script with % symbols, which is in memory alone', '%A_%a'],
  ]) {
    it(`runs every task ${what}`, async () => {
      const out = `/home/alice/split-${name}`
      const array = await slurm.submit(
        'alice',
        '#SBATCH --array=1-3 --hold',
        '#DW jobdw type=scratch access_mode=striped capacity=1TB',
        `#DW stage_out type=file source=$DW_JOB_STRIPED/out destination=${out}`,
        'echo "$SLURM_ARRAY_TASK_ID" >$DW_JOB_STRIPED/out',
      )
      await must(lab, 'head', `echo ${array} >>/etc/slurm/arrays`)
      await lab.exec('head', ['scontrol', 'release', array])
      for (const task of [1, 2, 3]) await slurm.untilCompleted(`${array}_${task}`)
      const files = name === 'plain' ? [out] : [1, 2, 3].map((task) => `/home/alice/split-${array}_${task}`)
      const read = () => must(lab, 'head', `cat ${files.join(' ')}`)
      const wanted = name === 'plain' ? /^[123]$/ : /^1\n2\n3$/
      await until({ what: `the tasks' files`, seen: read }, async () => wanted.test(await read()))
      await expectNothingLost(lab)
    })
  }
})

describe('scancel', function () {
  this.timeout(labTestMs)
  const lab = useFaultsLab()
  const slurm = new SlurmAt(lab)
  const user = 'alice'
  const jobdw = '#DW jobdw type=scratch access_mode=striped capacity=1TB'
  const stageOut = (to: string) => `#DW stage_out type=file source=$DW_JOB_STRIPED/out destination=/home/alice/${to}`
  const write = 'echo ran >$DW_JOB_STRIPED/out'
  const scancel = (...words: string[]) => lab.exec('head', ['scancel', ...words], { user })
  const home = () => must(lab, 'head', 'ls /home/alice')
  const buffers = () => must(lab, 'head', 'node /opt/burstbuffer/dist/cli/bbctl.js --json buffers')
  const untilGone = (job: string) =>
    until({ what: `the buffer of ${job} is gone`, seen: buffers }, async () => {
      return !(await buffers()).includes(`"name":"${job}"`)
    })

  it('ends a running job, whose results are staged out; with --hurry they are given up', async () => {
    const jobs = ['kept', 'given-up'].map((to) => slurm.submit(user, jobdw, stageOut(`${to}-%j`), write, 'sleep 600'))
    const [kept, givenUp] = await Promise.all(jobs)
    for (const job of [kept!, givenUp!]) {
      await slurm.untilJob(job, /JobState=RUNNING/)
      const written = `cat /mnt/burstbuffer/${job}.*/striped/out 2>/dev/null`
      await until({ what: `${job} has written` }, async () => {
        const all = await Promise.all(['c1', 'c2'].map((host) => lab.exec(host, ['sh', '-c', written])))
        return all.some(({ stdout }) => stdout === 'ran\n')
      })
    }
    await scancel(kept!)
    await scancel('--hurry', givenUp!)
    for (const job of [kept!, givenUp!]) {
      await untilGone(job)
      await slurm.untilJob(job, /JobState=CANCELLED/)
    }
    const left = await home()
    expect(left).to.contain(`kept-${kept}`)
    expect(left).not.to.contain('given-up')
  })

  it('does not end a stage-out, but does with --hurry', async () => {
    await lab.exec('head', ['sh', '-c', 'mkdir -p locked && chmod 500 locked'], { user })
    const job = await slurm.submit(user, jobdw, stageOut('locked/out'), write)
    await slurm.untilJob(job, /JobState=STAGE_OUT Reason=.*Permission_denied/)
    await scancel(job)
    // Slurm has heard of it by the time that another job has come and gone.
    await slurm.untilCompleted(await slurm.submit('bob', 'true'))
    expect(await slurm.job(job)).to.contain('JobState=STAGE_OUT')
    expect(await buffers()).to.contain(`"name":"${job}"`)
    await scancel('--hurry', job)
    await untilGone(job)
    await expectNothingLost(lab)
  })
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
