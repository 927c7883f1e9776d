import { expect } from 'chai'
import { hostsWith } from '../../lab/common/hosts.js'
import { allSettled } from '../../lab/common/allSettled.js'
import { until } from '../../lab/common/until.js'
import { bricksOf, keysBelow } from '../support/bricks.js'
import { labTestMs, useLab } from '../support/lab.js'
import { SlurmAt } from '../support/slurm.js'

describe('a buffer outlives the programs that made it', function () {
  this.timeout(labTestMs)
  const name = 'enduring'
  const lab = useLab({
    before: () => slurm.createPersistent('alice', name, '3TB'),
    after: async () => {
      await slurm.destroyPersistent('alice', name)
      await slurm.untilClean()
    },
  })
  const slurm = new SlurmAt(lab)

  it('keeps its bricks mounted while an agent is stopped, and as they were when it is back', async () => {
    const bricks = await bricksOf(lab, name)
    expect(bricks.map(({ mounted }) => mounted)).to.deep.equal([true, true, true])
    const { host } = bricks[0]!
    await lab.stopService(host, 'agent')
    expect(await bricksOf(lab, name)).to.deep.equal(bricks)
    await lab.startService(host, 'agent')
    expect(await bricksOf(lab, name)).to.deep.equal(bricks)
  })

  it('can be read and written while etcd is stopped, and keeps its bricks when it is back', async () => {
    const bricks = await bricksOf(lab, name)
    await must('c2', `mkdir -p /mnt/by-hand && mount -t glusterfs gluster1:/${name} /mnt/by-hand`)
    const members = hostsWith('etcd', lab)
    await allSettled(members, ({ name }) => lab.stopService(name, 'etcd', 'KILL'))
    await must('c2', 'echo still here >/mnt/by-hand/note && grep -q "still here" /mnt/by-hand/note')
    await allSettled(members, ({ name }) => lab.startService(name, 'etcd'))
    await until({ what: 'the scheduler answers again', deadlineMs: 120_000 }, async () => {
      return (await lab.exec('head', ['/opt/burstbuffer/dist/bin/dw_wlm_cli', '--function', 'pools'])).code === 0
    })
    await must('c2', 'umount /mnt/by-hand')
    expect(await bricksOf(lab, name)).to.deep.equal(bricks)
  })

  it('has the same disks after a storage host lost its power', async () => {
    const bricks = await bricksOf(lab, name)
    const { host } = bricks.find(({ host }) => host !== 'gluster1')!
    await lab.kill(host)
    await lab.start(host)
    const seen = async () => JSON.stringify(await bricksOf(lab, name))
    await until({ what: `${host} has its brick mounted again`, deadlineMs: 120_000, seen }, async () => {
      return JSON.stringify(await bricksOf(lab, name)) === JSON.stringify(bricks)
    })
    const offline = async () => {
      const { stdout } = await lab.exec('gluster1', ['gluster', '--xml', 'volume', 'status', name])
      return [...stdout.matchAll(/<hostname>gluster\d<\/hostname>[\s\S]*?<status>(\d)<\/status>/g)].map(([, up]) => up)
    }
    const online = ['1', '1', '1'].join()
    await until(
      { what: 'three bricks online', deadlineMs: 120_000, seen: async () => (await offline()).join() },
      async () => {
        return (await offline()).join() === online
      },
    )
  })

  async function must(host: string, command: string): Promise<void> {
    const { code, stdout, stderr } = await lab.exec(host, ['sh', '-c', command])
    expect(code, `${command}: ${stdout}${stderr}`).to.equal(0)
  }
})

describe('work that was broken off is finished or undone', function () {
  this.timeout(labTestMs)
  const lab = useLab({ after: () => slurm.untilClean() })
  const slurm = new SlurmAt(lab)

  it('a buffer whose scheduler is killed while it is made is made once', async () => {
    const job = await slurm.submit(
      'alice',
      '#BB create_persistent name=interrupted capacity=3TB access=striped type=scratch',
    )
    await until({ what: 'the buffer is placed' }, async () => (await keysBelow(lab, 'buffers/interrupted')).length > 0)
    await lab.stopService('head', 'scheduler', 'KILL')
    await lab.startService('head', 'scheduler')
    await until(
      { what: 'the job completes, released when Slurm holds it', deadlineMs: 180_000, seen: () => slurm.job(job) },
      async () => {
        const shown = await slurm.job(job)
        if (/Priority=0 /.test(shown)) await lab.exec('head', ['scontrol', 'release', job])
        return shown.includes('JobState=COMPLETED')
      },
    )
    const { buffers, used } = await slurm.untilSystem('the buffer in Slurm', ({ used }) => used === '3TB')
    expect(buffers.map(({ name, size }) => ({ name, size }))).to.deep.equal([{ name: 'interrupted', size: '3TB' }])
    expect(used).to.equal('3TB')
    expect(await bricksOf(lab, 'interrupted')).to.have.lengthOf(3)
    await slurm.destroyPersistent('alice', 'interrupted')
  })

  it('a cancelled job gives its devices back', async () => {
    const job = await slurm.submit('alice', '#DW jobdw type=scratch access_mode=striped capacity=2TB', 'sleep 600')
    await slurm.untilJob(job, /JobState=RUNNING/)
    await lab.exec('head', ['scancel', job], { user: 'alice' })
    await slurm.untilJob(job, /JobState=CANCELLED/)
    await slurm.untilClean()
  })

  it('a requeued job gets a fresh buffer with its data staged in anew, and gives it back', async () => {
    await lab.exec('head', ['sh', '-c', 'echo staged >again'], { user: 'alice' })
    const lines = [
      '#SBATCH --requeue',
      '#DW jobdw type=scratch access_mode=striped capacity=1TB',
      '#DW stage_in type=file source=/home/alice/again destination=$DW_JOB_STRIPED/again',
    ]
    const body = `[ "$SLURM_RESTART_COUNT" = 1 ] && [ "$(cd $DW_JOB_STRIPED && cat *)" = staged ] && exit 0
      echo first >$DW_JOB_STRIPED/first; sleep 600`
    const job = await slurm.submit('alice', ...lines, body)
    await slurm.untilJob(job, /JobState=RUNNING/)
    await lab.exec('head', ['scontrol', 'requeue', job])
    // Slurm holds a requeued job back for two minutes, lest the same node takes it at once, and says so when its node has let it go.
    await slurm.untilJob(job, /JobState=PENDING Reason=BeginTime/)
    await lab.exec('head', ['scontrol', 'update', `JobId=${job}`, 'StartTime=now'])
    await slurm.untilCompleted(job)
    await slurm.untilClean()
  })
})
