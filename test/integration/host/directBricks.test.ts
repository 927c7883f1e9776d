import { expect } from 'chai'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { until } from '../../../lab/common/until.js'
import { Fence } from '../../../src/agent/host/dataplane/direct/fence.js'
import { isServedFor } from '../../../src/agent/host/dataplane/direct/messages.js'
import { brickIsKept } from '../../../src/agent/host/messages.js'
import { type Run, runCommand } from '../../../src/agent/host/exec/run.js'
import { systemClock } from '../../../src/daemon/clock.js'
import { silentLog } from '../../../src/daemon/log.js'
import { brickPath } from '../../../src/model/cluster.js'
import { DirectRig, openFence } from '../../support/directRig.js'
import { HandClock } from '../../support/handClock.js'
import { needsRoot } from '../../support/loopDevices.js'

describe('bricks that the agent serves itself, by documents (root)', function () {
  this.timeout(120_000)
  let rig: DirectRig

  before(function () {
    needsRoot(this)
  })
  beforeEach(async () => {
    rig = await DirectRig.with(2)
  })
  afterEach(() => rig.close())

  const made = async () => {
    await rig.makeBricks()
    return rig.settle('volume', rig.volumeDocument())
  }

  it('are served once they are mounted, once, and known to the next agent', async () => {
    const waits = await rig.round('volume', rig.volumeDocument())
    expect(waits.waitingFor).to.deep.equal(rig.bricks.map(({ device }) => `brick ${device} to be mounted`))
    const { took, report } = await made()
    const [first, second] = rig.bricks.map(({ device }) => device)
    expect(took).to.deep.equal([
      `make the exports of volume ${rig.volume}`,
      `serve brick ${first} of volume ${rig.volume}`,
      `serve brick ${second} of volume ${rig.volume}`,
    ])
    expect(report).to.deep.include({ state: 'started', offline: [], boots: { test: 'boot' } })
    const pids = await rig.pids('brick')
    expect(pids).to.have.length(2)
    rig.restartAgent()
    expect((await rig.settle('volume', rig.volumeDocument({ clients: ['127.0.0.2'] }))).took).to.deep.equal([])
    expect(await rig.pids('brick')).to.deep.equal(pids)
  })

  it('are listed with their volume as long as something of it is there, and those who know no document know it', async () => {
    const served = async () => (await rig.host.survey!()).served?.find(({ volume }) => volume === rig.volume)
    const ports = rig.bricks.map(({ port }) => port)
    const admitted = () => Promise.resolve(new Map([[rig.volume, { ports }]]))
    rig.restartAgent({ direct: { directories: rig.directories, fence: { ...openFence, admitted } } })
    expect(await served()).to.deep.equal({ volume: rig.volume, devices: [], ports })
    await made()
    rig.restartAgent()
    const { devices } = (await served())!
    expect(devices.sort()).to.deep.equal(rig.bricks.map(({ device }) => device))
    await rig.settle('volume', rig.volumeDocument({ wanted: 'absent', exports: [], clients: [] }))
    expect(await served()).to.equal(undefined)
  })

  it('leave no secret where others could read it', async () => {
    await made()
    const { password } = rig.export('striped', '/').login!
    for (const pid of await rig.pids('brick'))
      for (const file of ['cmdline', 'environ'])
        expect(readFileSync(`/proc/${pid}/${file}`, 'utf8')).to.not.include(password)
    expect(readdirSync(rig.directories.run).filter((name) => name.endsWith('.vol'))).to.deep.equal([])
    for (const name of readdirSync(rig.directories.log))
      expect(readFileSync(join(rig.directories.log, name), 'utf8')).to.not.include(password)
  })

  it('are started again when their process was killed, which the agent notices by itself', async () => {
    await made()
    const ended = new Promise<void>((resolve) => rig.host.onBrickEnd(resolve))
    const [killed, other] = await rig.pids('brick')
    process.kill(killed!, 'SIGKILL')
    await ended
    const { took } = await rig.settle('volume', rig.volumeDocument())
    expect(took)
      .to.have.length(1)
      .and.satisfy(([step]: string[]) => step!.startsWith('serve brick '))
    expect(await rig.pids('brick'))
      .to.include(other)
      .and.not.include(killed)
  })

  it('are offline while their process hangs, and are served again after half a minute', async () => {
    const clock = new HandClock()
    rig.restartAgent({ clock })
    await made()
    const [hung, other] = await rig.pids('brick')
    process.kill(hung!, 'SIGSTOP')
    for (let look = 0; look < 3; look++) {
      const { steps, waitingFor } = await rig.round('volume', rig.volumeDocument())
      expect(steps).to.deep.equal([])
      expect(waitingFor).to.have.length(1)
      clock.advance(10_000)
    }
    const { took, report } = await rig.settle('volume', rig.volumeDocument())
    expect(took.map((step) => step.split(' ')[0])).to.deep.equal(['stop', 'serve'])
    expect(took[0]).to.match(/which hangs$/)
    expect(report.state).to.equal('started')
    expect(await rig.pids('brick'))
      .to.include(other)
      .and.not.include(hung)
  })

  it('are offline while their process does not answer, and are left alone when it goes on', async () => {
    await made()
    const [hung] = await rig.pids('brick')
    process.kill(hung!, 'SIGSTOP')
    const { steps, report, waitingFor } = await rig.round('volume', rig.volumeDocument())
    expect(steps).to.deep.equal([])
    expect(waitingFor).to.have.length(1)
    expect(report.state).to.equal('degraded')
    expect(report.offline).to.have.length(1)
    process.kill(hung!, 'SIGCONT')
    expect((await rig.settle('volume', rig.volumeDocument())).report.state).to.equal('started')
  })

  it('tell which port is taken, and take it once it is free', async () => {
    await rig.makeBricks()
    const { port } = rig.bricks[0]!
    const other = createServer().listen(port, '127.0.0.1')
    await once(other, 'listening')
    await rig.round('volume', rig.volumeDocument())
    const { report, waitingFor } = await rig.round('volume', rig.volumeDocument())
    expect(report).to.deep.include({ state: 'degraded', takenPorts: [port] })
    expect(waitingFor).to.deep.equal([`port ${port} to be free`])
    other.close()
    expect((await rig.settle('volume', rig.volumeDocument())).report.state).to.equal('started')
  })

  it('serve each export as a directory of its own, made whole', async () => {
    const exports = [
      rig.export('striped', '/striped', { mode: 0o750 }),
      rig.export('private-c1.x', '/private/c1.x'),
      rig.export('swap-c1.x', '/swap/c1.x', { uid: 0, gid: 0 }),
    ]
    await rig.makeBricks({ uid: 0, gid: 0, mode: 0o711 })
    const { report } = await rig.settle('volume', rig.volumeDocument({ exports }))
    expect(report.directories).to.deep.equal(['/striped', '/private/c1.x', '/swap/c1.x'])
    for (const { device } of rig.bricks) {
      const at = (name: string) => lstatSync(join(brickPath(device, 'brick'), name))
      expect(at('striped')).to.include({ uid: 20_001, gid: 20_001 })
      expect(at('striped').mode & 0o7777).to.equal(0o750)
      expect(at('private').mode & 0o7777).to.equal(0o711)
      expect(at('swap').mode & 0o7777).to.equal(0o700)
      expect(at('private/c1.x').mode & 0o7777).to.equal(0o700)
    }
    const more = [...exports, rig.export('private-c2', '/private/c2')].reverse()
    const before = await rig.pids('brick')
    const { took } = await rig.settle('volume', rig.volumeDocument({ exports: more }))
    expect(took.map((step) => step.split(' ')[0])).to.deep.equal(['stop', 'stop', 'make', 'serve', 'serve'])
    for (const pid of before) expect(await rig.pids('brick')).to.not.include(pid)
  })

  it('go: processes, files, bricks, twice over, and nothing is left', async () => {
    await made()
    const absent = rig.volumeDocument({ wanted: 'absent', exports: [], clients: [] })
    const { took, report } = await rig.settle('volume', absent)
    expect(took.at(-1)).to.equal(`close the ports of volume ${rig.volume}`)
    expect(report.state).to.equal('absent')
    expect((await rig.settle('volume', absent)).took).to.deep.equal([])
    expect(await rig.pids('brick')).to.deep.equal([])
    for (const brick of rig.brickDocuments({ wanted: 'absent' }))
      expect((await rig.settle('brick', brick)).report.state).to.equal('absent')
    expect(Object.values(rig.directories).flatMap((path) => readdirSync(path))).to.deep.equal([])
    for (const { device } of rig.bricks) expect(existsSync(brickPath(device, 'brick'))).to.equal(false)
  })

  it('are not unmounted while a process serves them', async () => {
    await made()
    const [brick] = rig.brickDocuments({ wanted: 'absent' })
    await rig.host.effects
      .unmountBrick({ brick: brick! })
      .then(() => expect.fail('it was unmounted'))
      .catch((error: Error) => expect(error.message).to.include('still serves the brick'))
    expect(await rig.pids('brick')).to.have.length(2)
  })

  it('are not taken away while the ports of their volume are open, and it is said which volume that is', async () => {
    rig.restartAgent({
      direct: { directories: rig.directories, fence: { ...openFence, isLeft: () => Promise.resolve(true) } },
    })
    await made()
    const [brick] = rig.brickDocuments({ wanted: 'absent' })
    const [pid] = await rig.pids('brick')
    const message = brickIsKept(brick!.device, isServedFor(rig.volume, pid!))
    const { stopBrickProcess, unmountBrick } = rig.host.effects
    for (const act of [() => stopBrickProcess({ brick: brick!, pid: pid! }), () => unmountBrick({ brick: brick! })])
      expect(await act().catch((error: Error) => error.message)).to.equal(message)
    expect(await rig.pids('brick')).to.include(pid)
  })

  it('are ended when the document names them no more', async () => {
    await made()
    const { took } = await rig.settle('volume', rig.volumeDocument({ bricks: [rig.bricks[0]!] }))
    expect(took)
      .to.have.length(1)
      .and.satisfy(([step]: string[]) => step!.includes(rig.bricks[1]!.device))
    await until({ what: 'one is left' }, async () => (await rig.pids('brick')).length === 1)
  })

  it('have their ports in the fence before they are served, until they go; what is there is known to the next agent', async () => {
    const network = spawn('unshare', ['--net', 'sh', '-c', 'echo up && exec sleep 1000'])
    await once(network.stdout, 'data')
    const run: Run = (argv, options) =>
      runCommand(['nsenter', '--net', '--target', String(network.pid), ...argv], options)
    const fences: Fence[] = []
    const withFence = async () => {
      const fence = new Fence({ enabled: true, run, clock: systemClock, log: silentLog, onProblem: () => {} })
      fences.push(fence)
      await fence.start()
      rig.restartAgent({ direct: { directories: rig.directories, fence } })
    }
    await withFence()
    const { took } = await made()
    expect(took[1]).to.equal(`admit 1 addresses to the ports of volume ${rig.volume}`)
    await withFence()
    expect((await rig.settle('volume', rig.volumeDocument())).took).to.deep.equal([])
    const moved = rig.bricks.map((brick, index) => (index === 0 ? { ...brick, port: brick.port + 1 } : brick))
    const again = await rig.settle('volume', rig.volumeDocument({ bricks: moved }))
    expect(again.took.map((step) => step.split(' ')[0])).to.deep.equal(['stop', 'admit', 'serve'])
    const rules = () =>
      execFileSync('nsenter', ['--net', '--target', String(network.pid), 'nft', 'list', 'ruleset'], {
        encoding: 'utf8',
      })
    expect(rules()).to.include(String(moved[0]!.port)).and.not.include(String(rig.bricks[0]!.port))
    await rig.settle('volume', rig.volumeDocument({ bricks: moved, wanted: 'absent', exports: [], clients: [] }))
    expect(rules()).to.equal('')
    for (const fence of fences) fence.close()
    network.kill('SIGKILL')
  })

  it('are not served on a host without nftables, which says what is missing; those that go, go', async () => {
    const missing: Run = (argv, options) => runCommand(['/nowhere/nft', ...argv.slice(1)], options)
    let problems: string[] = []
    const fence = new Fence({ enabled: true, run: missing, clock: systemClock, log: silentLog, onProblem: () => {} })
    rig.restartAgent({
      direct: { directories: rig.directories, fence },
      onBrickProblems: (told) => (problems = told),
    })
    await rig.makeBricks()
    const { waitingFor, steps } = await rig.round('volume', rig.volumeDocument())
    expect(steps).to.deep.equal([])
    expect(waitingFor).to.have.length(1)
    expect(waitingFor[0]).to.include('nftables')
    expect(problems).to.deep.equal(waitingFor)
    // A volume that goes needs no fence, and says nothing of the other one.
    const other = { volume: `${rig.volume}-other`, bricks: [], exports: [], clients: [] }
    await rig.round('volume', rig.volumeDocument({ ...other, wanted: 'absent' }))
    expect(problems).to.deep.equal(waitingFor)
    const absent = rig.volumeDocument({ wanted: 'absent', exports: [], clients: [] })
    expect((await rig.settle('volume', absent)).report.state).to.equal('absent')
    expect(problems).to.deep.equal([])
  })

  it('need no program of glusterd', async () => {
    await made()
    expect(await rig.host.versions()).to.have.property('glusterfs')
    expect(execFileSync('glusterfsd', ['--version'], { encoding: 'utf8' })).to.include('glusterfs')
  })
})
