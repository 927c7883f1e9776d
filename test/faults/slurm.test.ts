import { expect } from 'chai'
import { setTimeout as pause } from 'node:timers/promises'
import { until } from '../../lab/common/until.js'
import type { BufferDetail, StatusView } from '../../src/model/api.js'
import { expectNothingLost, labTestMs, useFaultsLab } from '../support/faultsLab.js'
import { must } from '../support/invariants.js'
import { shim, SlurmAt } from '../support/slurm.js'

describe('slurmctld restarted over a job', function () {
  this.timeout(labTestMs)
  const lab = useFaultsLab()
  const slurm = new SlurmAt(lab)
  const goOn = '/home/bob/go-on'
  let job: string

  before(async () => {
    const lines = ['#SBATCH --hold', '#DW jobdw type=scratch access_mode=striped capacity=2TB']
    const wait = `until [ -e ${goOn} ]; do sleep 0.2; done`
    job = await slurm.submit('bob', ...lines, `cd $DW_JOB_STRIPED && echo kept >x && ${wait}; grep -q kept x`)
    await lab.exec('head', ['scontrol', 'release', job])
  })

  it('while it is staging-in', async () => {
    await untilPhase('staging-in')
    await restart('TERM')
  })

  it('while it is running', async () => {
    await untilPhase('running')
    await restart('TERM')
  })

  // Something of root's keeps what each phase waits for busy, so that it lasts until slurmctld has been restarted.
  it('while it is post-run, and then teardown', async () => {
    const node = / NodeList=(c\d+) /.exec(await slurm.untilJob(job, /JobState=RUNNING/))![1]!
    const shown = await must(lab, 'head', `node /opt/burstbuffer/dist/cli/bbctl.js --json show ${job}`)
    const [brick] = (JSON.parse(shown) as BufferDetail).brickList
    const leaveMount = await enter(node, `/mnt/burstbuffer/${job}.*/striped`)
    const leaveBrick = await enter(brick!.host, `/data/glusterfs/${brick!.device}`)
    try {
      await lab.exec('head', ['touch', goOn], { user: 'bob' })
      await untilPhase('post-run')
      await restart('TERM')
      await leaveMount()
      await untilPhase('teardown')
      await restart('TERM')
    } finally {
      await leaveMount()
      await leaveBrick()
    }
  })

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

  const untilPhase = (phase: string) => slurm.untilJob(job, new RegExp(`BurstBufferState=${phase}`))

  async function restart(signal: 'TERM' | 'KILL'): Promise<void> {
    await lab.stopService('head', 'slurmctld', signal)
    await lab.startService('head', 'slurmctld')
  }

  /** A process of root's in that directory, until it is called back. */
  async function enter(host: string, directory: string): Promise<() => Promise<void>> {
    const stay = `cd ${directory} && { sleep 3600 </dev/null >/dev/null 2>&1 & echo $!; }`
    let pid: string | undefined = (await must(lab, host, stay)).trim()
    return async () => {
      if (pid !== undefined) await lab.exec(host, ['kill', pid])
      pid = undefined
    }
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

  it('strands none whose setup has made nothing yet, because etcd is away', async () => {
    await lab.stopService('head', 'etcd', 'TERM')
    const job = await slurm.submit('bob', '#DW jobdw type=scratch access_mode=striped capacity=1TB')
    const shown = async () => {
      const words = ['/opt/burstbuffer/dist/bin/dw_wlm_cli', '--function', 'show_sessions']
      return (await lab.exec('head', words)).stdout
    }
    await until({ what: 'its setup waits', seen: shown }, async () => (await shown()).includes(`"token":"${job}"`))
    await lab.stopService('head', 'slurmctld', 'TERM')
    await lab.startService('head', 'slurmctld')
    await lab.startService('head', 'etcd')
    await slurm.untilCompleted(job)
    await expectNothingLost(lab)
  })
})

describe('a pool that is full although Slurm takes it to be free', function () {
  this.timeout(labTestMs)
  const lab = useFaultsLab()
  const slurm = new SlurmAt(lab)
  const bbctl = (words: string) => must(lab, 'head', `node /opt/burstbuffer/dist/cli/bbctl.js ${words}`)

  it('keeps a setup waiting, and lets it go on when there is room', async () => {
    await slurm.untilSystem('the pool is known', ({ free }) => free !== '0')
    const { pools } = JSON.parse(await bbctl('--json status')) as StatusView
    const lines = ['#SBATCH --hold', '#DW jobdw type=scratch access_mode=striped capacity=1TB']
    const job = await slurm.submit('bob', ...lines, 'sleep 1')
    // Slurm looks at the pool twice a minute: for a while it does not know of this buffer.
    await bbctl(`create behind --capacity ${pools[0]!.freeBytes / 1e12}TB --user alice --no-wait`)
    await lab.exec('head', ['scontrol', 'release', job])
    const explain = () => bbctl(`explain ${job}`)
    await until({ what: 'its setup waits', seen: explain }, async () =>
      (await explain()).includes('its setup waits until 1 TB of pool'),
    )
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
    await slurm.untilJob(job, / Priority=0 .*SystemComment=.*given\/input.* cannot be read by you: permission denied/)
    await lab.exec('head', ['sh', '-c', 'chmod 600 given/input'], { user })
    await lab.exec('head', ['scontrol', 'release', job])
    await slurm.untilCompleted(job)
    await expectNothingLost(lab)
  })
})
