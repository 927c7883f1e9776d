import { expect } from 'chai'
import { until } from '../../lab/until.js'
import { labTestMs, useLab } from '../support/lab.js'
import { SlurmAt } from '../support/slurm.js'

const jobdw = '#DW jobdw type=scratch access_mode=striped capacity=1TB'

describe('staging', function () {
  this.timeout(labTestMs)
  const lab = useLab({ after: () => slurm.untilClean() })
  const slurm = new SlurmAt(lab)
  const as = async (user: string, command: string) => {
    const { code, stdout, stderr } = await lab.exec('head', ['bash', '-c', command], { user })
    if (code !== 0) throw new Error(`${command}: ${stderr}`)
    return stdout
  }
  const bbctl = (...words: string[]) => lab.exec('head', ['node', '/opt/burstbuffer/dist/cli/bbctl.js', ...words])
  const shown = async (job: string) => (await bbctl('show', job)).stdout

  it('brings a file, a tree and a list in, and a tree out, as they were', async () => {
    await as(
      'alice',
      'mkdir -p in/tree/sub && echo one >in/one && cp /etc/services in/tree/sub && ln -s sub/services in/tree/link',
    )
    await as(
      'alice',
      'ln in/tree/sub/services in/tree/hard; printf "%s\\n" "$HOME/in/one \\$DW_JOB_STRIPED/listed/one" >in/list',
    )
    const job = await slurm.submit(
      'alice',
      jobdw,
      '#DW stage_in type=file source=/home/alice/in/one destination=$DW_JOB_STRIPED/one',
      '#DW stage_in type=directory source=/home/alice/in/tree destination=$DW_JOB_STRIPED/tree verify=checksum',
      '#DW stage_in type=list source=/home/alice/in/list',
      '#DW stage_out type=directory source=$DW_JOB_STRIPED/ destination=/home/alice/out-%j verify=checksum',
      'cmp "$DW_JOB_STRIPED/one" "$DW_JOB_STRIPED/listed/one" && echo ran >"$DW_JOB_STRIPED/ran"',
    )
    await slurm.untilCompleted(job)
    await slurm.untilClean()
    const out = await as(
      'alice',
      `cd out-${job} && diff -r --no-dereference tree ~/in/tree && cat ran one listed/one && readlink tree/link && stat -c %h tree/hard && find . -name ".burst*"`,
    )
    expect(out).to.equal('ran\none\none\nsub/services\n2\n')
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

  it('reads nothing that the user may not read, and writes nowhere that the user may not write', async () => {
    await as('alice', 'echo secret >secret && chmod 600 secret && chmod 711 .')
    const stolen = await slurm.submit(
      'bob',
      jobdw,
      '#DW stage_in type=file source=/home/alice/secret destination=$DW_JOB_STRIPED/secret',
      'cp "$DW_JOB_STRIPED/secret" ~/stolen',
    )
    await slurm.untilJob(stolen, /SystemComment=.*(may not be read|Permission denied)/)
    await lab.exec('head', ['scancel', stolen])
    const planted = await slurm.submit(
      'bob',
      jobdw,
      '#DW stage_out type=file source=$DW_JOB_STRIPED/x destination=/home/alice/planted',
      'echo x >"$DW_JOB_STRIPED/x"',
    )
    await slurm.untilJob(planted, /SystemComment=.*stage-out 1 of job.*Permission denied/)
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
    expect((await bbctl('transfer', 'retry', job)).stdout).to.contain('begun again')
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
    expect((await bbctl('transfer', 'drop', job)).stdout).to.contain('dropped')
    await slurm.untilClean()
    await as('alice', 'chmod 700 locked && test ! -e locked/lost')
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
      const mounted = async (directory: string) => {
        const mount = `mkdir -p /mnt/try && mount -t glusterfs gluster1:/${job}${directory} /mnt/try; findmnt --noheadings /mnt/try && umount /mnt/try`
        return (await lab.exec('c1', ['sh', '-c', mount])).stdout.includes('fuse.glusterfs')
      }
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
    await as('alice', 'mkdir -p many && truncate --size=3G many/large && seq 3000 | (cd many && xargs touch)')
    const lines = {
      in: ['#DW stage_in type=directory source=/home/alice/many destination=$DW_JOB_STRIPED/many'],
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
