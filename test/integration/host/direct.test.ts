import { expect } from 'chai'
import { execFileSync, spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ForeignDirectory, markDirectory, volumeIdOf } from '../../../src/agent/host/dataplane/direct/brickDirectory.js'
import { BrickNotStarted, startBrick, stopBrick } from '../../../src/agent/host/dataplane/direct/brickStart.js'
import { filesOf, removeStrayFiles } from '../../../src/agent/host/dataplane/direct/files.js'
import { type Probe, probeBrick } from '../../../src/agent/host/dataplane/direct/probe.js'
import { runningProcesses } from '../../../src/agent/host/dataplane/direct/running.js'
import type {
  BrickProcess,
  Layout,
  Login,
  RemoteBrick,
  TlsFiles,
} from '../../../src/agent/host/dataplane/direct/types.js'
import {
  type ClientStart,
  ClientNotStarted,
  runningClient,
  startClient,
  stopClient,
} from '../../../src/agent/host/dataplane/direct/clientStart.js'
import { graphs } from '../../../src/agent/host/dataplane/common/graphs.js'
import { mountState, totalBytes } from '../../../src/agent/host/dataplane/direct/mountState.js'
import { glusterfsVersion, triedVersions } from '../../../src/agent/host/dataplane/direct/versions.js'
import { until } from '../../../lab/common/until.js'
import { type Run, runCommand } from '../../../src/agent/host/exec/run.js'
import { needsRoot } from '../../support/loopDevices.js'

const address = '127.0.0.1'

