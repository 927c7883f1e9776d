import { expect } from 'chai'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { until } from '../../../lab/common/until.js'
import { filterTable, PacketFilter } from '../../../src/agent/host/dataplane/glusterd/packetFilter.js'
import { type Run, type RunResult, runCommand } from '../../../src/agent/host/exec/run.js'
import { silentLog } from '../../../src/daemon/log.js'
import { HandClock } from '../../support/handClock.js'

const nobody = 65534

/** In a network of its own: the machine's packet filters are never touched. */
describe('the packet filter of a compute node (root, nftables)', function () {
  this.timeout(30_000)
  let network: ChildProcess
  let within: Run
  let problems: (string | undefined)[]
  let clock: HandClock
  let filter: PacketFilter

  before(async function () {
    if (process.getuid?.() !== 0) this.skip()
    network = spawn('unshare', [
      '--net',
      'sh',
      '-c',
      'ip link set lo up && ip address add 127.0.0.2/8 dev lo && echo up && exec sleep 1000',
    ])
    await once(network.stdout!, 'data')
    // The shell itself: unshare has become it.
    within = (argv, options) => runCommand(['nsenter', '--net', '--target', String(network.pid), ...argv], options)
    const { code } = await within(['nft', 'list', 'tables'], { timeoutMs: 5_000 }).catch(() => ({ code: 1 }))
    if (code !== 0) this.skip()
  })
  after(() => network?.kill('SIGKILL'))

  const make = (parts: { enabled?: boolean; storageHosts?: string[]; run?: Run } = {}) => {
    problems = []
    clock = new HandClock()
    const ownBrickPorts = { first: 29_000, last: 29_999 }
    const options = { enabled: true, storageHosts: [], ownBrickPorts, run: within, clock, log: silentLog, ...parts }
    filter = new PacketFilter({ ...options, onProblem: (problem) => problems.push(problem) })
    return filter.start()
  }
  afterEach(async () => {
    filter?.close()
    await within(['nft', 'delete', 'table', 'inet', filterTable], { timeoutMs: 5_000 })
  })

  const nft = (...words: string[]): Promise<RunResult> => within(['nft', ...words], { timeoutMs: 5_000 })
  const table = async () => (await nft('list', 'table', 'inet', filterTable)).stdout
  /** Whether a process of that user gets through to where nobody listens: then the kernel itself refuses, also at once. */
  async function connects(uid: number, address: string, port: number): Promise<boolean> {
    const server = `require('node:net').createServer().listen(${port}, '${address}', () => console.log('listens'))`
    const listening = spawn('nsenter', ['--net', '--target', String(network.pid), process.execPath, '-e', server])
    await once(listening.stdout, 'data')
    const client = `require('node:net').connect(${port}, '${address}').on('connect', () => process.exit(0)).on('error', () => process.exit(3))`
    const as = [
      'setpriv',
      `--reuid=${uid}`,
      `--regid=${uid}`,
      '--clear-groups',
      process.execPath,
      '-e',
      client,
    ] as const
    const { code } = await within(as, { timeoutMs: 10_000 })
    listening.kill('SIGKILL')
    await once(listening, 'exit')
    return code === 0
  }

  it('lets only root connect to the management port of anybody, and to the brick ports of storage hosts', async () => {
    expect(await connects(nobody, '127.0.0.1', 24007), 'before').to.equal(true)
    await make({ storageHosts: ['127.0.0.2'] })
    expect(problems).to.deep.equal([])
    for (const [address, port] of [
      ['127.0.0.1', 24007],
      ['127.0.0.2', 24007],
      ['127.0.0.2', 29000],
      ['127.0.0.2', 29999],
      ['127.0.0.2', 49152],
      ['127.0.0.2', 60999],
    ] as const) {
      expect(await connects(nobody, address, port), `nobody, ${address}:${port}`).to.equal(false)
      expect(await connects(0, address, port), `root, ${address}:${port}`).to.equal(true)
    }
    expect(await connects(nobody, '127.0.0.1', 49152), 'what is no storage host').to.equal(true)
    expect(await connects(nobody, '127.0.0.2', 8080), 'another port').to.equal(true)
  })

  it('learns storage hosts from mounts, by name too', async () => {
    await make()
    await filter.learn({ hosts: ['localhost'], ports: [] })
    expect(await table()).to.contain('127.0.0.1')
    expect(await connects(nobody, '127.0.0.1', 49152)).to.equal(false)
  })

  it('learns ports of bricks from mounts, also those that lie beside or within a range that it has', async () => {
    await make({ storageHosts: ['127.0.0.0/30'] })
    for (const port of [30_000, 31_000]) expect(await connects(nobody, '127.0.0.2', port), 'before').to.equal(true)
    await filter.learn({ hosts: ['127.0.0.2'], ports: [29_500, 30_000, 31_000, 50_000] })
    expect(problems).to.deep.equal([])
    for (const port of [29_500, 30_000, 31_000]) {
      expect(await connects(nobody, '127.0.0.2', port), `nobody, ${port}`).to.equal(false)
      expect(await connects(0, '127.0.0.2', port), `root, ${port}`).to.equal(true)
    }
    expect(await connects(nobody, '127.0.0.2', 30_001), 'another port').to.equal(true)
  })

  it('says which name it does not find, and filters by the others', async () => {
    await make({ storageHosts: ['127.0.0.2', 'no-such-host.invalid'] })
    expect(problems.join()).to.contain('no-such-host.invalid')
    expect(await table()).to.contain('127.0.0.2')
  })

  it('is put back when somebody removes it, or a rule of it', async () => {
    await make({ storageHosts: ['127.0.0.2'] })
    const whole = await table()
    for (const change of [
      ['delete', 'table', 'inet', filterTable],
      ['flush', 'chain', 'inet', filterTable, 'output'],
      ['flush', 'set', 'inet', filterTable, 'storage4'],
      ['flush', 'set', 'inet', filterTable, 'brick_ports'],
    ]) {
      expect((await nft(...change)).code).to.equal(0)
      // A look that is under way has planned none yet.
      await until({ what: `it is there again after ${change.join(' ')}` }, async () => {
        clock.advance(10_000)
        return (await table()) === whole
      })
    }
  })

  it('is written once, and not again while it is as it should be', async () => {
    let written = 0
    const counting: Run = (argv, options) => {
      if (argv.includes('-f')) written++
      return within(argv, options)
    }
    await make({ storageHosts: ['127.0.0.2'], run: counting })
    await filter.learn({ hosts: ['127.0.0.2'], ports: [29_001] })
    clock.advance(10_000)
    await filter.learn({ hosts: ['127.0.0.1'], ports: [] })
    expect(written).to.equal(2)
    await make({ storageHosts: ['127.0.0.2'], run: counting })
    expect((await table()).match(/chain output/g)).to.have.length(1)
  })

  it('touches no other table, and goes when the setting is off', async () => {
    await nft('add', 'table', 'inet', 'sites_own')
    await make()
    filter.close()
    await make({ enabled: false })
    expect((await nft('list', 'tables')).stdout.trim()).to.equal('table inet sites_own')
    expect(problems).to.deep.equal([])
    await nft('delete', 'table', 'inet', 'sites_own')
  })

  it('says that buffers are open where nft cannot be run, and nothing where the setting is off', async () => {
    const missing: Run = (argv, options) => runCommand(['no-such-nft', ...argv.slice(1)], options)
    await make({ run: missing })
    expect(problems).to.have.length(1)
    expect(problems.join()).to.match(/any user of this host can read and write buffers.*no-such-nft/)
    await make({ enabled: false, run: missing })
    expect(problems).to.deep.equal([])
  })
})
