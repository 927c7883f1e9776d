import { expect } from 'chai'
import { until } from '../../lab/common/until.js'
import { labTestMs, useLab } from '../support/lab.js'
import { SlurmAt } from '../support/slurm.js'
import { canMount } from '../support/tryMount.js'

const jobdw = (access: string) => `#DW jobdw type=scratch access_mode=${access} capacity=2TB`

describe('a job of two nodes with private and striped access', function () {
  this.timeout(labTestMs)
  let job: string
  const lab = useLab({
    before: async () => {
      const lines = ['#SBATCH --nodes=2 --ntasks-per-node=1']
      const body = ['hostname >$DW_JOB_PRIVATE/mine', 'hostname >${DW_JOB_STRIPED}from-$(hostname)', 'sleep 600']
      job = await slurm.submit('alice', ...lines, jobdw('striped,private'), `srun bash -c '${body.join(' && ')}'`)
      await slurm.untilJob(job, /JobState=RUNNING/)
    },
    after: async () => {
      await lab.exec('head', ['scancel', job])
      await slurm.untilClean()
    },
  })
  const slurm = new SlurmAt(lab)

  it('has one namespace for both nodes and one for each', async () => {
    for (const node of ['c1', 'c2']) {
      const path = await mountedOn(node)
      const seen = await lab.exec(
        node,
        [
          'sh',
          '-c',
          `until [ -e striped/from-c1 -a -e striped/from-c2 -a -e private/mine ]; do sleep 0.2; done; ls striped; cat private/mine`,
        ],
        { user: 'alice', cwd: path, timeoutMs: 60_000 },
      )
      expect(seen.stdout.trim().split('\n')).to.deep.equal(['from-c1', 'from-c2', node])
    }
  })

  it('keeps other users out of both', async () => {
    const path = await mountedOn('c1')
    for (const view of ['striped', 'private']) {
      const { code } = await lab.exec('c1', ['ls', `${path}/${view}`], { user: 'bob' })
      expect(code, view).to.not.equal(0)
    }
  })

  it('shows nobody who may enter it the client’s graph, which may hold a password: there is no .meta', async () => {
    const path = await mountedOn('c1')
    for (const view of ['striped', 'private']) {
      const meta = `${path}/${view}/.meta`
      for (const user of ['alice', 'root']) {
        const { code, stdout, stderr } = await lab.exec('c1', ['ls', meta, `${meta}/graphs/active`], { user })
        expect({ code, stdout }, `${user}, ${view}`).to.deep.equal({ code: 2, stdout: '' })
        expect(stderr.match(/No such file or directory/g), `${user}, ${view}`).to.have.length(2)
      }
    }
  })

  it('lets a node mount what is its own, and neither another’s namespace nor the whole', async () => {
    const tried = (directory: string) => canMount(lab, 'c1', `gluster1:/${job}${directory}`)
    expect(await tried('/private/c1')).to.equal(true)
    expect(await tried('/private/c2')).to.equal(false)
    expect(await tried('')).to.equal(false)
  })

  async function mountedOn(node: string): Promise<string> {
    const { stdout } = await lab.exec(node, [
      'findmnt',
      '--noheadings',
      '--types',
      'fuse.glusterfs',
      '--output',
      'TARGET',
    ])
    const striped = stdout.split('\n').find((target) => target.trim().endsWith('/striped'))
    return striped!.trim().replace(/\/striped$/, '')
  }
})

describe('a job on one node', function () {
  this.timeout(labTestMs)
  const lab = useLab({ after: () => slurm.untilClean() })
  const slurm = new SlurmAt(lab)

  it('has a buffer that another node cannot mount', async () => {
    const job = await slurm.submit('alice', '#SBATCH --nodelist=c2', jobdw('striped'), 'sleep 600')
    await slurm.untilJob(job, /JobState=RUNNING/)
    expect(await canMount(lab, 'c1', `gluster1:/${job}`)).to.equal(false)
    await lab.exec('head', ['scancel', job])
  })
})

describe('a compute node that is lost', function () {
  this.timeout(labTestMs)
  const lab = useLab({
    before: () => slurm.createPersistent('alice', 'fenced', '1TB'),
    after: async () => {
      await slurm.destroyPersistent('alice', 'fenced')
      await slurm.untilClean()
    },
  })
  const slurm = new SlurmAt(lab)
  const target = `$(findmnt -n -t fuse.glusterfs -o TARGET | grep fenced)`
  const writes = async () =>
    (await lab.exec('c1', ['sh', '-c', `timeout 20 sh -c "echo x >${target}/note"`], { user: 'alice' })).code === 0
  const allowed = async () =>
    (await lab.exec('gluster1', ['gluster', 'volume', 'get', 'fenced', 'auth.allow'])).stdout.includes('c1')

  it('keeps its buffer while its job runs, and is cut off from it when Slurm has ended the job', async () => {
    const job = await slurm.submit('alice', '#SBATCH --nodelist=c1', '#DW persistentdw name=fenced', 'sleep 600')
    await slurm.untilJob(job, /JobState=RUNNING/)
    await lab.stopService('c1', 'agent', 'KILL')
    const isLost = async () =>
      (await lab.exec('head', ['etcdctl', 'get', '--keys-only', '/burstbuffer/hosts/c1'])).stdout.trim() === ''
    await until({ what: 'c1 is lost', deadlineMs: 60_000 }, async () => (await isLost()) || undefined)
    expect(await writes()).to.equal(true)
    expect(await allowed()).to.equal(true)

    await lab.exec('head', ['scancel', job])
    await until({ what: 'c1 is let in no more', deadlineMs: 90_000 }, async () => !(await allowed()) || undefined)
    expect(await writes()).to.equal(false)

    await lab.startService('c1', 'agent')
    const mounts = async () => (await lab.exec('c1', ['findmnt', '-n', '-t', 'fuse.glusterfs'])).stdout
    await until({ what: 'c1 has let go of it', deadlineMs: 60_000, seen: mounts }, async () => (await mounts()) === '')
  })
})
