import { expect } from 'chai'
import { existsSync, readFileSync } from 'node:fs'
import { until } from '../../lab/common/until.js'
import { untilDevice } from '../support/bricks.js'
import { labTestMs, useLab } from '../support/lab.js'
import { SlurmAt } from '../support/slurm.js'

describe('the cluster in containers', function () {
  this.timeout(labTestMs)
  const cluster = useLab({ after: () => slurm.untilClean() })
  const slurm = new SlurmAt(cluster)

  it('runs a job with a buffer while a member of etcd is off', async () => {
    await cluster.kill('etcd1')
    const line = '#DW jobdw type=scratch access_mode=striped capacity=2TB'
    const job = await slurm.submit('alice', line, 'echo x >"$DW_JOB_STRIPED/x"')
    expect(await slurm.untilJob(job, /JobState=(COMPLETED|FAILED)/)).to.include('JobState=COMPLETED')
    await cluster.start('etcd1')
  })

  it('gives the loop devices of a killed host back, and has the same disks when it is started', async () => {
    const host = 'gluster3'
    const loops = await loopsOf(host)
    const attached = () => loops.map(diskOf).filter((file) => file.startsWith(`/disks/${host}/`))
    expect(attached()).to.have.lengthOf(6)
    await cluster.exec(host, ['sh', '-c', 'echo kept >/var/lib/kept; echo gone >/run/gone'])
    await cluster.kill(host)
    expect(attached()).to.deep.equal([])
    await cluster.start(host)
    expect((await cluster.exec(host, ['cat', '/var/lib/kept', '/run/gone'])).stdout).to.equal('kept\n')
    const { sizeBytes } = await untilDevice(cluster, host, 'nvme6n1', 'blank')
    expect(sizeBytes).to.equal(10 ** 12)
  })

  it('reaches etcd with TLS, and is not let in without a certificate', async () => {
    expect((await cluster.exec('head', ['bbctl', 'status'])).stdout)
      .to.include('etcd connected')
      .and.not.to.include('TLS')
    const keysWith = async (env: Record<string, string>) => {
      const argv = ['etcdctl', '--command-timeout=3s', 'get', '--prefix', '--keys-only', '/burstbuffer/leader']
      return (await cluster.exec('c1', argv, { env })).stdout.trim()
    }
    const nothing = { ETCDCTL_CERT: '', ETCDCTL_KEY: '' }
    expect(await keysWith({})).to.equal('/burstbuffer/leader')
    expect(await keysWith(nothing)).to.equal('')
    expect(await keysWith({ ...nothing, ETCDCTL_CACERT: '', ETCDCTL_ENDPOINTS: 'http://etcd2:2379' })).to.equal('')
    const key = await cluster.exec('c1', ['cat', '/etc/burstbuffer/host-key.pem'], { user: 'alice' })
    expect(key.code).to.not.equal(0)
  })

  it('lets root become a user', async () => {
    expect((await cluster.exec('head', ['su', '-', 'alice', '-c', 'id -un; pwd'])).stdout).to.equal(
      'alice\n/home/alice\n',
    )
  })

  it('does not reach a host whose cable is pulled', async () => {
    const reach = ['timeout', '3', 'bash', '-c', '</dev/tcp/c2/6818']
    const reached = async () => (await cluster.exec('head', reach)).code === 0
    expect(await reached()).to.equal(true)
    await cluster.cut('c2')
    expect(await reached()).to.equal(false)
    await cluster.heal('c2')
    await until({ what: 'c2 is reached again' }, reached)
    const idle = async () => (await cluster.exec('head', ['sinfo', '-h', '-N', '-n', 'c2', '-o', '%T'])).stdout.trim()
    await until({ what: 'c2 is idle', seen: idle, deadlineMs: 120_000 }, async () => (await idle()) === 'idle')
  })

  /** Numbers of the loop devices that are the host's disks. */
  async function loopsOf(host: string): Promise<string[]> {
    const { stdout } = await cluster.exec(host, ['sh', '-c', 'stat -c %Lr /dev/nvme*n1'])
    return stdout.trim().split('\n')
  }
})

/** The file of a loop device, as the kernel of all names it. */
function diskOf(loop: string): string {
  const file = `/sys/block/loop${loop}/loop/backing_file`
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : ''
}