/** A port that nobody uses at this moment. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, address)
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

describe('brick processes that the agent starts itself (root)', () => {
  let top: string
  let directories: { run: string; log: string }
  let warnings: string[]
  const started = new Set<string>()
  const password = randomBytes(16).toString('hex')

  before(function () {
    needsRoot(this)
  })

  beforeEach(() => {
    top = mkdtempSync(join(tmpdir(), 'burstbuffer-direct-'))
    // Attributes of these names need a file system that is not an overlay.
    mkdirSync(join(top, 'data'))
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', join(top, 'data')])
    directories = { run: join(top, 'run'), log: join(top, 'log') }
    mkdirSync(directories.run, { mode: 0o700 })
    mkdirSync(directories.log)
    warnings = []
  })

  afterEach(async () => {
    for (const uuid of started) await stopBrick(uuid, directories)
    started.clear()
    execFileSync('umount', [join(top, 'data')])
    rmSync(top, { recursive: true })
  })

  interface Brick {
    uuid: string
    directory: string
    volumeId: string
    serves: BrickProcess
  }

  async function aBrick({ marked = true, dispersed = false } = {}): Promise<Brick> {
    const uuid = randomUUID()
    const directory = join(top, 'data', uuid)
    const volumeId = randomUUID()
    mkdirSync(directory)
    if (marked) await markDirectory(directory, volumeId, runCommand)
    const exports = [{ name: 'brick', directory, volumeId, logins: [{ user: 'u', password }] }]
    return { uuid, directory, volumeId, serves: { address, port: await freePort(), dispersed, exports } }
  }

  function start({ uuid, directory, serves }: Brick, run: Run = runCommand) {
    started.add(uuid)
    const brick = { uuid, directory, volume: 'v', fingerprint: 'f', serves, directories, oomScoreAdj: 300 }
    return startBrick(brick, run, (phrase) => warnings.push(phrase))
  }

  async function failureOf(brick: Brick, run?: Run): Promise<BrickNotStarted> {
    try {
      await start(brick, run)
    } catch (error) {
      if (error instanceof BrickNotStarted) return error
      throw error
    }
    throw new Error('it was started')
  }

  const oursRunning = async () =>
    (await runningProcesses()).flatMap((each) => (each.kind === 'brick' && started.has(each.uuid) ? each.uuid : []))

  it('starts one that outlives the agent, is recognized, and ends', async () => {
    const brick = await aBrick()
    const running = await start(brick)
    expect(await runningProcesses()).to.deep.include(running)
    expect(running).to.include({ kind: 'brick', uuid: brick.uuid, directory: brick.directory })
    const [, , , parent, group, session] = readFileSync(`/proc/${running.pid}/stat`, 'utf8').split(' ').map(Number)
    expect([group, session]).to.deep.equal([running.pid, running.pid])
    expect(parent).to.not.equal(process.pid)
    expect(readlinkSync(`/proc/${running.pid}/cwd`)).to.equal('/')
    expect(readFileSync(`/proc/${running.pid}/oom_score_adj`, 'utf8').trim()).to.equal('300')
    expect(warnings).to.deep.equal([])
    await stopBrick(brick.uuid, directories)
    expect(await oursRunning()).to.deep.equal([])
    expect(readdirSync(directories.run)).to.deep.equal([])
  })

  it('shows the password to nobody: not in its words, its log or a file', async () => {
    const brick = await aBrick()
    const { pid } = await start(brick)
    const files = filesOf('brick', brick.uuid, directories)
    expect(existsSync(files.volfile)).to.equal(false)
    for (const file of [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`, files.log, files.pidFile])
      expect(readFileSync(file, 'utf8'), file).to.not.include(password)
    expect(statSync(files.log).mode & 0o7777).to.equal(0o600)
    // It does not need the file again, as when logs are rotated.
    process.kill(pid, 'SIGHUP')
    await stopBrick(brick.uuid, directories)
    expect(readFileSync(files.log, 'utf8')).to.not.include(password)
  })

  it('writes no password into a directory that others can read, and takes off what a dead agent left', async () => {
    const brick = await aBrick()
    const left = filesOf('brick', brick.uuid, directories)
    for (const path of [left.volfile, left.credential, `${left.credential}.new`, left.authority])
      writeFileSync(path, 'left')
    const running = filesOf('brick', randomUUID(), directories)
    writeFileSync(running.credential, 'used')
    await removeStrayFiles(directories, [running])
    expect(readdirSync(directories.run).map((name) => join(directories.run, name))).to.deep.equal([running.credential])
    rmSync(running.credential)
    expect(readdirSync(directories.run)).to.deep.equal([])
    chmodSync(directories.run, 0o755)
    await start(brick).then(
      () => expect.fail('it was started'),
      (error: unknown) => expect(String(error)).to.include('must be a directory of root'),
    )
    expect(await oursRunning()).to.deep.equal([])
  })

  it('tells a port in use from all else, and disturbs nobody there', async () => {
    const brick = await aBrick()
    const other = createServer().listen(brick.serves.port, address)
    await once(other, 'listening')
    try {
      const error = await failureOf(brick)
      expect(error.failure).to.equal('portInUse')
      expect(error.message).to.include(`port ${brick.serves.port} of ${address} is in use`)
    } finally {
      await closed(other)
    }
    expect(await oursRunning()).to.deep.equal([])
    expect(readdirSync(directories.run)).to.deep.equal([])
  })

  it('says what is wrong with a directory, an address and a certificate, and leaves nothing', async () => {
    const unmarked = await aBrick({ marked: false })
    expect((await failureOf(unmarked)).failure).to.equal('volumeIdMissing')
    const brick = await aBrick()
    const at = (directory: string, volumeId = brick.volumeId): Brick => ({
      ...brick,
      directory,
      serves: {
        ...brick.serves,
        tls: undefined,
        exports: [{ name: 'brick', directory, volumeId, logins: [{ user: 'u', password }] }],
      },
    })
    expect((await failureOf(at(brick.directory, randomUUID()))).failure).to.equal('volumeIdDiffers')
    const missing = await failureOf(at(join(top, 'data', 'none')))
    expect(missing.failure).to.equal('directoryMissing')
    expect(missing.message).to.include(join(top, 'data', 'none'))
    const elsewhere = { ...brick, serves: { ...brick.serves, address: '192.0.2.1' } }
    expect((await failureOf(elsewhere)).failure).to.equal('addressMissing')
    const exports = [{ name: 'brick', directory: brick.directory, volumeId: brick.volumeId, holders: ['c1'] }]
    const tls = { certificate: '/nowhere', key: '/nowhere', authorities: '/nowhere' }
    expect((await failureOf({ ...brick, serves: { ...brick.serves, tls, exports } })).failure).to.equal('certificate')
    rmSync(join(brick.directory, '.glusterfs'), { recursive: true })
    expect((await failureOf({ ...brick, serves: { ...brick.serves, dispersed: true } })).failure).to.equal(
      'indexMissing',
    )
    expect(await oursRunning()).to.deep.equal([])
    expect(readdirSync(directories.run)).to.deep.equal([])
  })

  it('says why GlusterFS refuses a volfile, in the words of its log, and leaves nothing', async () => {
    const brick = await aBrick()
    const spoiling: Run = (argv, options) => {
      const path = filesOf('brick', brick.uuid, directories).volfile
      writeFileSync(path, readFileSync(path, 'utf8').replace('features/locks', 'features/none'))
      return runCommand(argv, options)
    }
    const error = await failureOf(brick, spoiling)
    expect(error.failure).to.equal('volfileRefused')
    expect(error.message).to.include('GlusterFS refuses its volfile').and.include('features/none')
    expect(error.message).to.not.include(password)
    expect(await oursRunning()).to.deep.equal([])
    expect(readdirSync(directories.run)).to.deep.equal([])
  })

  it('is not started twice, whatever port the second one is given', async () => {
    const brick = await aBrick()
    const first = await start(brick)
    const second = { ...brick, serves: { ...brick.serves, port: await freePort() } as BrickProcess }
    expect((await failureOf(second)).failure).to.equal('alreadyRunning')
    expect(await runningProcesses()).to.deep.include(first)
  })

  it('starts at once on the same port when it was killed', async () => {
    const brick = await aBrick({ dispersed: true })
    const first = await start(brick)
    process.kill(first.pid, 'SIGKILL')
    await stopBrick(brick.uuid, directories)
    expect((await start(brick)).pid).to.not.equal(first.pid)
  })

  it('is not taken for one when another program calls itself so', async () => {
    const brick = await aBrick()
    started.add(brick.uuid)
    const words = ['--volfile=/x', `--volfile-id=${brick.uuid}`, '--brick-name=/x']
    const other = spawn('sleep', ['60', ...words], { argv0: 'glusterfsd' })
    try {
      expect(await oursRunning()).to.deep.equal([])
    } finally {
      other.kill()
    }
  })

  const probeOf = ({ serves: { port } }: Brick) => ({ host: address, port, export: 'brick', timeoutMs: 60_000 })

  it('answers who has the login of the export, and says why it does not answer others', async () => {
    const brick = await aBrick()
    const { pid } = await start(brick)
    const probe = probeOf(brick)
    const kindOf = async (over: Partial<Probe>) => (await probeBrick({ ...probe, ...over })).kind
    const login = { user: 'u', password }
    expect(await probeBrick({ ...probe, login })).to.deep.equal({ kind: 'accepted' })
    expect(await kindOf({})).to.equal('refused')
    expect(await kindOf({ login: { user: 'u', password: `${password}0` } })).to.equal('refused')
    expect(await kindOf({ login: { user: 'v', password } })).to.equal('refused')
    expect(await kindOf({ login, export: 'brick.posix' })).to.equal('refused')
    expect(await kindOf({ login, export: 'none' })).to.equal('unknownExport')
    process.kill(pid, 'SIGSTOP')
    await until({ what: 'each of its threads has stopped' }, () => Promise.resolve(statesOf(pid).join('') === 'T'))
    expect(await kindOf({ login, timeoutMs: 100 })).to.equal('timedOut')
    process.kill(pid, 'SIGCONT')
    await stopBrick(brick.uuid, directories)
    expect(await kindOf({ login })).to.equal('closed')
  })

  it('opens each of several exports to its own login alone', async () => {
    const brick = await aBrick()
    const exports = []
    for (const name of ['shared', 'node0', 'node1']) {
      const directory = join(brick.directory, name)
      mkdirSync(directory)
      await markDirectory(directory, brick.volumeId, runCommand)
      exports.push({ name, directory, volumeId: brick.volumeId, logins: [{ user: `u-${name}`, password: `${name}0` }] })
    }
    await start({ ...brick, serves: { ...brick.serves, tls: undefined, exports } })
    for (const { name } of exports) {
      for (const { logins } of exports) {
        const answer = await probeBrick({ ...probeOf(brick), export: name, login: logins[0]! })
        expect(answer.kind).to.equal(logins[0]!.user === `u-${name}` ? 'accepted' : 'refused')
      }
    }
  })

  it('with TLS answers the names that it is to answer, and no password', async () => {
    const certificates = new Certificates(join(top, 'certificates'))
    const tls = certificates.make('brick')
    const brick = await aBrick()
    const one = {
      name: 'brick',
      directory: brick.directory,
      volumeId: brick.volumeId,
      holders: ['session-7', 'c8'],
    }
    await start({ ...brick, serves: { ...brick.serves, tls, exports: [one] } })
    const kindWith = async (name: string) => {
      const files = certificates.make(name)
      const [certificate, key, authorities] = [files.certificate, files.key, files.authorities].map((file) =>
        readFileSync(file, 'utf8'),
      ) as [string, string, string]
      return (await probeBrick({ ...probeOf(brick), tls: { certificate, key, authorities } })).kind
    }
    expect(await kindWith('session-7.1')).to.equal('accepted')
    expect(await kindWith('c8.x')).to.equal('accepted')
    for (const name of ['session-8.1', 'session-7', 'session-71.1', 'x.session-7.1'])
      expect(await kindWith(name), name).to.equal('refused')
    expect((await probeBrick({ ...probeOf(brick), login: { user: 'u', password } })).kind).to.equal('unexpected')
  })

  it('marks a directory once, and none of another volume', async () => {
    const brick = await aBrick()
    await markDirectory(brick.directory, brick.volumeId, runCommand)
    expect(await volumeIdOf(brick.directory, runCommand)).to.equal(brick.volumeId)
    await markDirectory(brick.directory, randomUUID(), runCommand).then(
      () => expect.fail('it was marked'),
      (error: unknown) => expect(error).to.be.instanceOf(ForeignDirectory),
    )
  })
})

describe('clients that the agent starts itself (root)', () => {
  let bricks: Bricks
  let mountPoint: string
  const name = `bbtest${process.pid}`
  const sizes = [64, 96, 128].map((mebibytes) => mebibytes * 1024 ** 2)

  before(function () {
    needsRoot(this)
  })

  beforeEach(async () => {
    bricks = new Bricks()
    for (const size of sizes) await bricks.add(size)
    mountPoint = join(bricks.top, 'mnt')
    mkdirSync(mountPoint)
  })

  afterEach(async () => {
    await stopClient('3', { name, mountPoint, directories: bricks.directories }, runCommand)
    await bricks.close()
  })

  const distribute = { kind: 'distribute' } as const

  function start(over: Partial<ClientStart> & { login?: Login; bricks?: RemoteBrick[]; layout?: Layout } = {}) {
    const { login = bricks.login, layout = distribute } = over
    const volume = { bricks: over.bricks ?? bricks.remote, layout, login }
    const files = { id: '3', name, mountPoint, directories: bricks.directories }
    const client = { ...files, volume, graph: graphs.exact, oomScoreAdj: 300, timeoutMs: 30_000, ...over }
    return startClient(client, runCommand, () => {})
  }

  async function failureOf(over: Parameters<typeof start>[0]): Promise<ClientNotStarted> {
    try {
      await start(over)
    } catch (error) {
      if (error instanceof ClientNotStarted) return error
      throw error
    }
    throw new Error('it was mounted')
  }

  async function nothingIsLeft(): Promise<void> {
    expect(await mountState(mountPoint, name, runCommand)).to.deep.equal({ kind: 'absent' })
    expect(await runningClient(mountPoint)).to.equal(undefined)
    expect(readdirSync(bricks.directories.run).filter((file) => file.startsWith('client'))).to.deep.equal([])
  }

  it('mount all bricks, without the volfile, the password or .meta for anybody to read', async () => {
    const expectedBytes = totalBytes(sizes)
    const state = await start({ minBytes: expectedBytes })
    expect(state).to.deep.equal({ kind: 'answers', totalBytes: expectedBytes })
    writeFileSync(join(mountPoint, 'file'), 'text')
    expect(readFileSync(join(mountPoint, 'file'), 'utf8')).to.equal('text')
    expect(existsSync(join(mountPoint, '.meta'))).to.equal(false)
    const files = filesOf('client', '3', bricks.directories)
    expect(existsSync(files.volfile)).to.equal(false)
    const { pid } = (await runningClient(mountPoint))!
    for (const file of [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`, files.log])
      expect(readFileSync(file, 'utf8'), file).to.not.include(bricks.login.password)
    expect(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8').trim()).to.equal('300')
    expect(await mountState(mountPoint, 'another', runCommand)).to.include({ kind: 'foreign' })
    await stopClient('3', { name, mountPoint, directories: bricks.directories }, runCommand)
    await nothingIsLeft()
  })

  it('show the bytes of a dispersed volume as its smallest brick allows', async () => {
    const layout = { kind: 'disperse', bricks: 3, redundancy: 1 } as const
    expect(await start({ layout, minBytes: totalBytes(sizes, layout) })).to.deep.equal({
      kind: 'answers',
      totalBytes: 2 * sizes[0]!,
    })
  })

  it('mount with a brick away, and say so by their size', async () => {
    await bricks.stop(2)
    expect(await start({ timeoutMs: 2_000, minBytes: totalBytes(sizes) })).to.deep.equal({
      kind: 'answers',
      totalBytes: sizes[0]! + sizes[1]!,
    })
  })

  it('mount nothing with a wrong password, although their exit code is 0', async () => {
    const error = await failureOf({ login: { user: 'u', password: 'wrong' } })
    expect(error.failure).to.equal('wrongLogin')
    await nothingIsLeft()
  })

  it('are taken off again when no brick answers, an export or a host is unknown, or the mount point is missing', async () => {
    const timeoutMs = 2_000
    const [brick] = bricks.remote as [RemoteBrick]
    expect((await failureOf({ timeoutMs, bricks: [{ ...brick, export: 'none' }] })).failure).to.equal('unknownExport')
    await nothingIsLeft()
    expect((await failureOf({ timeoutMs, bricks: [{ ...brick, host: 'none.invalid' }] })).failure).to.equal(
      'unknownHost',
    )
    await nothingIsLeft()
    await bricks.stop(0)
    expect((await failureOf({ timeoutMs, bricks: [brick] })).failure).to.equal('notConnected')
    await nothingIsLeft()
    expect((await failureOf({ timeoutMs, mountPoint: join(bricks.top, 'none') })).failure).to.equal('noMountPoint')
  })

  it('are seen to be silent when they were killed, and are replaced', async () => {
    await start()
    process.kill((await runningClient(mountPoint))!.pid, 'SIGKILL')
    const silent = await until({ what: 'the mount is dead' }, async () => {
      const state = await mountState(mountPoint, name, runCommand)
      return state.kind === 'silent' && state
    })
    expect(silent.reason).to.equal('Transport endpoint is not connected')
    await stopClient('3', { name, mountPoint, directories: bricks.directories }, runCommand)
    await nothingIsLeft()
    expect((await start()).kind).to.equal('answers')
  })

  it('are not taken off while somebody uses the mount', async () => {
    await start()
    const file = openSync(join(mountPoint, 'file'), 'w')
    try {
      const stop = stopClient('3', { name, mountPoint, directories: bricks.directories }, runCommand)
      await stop.then(
        () => expect.fail('it was unmounted'),
        (error: unknown) => expect(String(error)).to.include('cannot be unmounted'),
      )
      expect((await mountState(mountPoint, name, runCommand)).kind).to.equal('answers')
    } finally {
      closeSync(file)
    }
  })

  it('are of a version that was tried', async () => {
    expect(triedVersions).to.include(await glusterfsVersion(runCommand))
  })
})

/** Bricks on file systems of their own, served for one login. */
class Bricks {
  readonly top = mkdtempSync(join(tmpdir(), 'burstbuffer-direct-'))
  readonly directories = { run: join(this.top, 'run'), log: join(this.top, 'log') }
  readonly login = { user: 'u', password: randomBytes(16).toString('hex') }
  readonly remote: RemoteBrick[] = []
  private readonly uuids: string[] = []
  private readonly mounts: string[] = []

