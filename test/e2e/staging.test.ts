import { expect } from 'chai'
import { until } from '../../lab/common/until.js'
import { transfersChanged } from '../../src/cli/messages.js'
import { labTestMs, useLab } from '../support/lab.js'
import { SlurmAt } from '../support/slurm.js'
import { canMount } from '../support/tryMount.js'

const jobdw = '#DW jobdw type=scratch access_mode=striped capacity=1TB'

describe('staging', function () {
  this.timeout(labTestMs)
  const lab = useLab({
    before: () => as('alice', 'mkdir -p many && truncate --size=8G many/large && seq 3000 | (cd many && xargs touch)'),
    after: () => slurm.untilClean(),
  })
  const slurm = new SlurmAt(lab)
  const as = async (user: string, command: string) => {
    const { code, stdout, stderr } = await lab.exec('head', ['bash', '-c', command], { user })
    if (code !== 0) throw new Error(`${command}: ${stderr}`)
    return stdout
  }
  const bbctl = (...words: string[]) => lab.exec('head', ['node', '/opt/burstbuffer/dist/cli/bbctl.js', ...words])
  const shown = async (job: string) => (await bbctl('show', job)).stdout

  const stageMany = '#DW stage_in type=directory source=/home/alice/many destination=$DW_JOB_STRIPED/many'

  it('brings a file, a tree and a list in, and a tree and a list out, as they were', async () => {
    // Only those who are in a group beside their first one may read it.
    await lab.exec('head', ['sh', '-c', 'cd /home && install -d -g project -m 750 project && echo ours >project/ours'])
    await as(
      'alice',
      'mkdir -p in/tree/sub && echo one >in/one && cp /etc/services in/tree/sub && ln -s sub/services in/tree/link',
    )
    await as(
      'alice',
      'ln in/tree/sub/services in/tree/hard && truncate -s 200M in/tree/sparse && chmod 750 in/tree/sub',
    )
    await as('alice', 'cd in/tree/sub && setfattr -n user.colour -v red services && setfacl -m u:bob:rw services')
    await as('alice', "touch -d '2001-02-03 04:05:06' in/tree/sub/services in/tree/sub")
    await as(
      'alice',
      `echo "$HOME/in/one \\$DW_JOB_STRIPED/listed/one" >in/list && for file in ran tree/hard; do
        echo "\\$DW_JOB_STRIPED/$file $HOME/list-out/$file"; done >in/list-out`,
    )
    const job = await slurm.submit(
      'alice',
      jobdw,
      '#DW stage_in type=file source=/home/alice/in/one destination=$DW_JOB_STRIPED/one',
      '#DW stage_in type=file source=/home/project/ours destination=$DW_JOB_STRIPED/ours',
      '#DW stage_in type=directory source=/home/alice/in/tree destination=$DW_JOB_STRIPED/tree verify=checksum',
      '#DW stage_in type=list source=/home/alice/in/list',
      '#DW stage_out type=directory source=$DW_JOB_STRIPED/ destination=/home/alice/out-%j verify=checksum',
      '#DW stage_out type=list source=/home/alice/in/list-out',
      'cmp "$DW_JOB_STRIPED/one" "$DW_JOB_STRIPED/listed/one" && echo ran >"$DW_JOB_STRIPED/ran"',
      'stat -c %b "$DW_JOB_STRIPED/tree/sparse" >"$DW_JOB_STRIPED/blocks"',
    )
    await slurm.untilCompleted(job)
    await slurm.untilClean()
    const out = await as(
      'alice',
      `cd out-${job} && diff -r --no-dereference tree ~/in/tree && cat ran one listed/one ours && readlink tree/link && stat -c %h tree/hard && find . -name ".burst*"`,
    )
    expect(out).to.equal('ran\none\none\nours\nsub/services\n2\n')
    const looks = 'cd tree && getfattr -d sub/services && getfacl -n sub/services && stat -c "%a %y" sub sub/services'
    expect(await as('alice', `cd out-${job} && ${looks}`))
      .to.equal(await as('alice', `cd in && ${looks}`))
      .and.to.include('user.colour="red"')
      .and.to.include('user:20002:rw-')
    const blocks = (await as('alice', `cat out-${job}/blocks && stat -c %b out-${job}/tree/sparse`)).trim().split('\n')
    expect(Math.max(...blocks.map(Number))).to.be.lessThan(2048)
    expect(await as('alice', 'cd list-out && cmp tree/hard ~/in/tree/hard && cat ran')).to.equal('ran\n')
    await lab.exec('head', ['rm', '-r', '/home/project'])
  })

  it('puts each task of a job array at a place of its own', async () => {
    const job = await slurm.submit(
      'bob',
      '#SBATCH --array=1-2',
      jobdw,
      '#DW stage_out type=file source=$DW_JOB_STRIPED/id destination=/home/bob/array/%A_%a',
      'echo "$SLURM_ARRAY_TASK_ID" >"$DW_JOB_STRIPED/id"',
    )
    await until({ what: 'both tasks are staged out', deadlineMs: 180_000 }, async () =>
      (await lab.exec('head', ['squeue', '--noheader', '--user=bob'])).stdout === '' ? true : undefined,
    )
    expect(await as('bob', `cat array/${job}_1 array/${job}_2`)).to.equal('1\n2\n')
  })

  it('fails a job whose source is not there, with the reason in its comment, and gives its disks back', async () => {
    const job = await slurm.submit(
      'alice',
      jobdw,
      '#DW stage_in type=file source=/home/alice/none destination=$DW_JOB_STRIPED/none',
    )
    const told = await slurm.untilJob(job, /SystemComment=.*stage-in 1 failed/)
    expect(told).to.match(/home\/alice\/none.*No such file/)
    await slurm.untilClean()
    await lab.exec('head', ['scancel', job])
  })

  it('lists what could not be copied beside the output of the job, and shows it to operators', async () => {
    await as('alice', 'mkdir -p partly logs && touch partly/a partly/secret && chmod 0 partly/secret')
    const job = await slurm.submit(
      'alice',
      '#SBATCH --output=/home/alice/logs/%j.out',
      jobdw,
      '#DW stage_in type=directory source=/home/alice/partly destination=$DW_JOB_STRIPED/partly',
    )
    await slurm.untilJob(job, /SystemComment=.*stage-in 1 failed.*secret.*Permission denied/)
    const report = await as('alice', `cat logs/burstbuffer-${job}-stage-in-1.failed`)
    expect(report).to.match(/1 files copied, 1 failed\.\n.*secret.*Permission denied/)
    await slurm.untilClean()
    await lab.exec('head', ['scancel', job])
  })

  it('reads nothing that the user may not read, and writes nowhere that the user may not write', async () => {
    await as('alice', 'echo secret >secret && chmod 600 secret && chmod 711 .')
    const stolen = await slurm.submit(
      'bob',
      jobdw,
      '#DW stage_in type=file source=/home/alice/secret destination=$DW_JOB_STRIPED/secret',
      'cp "$DW_JOB_STRIPED/secret" ~/stolen',
    )
    await slurm.untilJob(stolen, /SystemComment=.*cannot be read by you: permission denied/)
    await lab.exec('head', ['scancel', stolen])
    const planted = await slurm.submit(
      'bob',
      jobdw,
      '#DW stage_out type=file source=$DW_JOB_STRIPED/x destination=/home/alice/planted',
      'echo x >"$DW_JOB_STRIPED/x"',
    )
    await slurm.untilJob(planted, /SystemComment=.*stage-out 1 of job.*[Pp]ermission denied/)
    await lab.exec('head', ['bash', '-c', `test ! -e /home/alice/planted && test ! -e /home/bob/stolen`])
    await bbctl('transfer', 'drop', planted)
    await slurm.untilClean()
    await as('alice', 'chmod 700 .')
  })

  it('keeps the data of a stage-out that failed, until it was retried', async () => {
    await as('alice', 'mkdir -p locked && chmod 500 locked')
    const job = await slurm.submit(
      'alice',
      jobdw,
      '#DW stage_out type=file source=$DW_JOB_STRIPED/kept destination=/home/alice/locked/kept',
      'echo kept >"$DW_JOB_STRIPED/kept"',
    )
    await slurm.untilJob(job, /SystemComment=.*bbctl transfer retry/)
    expect(await shown(job)).to.match(/stage-out 1 +failed/)
    await as('alice', 'chmod 700 locked')
    expect((await bbctl('transfer', 'retry', job)).stdout).to.equal(`${transfersChanged('retry', 1, job)}\n`)
    await slurm.untilCompleted(job)
    await slurm.untilClean()
    expect(await as('alice', 'cat locked/kept')).to.equal('kept\n')
  })

  it('gives the data up when an operator drops it', async () => {
    await as('alice', 'chmod 500 locked')
    const job = await slurm.submit(
      'alice',
      jobdw,
      '#DW stage_out type=file source=$DW_JOB_STRIPED/lost destination=/home/alice/locked/lost',
      'echo lost >"$DW_JOB_STRIPED/lost"',
    )
    await slurm.untilJob(job, /SystemComment=.*bbctl transfer drop/)
    expect((await bbctl('destroy', job)).stderr).to.contain('bbctl transfer drop')
    expect((await bbctl('transfer', 'drop', job)).stdout).to.equal(`${transfersChanged('drop', 1, job)}\n`)
    await slurm.untilClean()
    await as('alice', 'chmod 700 locked && test ! -e locked/lost')
  })

  it('tells how far it is, and ends when an operator cancels it', async () => {
    const job = await slurm.submit('alice', jobdw, stageMany)
    type View = { state: string; totalFiles: number; totalBytes: number; bytesPerSecond: number; secondsLeft: number }
    const view = async () => {
      const { transfers } = JSON.parse((await bbctl('show', job, '--json')).stdout) as { transfers: View[] }
      return transfers[0]!
    }
    const told = await until(
      { what: `job ${job} copies at a rate`, deadlineMs: 180_000, seen: () => shown(job) },
      async () => {
        const now = await view()
        return now.bytesPerSecond > 0 && now.secondsLeft >= 0 ? now : undefined
      },
    )
    expect(told).to.deep.include({ state: 'copying', totalFiles: 3001, totalBytes: 8 * 1024 ** 3 })
    const watch = `timeout 20 node /opt/burstbuffer/dist/cli/bbctl.js watch ${job} | grep -m 1 'found 3001 files, 8.59 GB'`
    expect((await lab.exec('head', ['sh', '-c', watch])).code, 'the watch tells of it').to.equal(0)
    expect((await bbctl('transfer', 'cancel', job)).stdout).to.equal(`${transfersChanged('cancel', 1, job)}\n`)
    await slurm.untilJob(job, /SystemComment=.*stage-in 1 failed.*cancelled by root/)
    await lab.exec('head', ['scancel', job])
    await slurm.untilClean()
  })

  describe('of a job of two nodes, privately', () => {
    const privately = [
      '#SBATCH --nodes=2 --ntasks-per-node=1',
      '#DW jobdw type=scratch access_mode=private capacity=2TB',
    ]

    it('gives each node a copy of its own, which it may change, and gathers them by node', async () => {
      await as('alice', 'mkdir -p model/sub && echo start >model/state && cp /etc/services model/sub')
      const body = [
        'cd "$DW_JOB_PRIVATE"',
        'cmp model/sub/services /etc/services',
        'echo "$(hostname)" >>model/state',
        'while [ ! -e "$HOME/looked" ]; do sleep 0.2; done',
      ]
      const job = await slurm.submit(
        'alice',
        ...privately,
        '#DW stage_in type=directory source=/home/alice/model destination=$DW_JOB_PRIVATE/model',
        '#DW stage_out type=directory source=$DW_JOB_PRIVATE/model destination=/home/alice/models-%j verify=checksum',
        '#DW stage_out type=file source=$DW_JOB_PRIVATE/model/state destination=/home/alice/states/%j',
        `srun bash -ec '${body.join(' && ')}'`,
      )
      await slurm.untilJob(job, /JobState=RUNNING/)
      const mounted = (directory: string) => canMount(lab, 'c1', `gluster1:/${job}${directory}`)
      expect(await mounted('/private/c1')).to.equal(true)
      expect(await mounted('/template')).to.equal(false)
      await as('alice', 'touch looked')
      await slurm.untilCompleted(job)
      await slurm.untilClean()
      const out = await as(
        'alice',
        `cd models-${job} && ls -A && cat c1/state c2/state && cmp c1/sub/services c2/sub/services && cat ~/states/c2/${job}`,
      )
      expect(out).to.equal('c1\nc2\nstart\nc1\nstart\nc2\nstart\nc2\n')
    })

    it('keeps what a node has, when another has no such file, and says which', async () => {
      const job = await slurm.submit(
        'alice',
        ...privately,
        '#DW stage_out type=file source=$DW_JOB_PRIVATE/only destination=/home/alice/only/%j',
        `srun bash -ec 'if [ "$(hostname)" = c1 ]; then echo one >"$DW_JOB_PRIVATE/only"; fi'`,
      )
      const told = await slurm.untilJob(job, /SystemComment=.*bbctl transfer drop/)
      expect(told).to.match(/node c2: .*No such file/)
      expect(await as('alice', `cat only/c1/${job}`)).to.equal('one\n')
      await bbctl('transfer', 'drop', job)
      await slurm.untilClean()
    })
  })

  it('ends at once when its job is cancelled, on the way in and on the way out', async () => {
    const lines = {
      in: [stageMany],
      out: [
        '#DW stage_out type=directory source=$DW_JOB_STRIPED/many destination=/home/alice/cancelled',
        'mkdir "$DW_JOB_STRIPED/many" && cd "$DW_JOB_STRIPED/many" && seq 3000 | xargs touch',
      ],
    }
    for (const [direction, script] of Object.entries(lines)) {
      const job = await slurm.submit('alice', jobdw, ...script)
      await until({ what: `job ${job} stages ${direction}`, deadlineMs: 180_000 }, async () =>
        /stage-(in|out) 1 +(plan|copy|finish)/.test(await shown(job)) ? true : undefined,
      )
      await lab.exec('head', ['scancel', job], { user: 'alice' })
      await slurm.untilClean()
    }
    for (const host of ['gluster1', 'gluster2', 'gluster3']) {
      const { stdout } = await lab.exec(host, ['sh', '-c', 'grep transfer /proc/mounts; ps -e -o comm= | grep rsync'])
      expect(stdout, host).to.equal('')
    }
  })
})
