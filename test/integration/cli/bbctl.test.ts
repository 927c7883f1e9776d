import { expect } from 'chai'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../../lab/common/until.js'
import { systemClock } from '../../../src/daemon/clock.js'
import * as messages from '../../../src/cli/messages.js'
import { silentLog } from '../../../src/daemon/log.js'
import type { BufferDetail, BufferView, DeviceView, StatusView } from '../../../src/model/api.js'
import { schedulerConfig } from '../../../src/scheduler/config.js'
import { notEnoughFree } from '../../../src/scheduler/placement/messages.js'
import { startCluster } from '../../../src/standalone/cluster.js'
import { FakeEtcd } from '../../../src/store/fake.js'
import { runProgram } from '../../support/program.js'

/** bbctl as its users run it, on a cluster of simulated hosts: what it prints, and how it exits. */
describe('bbctl', function () {
  this.timeout(120_000)
  const directory = mkdtempSync(join(tmpdir(), 'burstbuffer-bbctl-'))
  const socket = join(directory, 'scheduler.sock')
  let cluster: Awaited<ReturnType<typeof startCluster>>

  const etcd = new FakeEtcd()

  before(async () => {
    cluster = await startCluster({
      shape: { pool: 'fast', granularityBytes: 1e12, storage: { gluster1: 2, gluster2: 2 }, computeHosts: 1 },
      faults: [],
      config: schedulerConfig.parse({
        cluster: 'test',
        host: 'head',
        etcd: { endpoints: ['http://memory:1'], insecure: true },
        socket,
        pools: { fast: { granularity: '1TB' } },
        storageHosts: ['gluster?'],
      }),
      openStore: () => etcd.open(),
      clock: systemClock,
      log: silentLog,
    })
    await until({ what: 'four devices are free' }, async () => {
      const { stdout } = await bbctl('--json', 'devices')
      return (JSON.parse(stdout) as DeviceView[]).filter(({ availability }) => availability === 'free').length === 4
    })
  })
  after(async () => {
    await cluster?.stop()
    // One of a week would keep the process alive.
    etcd.forgetLeases()
    rmSync(directory, { recursive: true })
  })

  function bbctl(...words: string[]) {
    return runProgram('src/cli/bbctl.ts', words, { BURSTBUFFER_SOCKET: socket, NO_COLOR: '1' })
  }

  async function told<T>(...words: string[]): Promise<T> {
    const { code, stdout, stderr } = await bbctl('--json', ...words)
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' })
    return JSON.parse(stdout) as T
  }

  /** Lines of a table, each as its words. */
  const table = (text: string) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/\s{2,}/))

  it('makes a buffer, waits until it is ready, and shows it in a table and as JSON', async () => {
    const made = await bbctl('create', 'mybuffer', '--capacity', '2TB', '--user', '1001')
    expect(made).to.include({ code: 0, stdout: `${messages.bufferReady('mybuffer')}\n` })
    const { stdout } = await bbctl('buffers')
    const [head, row] = table(stdout)
    expect(head).to.deep.equal(['NAME', 'KIND', 'USER', 'POOL', 'SIZE', 'BRICKS', 'PHASE', 'CREATED', 'WAITING FOR'])
    expect(row!.slice(0, 7)).to.deep.equal(['mybuffer', 'persistent', '1001', 'fast', '2TB', '2', 'ready'])
    const [view] = await told<BufferView[]>('buffers')
    expect(view).to.include({ name: 'mybuffer', kind: 'persistent', uid: 1001, sizeBytes: 2e12, phase: 'ready' })
  })

  it('shows the cluster on one screen', async () => {
    const { code, stdout } = await bbctl('status')
    expect(code).to.equal(0)
    const leads = messages.schedulerRole({ host: 'head', leads: true, leader: 'head', etcd: 'connected' })
    expect(stdout.split('\n')[0]).to.equal(`scheduler  head, ${leads}, etcd connected`)
    expect(stdout).to.match(/\nhosts {6}3 alive, 0 lost\nbuffers {4}1 ready\netcd {7}.* in use\n/)
    expect(table(stdout)).to.deep.include(['fast (default)', '1TB', '4TB', '2TB', '2TB', '0', '0'])
    expect(await told<StatusView>('status')).to.deep.include({ hosts: { alive: 3, lost: [], cordoned: [] } })
  })

  it('shows one buffer with its bricks on different hosts and its story', async () => {
    const { stdout } = await bbctl('show', 'mybuffer')
    expect(stdout)
      .to.match(/^name {7}mybuffer$/m)
      .and.match(/^phase {6}ready$/m)
    expect(stdout)
      .to.match(/^gluster1 {2}nvme\dn1 {2}ready {2}-$/m)
      .and.match(/^gluster2 {2}nvme\dn1 {2}ready {2}-$/m)
    expect(stdout).to.match(/^\S+T\S+ {2}placed on gluster\d\/nvme\dn1, gluster\d\/nvme\dn1$/m)
    const { timeline } = await told<BufferDetail>('show', 'mybuffer')
    expect(timeline.at(-1)!.text).to.equal('ready')
  })

  it('cordons a device with a reason, shows both, and opens it again', async () => {
    const [free] = (await told<DeviceView[]>('devices')).filter(({ availability }) => availability === 'free')
    const place = `${free!.host}/${free!.device}`
    expect((await bbctl('cordon', place, '--reason', 'it smells')).stdout).to.equal(`${messages.cordoned(place)}\n`)
    const { stdout } = await bbctl('devices')
    const row = table(stdout).find(([host, device]) => `${host}/${device}` === place)
    expect(row).to.include('cordoned')
    expect(stdout).to.contain('it smells')
    expect((await bbctl('uncordon', place)).stdout).to.equal(`${messages.uncordoned(place)}\n`)
    expect((await bbctl('uncordon', place)).stdout).to.equal(`${messages.notCordoned(place)}\n`)
  })

  it('exits with 1 and one line when it is refused, and says what is meant', async () => {
    const missing = await bbctl('show', 'mybufer')
    expect(missing).to.include({ code: 1, stdout: '' })
    expect(missing.stderr)
      .to.match(/^bbctl: .*mybufer.*\n$/)
      .and.contain(messages.withSuggestions('', ['mybuffer']))
    const small = await bbctl('create', 'huge', '--capacity', '9TB', '--user', '1001')
    expect(small).to.deep.include({ code: 1, stdout: '' })
    expect(small.stderr).to.equal(`bbctl: ${notEnoughFree('fast', '2 TB', '9 TB')}\n`)
    const decimals = await bbctl('create', 'half', '--capacity', '3.5TB', '--user', '1001')
    expect(decimals.code).to.equal(1)
    expect(decimals.stderr).to.match(/^bbctl: .*3\.5TB.*\n$/)
  })

  it('exits with 2 when the command line is wrong, and names what comes near', async () => {
    const near = await bbctl('statsu')
    expect(near).to.include({ code: 2, stdout: '' })
    expect(near.stderr).to.contain('Did you mean status?').and.contain(messages.seeHelp(''))
    const unknown = await bbctl('buffers', '--jsno')
    expect(unknown.code).to.equal(2)
    expect(unknown.stderr).to.contain('jsno')
    expect((await bbctl('cordon', 'gluster1')).code, 'a cordon without a reason').to.equal(2)
    expect((await bbctl()).code, 'no command').to.equal(2)
  })

  it('says in one line that there is no scheduler, and exits with 1', async () => {
    const nobody = join(directory, 'nobody.sock')
    const { code, stderr } = await bbctl('--socket', nobody, 'status')
    expect({ code, stderr }).to.deep.equal({ code: 1, stderr: `bbctl: ${messages.schedulerUnreachable(nobody)}\n` })
  })

  it('completes commands, buffers and places, and stays silent without a scheduler', async () => {
    const complete = async (...words: string[]) =>
      (await bbctl('--get-yargs-completions', 'bbctl', ...words)).stdout.trimEnd().split('\n')
    expect((await complete('')).join(' '))
      .to.contain('status')
      .and.contain('uncordon')
    expect(await complete('show', '')).to.deep.equal(['mybuffer'])
    expect(await complete('cordon', '')).to.include.members(['gluster1', 'gluster1/nvme1n1', 'gluster2'])
    expect(await complete('show', '--')).to.include('--json')
    const nobody = { BURSTBUFFER_SOCKET: join(directory, 'nobody.sock') }
    const silent = await runProgram('src/cli/bbctl.ts', ['--get-yargs-completions', 'bbctl', 'show', ''], nobody)
    expect({ ...silent, stdout: silent.stdout.trim() }).to.deep.equal({ code: 0, stdout: '', stderr: '' })
    const script = await bbctl('completion')
    expect(script.code).to.equal(0)
    expect(script.stdout).to.contain('--get-yargs-completions')
  })

  it('removes a buffer and waits until it is gone', async () => {
    const { code, stdout } = await bbctl('destroy', 'mybuffer')
    expect({ code, stdout }).to.deep.equal({ code: 0, stdout: `${messages.bufferGone('mybuffer')}\n` })
    expect(await told<BufferView[]>('buffers')).to.deep.equal([])
    expect((await bbctl('destroy', 'mybuffer')).code).to.equal(1)
  })
})