  constructor() {
    mkdirSync(this.directories.run, { mode: 0o700 })
    mkdirSync(this.directories.log)
  }

  async add(bytes: number): Promise<void> {
    const [uuid, volumeId] = [randomUUID(), randomUUID()]
    const at = join(this.top, uuid)
    mkdirSync(at)
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', at])
    this.mounts.push(at)
    const directory = join(at, 'brick')
    mkdirSync(directory)
    await markDirectory(directory, volumeId, runCommand)
    const port = await freePort()
    const exports = [{ name: 'brick', directory, volumeId, logins: [this.login] }]
    const serves = { address, port, dispersed: true, exports }
    this.uuids.push(uuid)
    const brick = { uuid, directory, volume: 'v', fingerprint: 'f', serves, directories: this.directories }
    await startBrick({ ...brick, oomScoreAdj: 300 }, runCommand, () => {})
    this.remote.push({ host: address, port, export: 'brick' })
  }

  stop(index: number): Promise<void> {
    return stopBrick(this.uuids[index]!, this.directories)
  }

  async close(): Promise<void> {
    for (const index of this.uuids.keys()) await this.stop(index)
    for (const at of this.mounts) execFileSync('umount', [at])
    rmSync(this.top, { recursive: true })
  }
}

async function closed(server: Server): Promise<void> {
  server.close()
  await once(server, 'close')
}

/** The states that the threads of a process are in. */
function statesOf(pid: number): string[] {
  const stats = readdirSync(`/proc/${pid}/task`).map((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8'),
  )
  return [...new Set(stats.map((stat) => stat[stat.lastIndexOf(')') + 2]!))]
}

/** A certificate authority, and what it certifies. */
class Certificates {
  constructor(private readonly directory: string) {
    mkdirSync(directory)
    this.openssl(['req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=authority'])
  }

  make(name: string): TlsFiles {
    this.openssl(['req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`])
    const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial']
    this.openssl(['x509', '-req', '-in', `${name}.csr`, ...by, '-out', `${name}.pem`])
    const at = (file: string) => join(this.directory, file)
    return { certificate: at(`${name}.pem`), key: at(`${name}.key`), authorities: at('ca.pem') }
  }

  private openssl(words: string[]): void {
    execFileSync('openssl', words, { cwd: this.directory, stdio: 'pipe' })
  }
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
