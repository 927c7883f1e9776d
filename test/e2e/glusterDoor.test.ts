import { expect } from 'chai'
import { readFileSync } from 'node:fs'
import { until } from '../../lab/common/until.js'
import { labTestMs, useLab } from '../support/lab.js'
import { SlurmAt } from '../support/slurm.js'

const secret = 'what only alice may read'
const attack = (name: string) => readFileSync(`test/fixtures/attack/${name}`, 'utf8')

describe('a user on a node without the job', function () {
  this.timeout(labTestMs)
  let job: string
  let brick: { host: string; path: string }
  const lab = useLab({
    before: async () => {
      const put = `umask 077 && mkdir $DW_JOB_STRIPED/own && echo "${secret}" >$DW_JOB_STRIPED/own/secret && sleep 600`
      const jobdw = '#DW jobdw type=scratch access_mode=striped capacity=1TB'
      job = await slurm.submit('alice', '#SBATCH --nodelist=c2', jobdw, put)
      await slurm.untilJob(job, /JobState=RUNNING/)
      const info = await lab.exec('gluster1', ['gluster', 'volume', 'info', job])
      const [, host, path] = /^Brick1: ([^:]+):(.*)$/m.exec(info.stdout)!
      brick = { host: host!, path: path! }
      const file = `${brick.path}/own/secret`
      const there = async () => (await lab.exec(brick.host, ['cat', file])).stdout.includes(secret)
      await until({ what: 'the secret is written' }, there)
      await lab.exec('c1', ['sh', '-c', 'cat >/tmp/getspec.mjs'], { input: attack('getspec.js') })
      await lab.exec('c1', ['sh', '-c', 'cat >/tmp/gfapi.py'], { input: attack('gfapi.py') })
    },
    after: async () => {
      await lab.exec('head', ['scancel', job])
      await slurm.untilClean()
    },
  })
  const slurm = new SlurmAt(lab)

  const asBob = (argv: string[], input?: string) =>
    lab.exec('c1', ['timeout', '30', ...argv], { user: 'bob', ...(input === undefined ? {} : { input }) })
  /** The brick's own volfile, which holds its password. */
  const getspec = () =>
    asBob([
      process.execPath,
      '/tmp/getspec.mjs',
      brick.host,
      `${job}.${brick.host}.${brick.path.slice(1).replaceAll('/', '-')}`,
    ])
  const askGlusterd = () => asBob(['gluster', `--remote-host=${brick.host}`, 'volume', 'info', job])
  /** By GlusterFS's own library, straight at the brick, with the password and alice's number. */
  const readWithLibrary = () => asBob(['python3', '/tmp/gfapi.py', '/tmp/brick.vol', '/own/secret', '20001'])

  /** What a client needs, of what the brick's own volfile says. */
  async function writeVolfile(spec: string): Promise<void> {
    const [, user, password] = /auth\.login\.(\S+)\.password (\S+)/.exec(spec)!
    const status = await lab.exec(brick.host, ['gluster', 'volume', 'status', job, '--xml'])
    const port = /<port>([0-9]+)<\/port>/.exec(status.stdout)![1]!
    const options = {
      'remote-host': brick.host,
      'remote-port': port,
      'remote-subvolume': brick.path,
      username: user!,
      password: password!,
    }
    const lines = Object.entries(options).map(([name, value]) => `option ${name} ${value}`)
    await asBob(
      ['tee', '/tmp/brick.vol'],
      ['volume brick', 'type protocol/client', ...lines, 'end-volume', ''].join('\n'),
    )
  }
  const hasFilter = async () => (await lab.exec('c1', ['nft', 'list', 'table', 'inet', 'burstbuffer'])).code === 0

  it('would be told the brick’s password by GlusterFS, and read with it, were it not for the packet filter', async () => {
    await lab.stopService('c1', 'agent', 'KILL')
    await lab.exec('c1', ['nft', 'delete', 'table', 'inet', 'burstbuffer'])
    const { stdout: spec, stderr } = await getspec()
    expect(spec, stderr).to.contain('.password ')
    expect((await askGlusterd()).stdout).to.contain(brick.path)
    await writeVolfile(spec)
    const read = await readWithLibrary()
    expect(read.stdout, read.stderr).to.equal(`${secret}\n`)
  })

  it('gets nothing: neither by the management port, nor by a client written by hand, nor by libgfapi', async () => {
    await lab.startService('c1', 'agent')
    await until({ what: 'the packet filter is there' }, hasFilter)
    expect(await getspec()).to.include({ stdout: '', code: 3 })
    expect((await askGlusterd()).stdout).to.not.contain(brick.path)
    // It has kept the password, and knows the port.
    const read = await readWithLibrary()
    expect(read.stdout).to.equal('')
    expect(read.code, read.stderr).to.not.equal(0)
  })

  it('finds the packet filter there again when somebody has removed it', async () => {
    await lab.exec('c1', ['nft', 'delete', 'table', 'inet', 'burstbuffer'])
    await until({ what: 'the packet filter is back' }, hasFilter)
  })
})
