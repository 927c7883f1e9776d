import { expect } from 'chai'
import { execFileSync } from 'node:child_process'
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { bricksToBeConnected } from '../../../src/agent/plan/messages.js'
import { Unavailable } from '../../../src/agent/port/host.js'
import { brickPath, transferId, transferRoot } from '../../../src/model/cluster.js'
import type { DesiredTransfer } from '../../../src/model/documents/transfer.js'
import { aDesiredTransfer } from '../../support/desired.js'
import { DirectRig, mountsBelow } from '../../support/directRig.js'
import { needsRoot } from '../../support/loopDevices.js'
import { someone } from '../../support/stagingRig.js'
import { until } from '../../../lab/common/until.js'

describe('buffers that the agent mounts by a client of its own (root)', function () {
  this.timeout(120_000)
  let rig: DirectRig

  before(function () {
    needsRoot(this)
  })
  beforeEach(async () => {
    rig = await DirectRig.with(2)
    await rig.makeBricks()
    await rig.settle('volume', rig.volumeDocument())
  })
  afterEach(() => rig.close())

  it('are mounted once, read and written, known to the next agent, and taken off with their process', async () => {
    const mount = rig.mountDocument('striped')
    expect((await rig.settle('mount', mount)).took).to.deep.equal([`mount ${rig.volume} at ${mount.path}`])
    for (let n = 0; n < 40; n++) writeFileSync(join(mount.path, `file${n}`), `text ${n}`)
    rig.restartAgent()
    expect((await rig.settle('mount', mount)).took).to.deep.equal([])
    for (let n = 0; n < 40; n++) expect(readFileSync(join(mount.path, `file${n}`), 'utf8')).to.equal(`text ${n}`)
    // Both bricks hold some of them.
    for (const { device } of rig.bricks)
      expect(readdirSync(brickPath(device, 'brick')).filter((name) => name.startsWith('file'))).to.have.length.within(
        1,
        39,
      )
    const absent = rig.mountDocument('striped', { wanted: 'absent' })
    expect((await rig.settle('mount', absent)).report.state).to.equal('absent')
    expect((await rig.settle('mount', absent)).took).to.deep.equal([])
    await expectNothingLeft(rig)
  })

  it('leave nothing when the agent died after it had unmounted, a client that hangs neither', async () => {
    const mount = rig.mountDocument('striped')
    await rig.settle('mount', mount)
    const [pid] = await rig.pids('client')
    process.kill(pid!, 'SIGSTOP')
    execFileSync('umount', ['--lazy', '--', mount.path])
    rig.restartAgent()
    const absent = rig.mountDocument('striped', { wanted: 'absent' })
    expect((await rig.settle('mount', absent)).took).to.deep.equal([`unmount ${mount.path}`])
    await expectNothingLeft(rig)
  })

  it('tell nobody their password, neither by the process nor in the mount', async () => {
    const mount = rig.mountDocument('striped', { clientCache: true })
    await rig.settle('mount', mount)
    const { password } = rig.export('striped', '/').login!
    const [pid] = await rig.pids('client')
    for (const file of ['cmdline', 'environ'])
      expect(readFileSync(`/proc/${pid}/${file}`, 'utf8')).to.not.include(password)
    for (const name of readdirSync(rig.directories.log))
      expect(readFileSync(join(rig.directories.log, name), 'utf8')).to.not.include(password)
    expect(readdirSync(rig.directories.run).filter((name) => name.endsWith('.vol'))).to.deep.equal([])
    expect(() => readdirSync(join(mount.path, '.meta'))).to.throw('ENOENT')
  })

  it('are not called mounted while they show fewer bytes than their bricks have, and stay', async () => {
    const { brickBytes } = (await rig.settle('volume', rig.volumeDocument())).report
    const [one, two] = brickBytes!
    const minBytes = one! + Math.ceil(two! / 2)
    const mount = rig.mountDocument('striped', { direct: rig.source('striped', { minBytes }) })
    await rig.settle('mount', mount)
    expect((await rig.host.observe.mount(mount)).shownBytes).to.equal(one! + two!)
    process.kill((await rig.pids('brick'))[0]!, 'SIGKILL')
    await until({ what: 'the client to notice' }, async () => {
      const { took, report, waitingFor } = await rig.round('mount', mount)
      expect(took).to.deep.equal([])
      if (report.state !== 'forming') return false
      expect(waitingFor).to.deep.equal([bricksToBeConnected(mount.path, one!, minBytes)])
      return true
    })
    await rig.settle('volume', rig.volumeDocument())
    expect((await rig.settle('mount', mount)).took).to.deep.equal([])
  })

  it('are mounted again when their client was killed, which the agent notices by itself', async () => {
    const mount = rig.mountDocument('striped')
    await rig.settle('mount', mount)
    rig.restartAgent()
    await rig.settle('mount', mount)
    const ended = new Promise<void>((resolve) => rig.host.onClientEnd(resolve))
    process.kill((await rig.pids('client'))[0]!, 'SIGKILL')
    await ended
    const { took } = await rig.settle('mount', mount)
    expect(took).to.deep.equal([`unmount ${mount.path}`, `mount ${rig.volume} at ${mount.path}`])
    expect(readdirSync(mount.path)).to.deep.equal([])
  })

  it('are not mounted with a wrong login, nor while a brick is away, and nothing is left then', async () => {
    const login = rig.source('striped').login!
    const wrong = rig.source('striped', {
      login: { ...login, password: login.password.replace(/^./, (c) => (c === 'x' ? 'y' : 'x')) },
    })
    expect(await rig.mountFailure(rig.mountDocument('striped', { direct: wrong }))).to.be.instanceOf(Unavailable)
    await expectNothingLeft(rig)
    process.kill((await rig.pids('brick'))[0]!, 'SIGKILL')
    const error = await rig.mountFailure(rig.mountDocument('striped'))
    expect(error).to.be.instanceOf(Unavailable)
    expect(error.message).to.include('127.0.0.1 port ')
    await expectNothingLeft(rig)
  })

  it('leave a mount point that nobody can enter while nothing is mounted', async () => {
    const login = rig.source('striped').login!
    const gone = rig.source('striped', { login, bricks: [{ address: '127.0.0.1', port: 1024 }] })
    const mount = rig.mountDocument('striped', { direct: gone })
    await rig.mountFailure(mount)
    expect(lstatSync(mount.path).mode & 0o777).to.equal(0)
  })
})

describe('exports with a login of their own (root)', function () {
  this.timeout(120_000)
  let rig: DirectRig

  before(function () {
    needsRoot(this)
  })
  beforeEach(async () => {
    rig = await DirectRig.with(2)
    await rig.makeBricks({ uid: 0, gid: 0, mode: 0o711 })
    const exports = ['/striped', '/private/c1.x', '/private/c2'].map((directory) =>
      rig.export(directory.slice(1).replace('/', '-'), directory),
    )
    await rig.settle('volume', rig.volumeDocument({ exports }))
  })
  afterEach(() => rig.close())

  it('show each node its own files alone, and one node’s login opens no other’s', async () => {
    const [c1, c2] = [rig.mountDocument('private-c1.x'), rig.mountDocument('private-c2')]
    await rig.settle('mount', c1)
    await rig.settle('mount', c2)
    writeFileSync(join(c1.path, 'mine'), 'c1')
    expect(readdirSync(c2.path)).to.deep.equal([])
    const stolen = rig.source('private-c2', { login: rig.source('private-c1.x').login })
    const other = rig.mountDocument('private-c2', { direct: stolen, path: join(rig.mountRoot, '3.21', 'private') })
    await rig.round('mount', other).then(
      () => expect.fail('it was mounted'),
      (error: Error) => expect(error).to.be.instanceOf(Unavailable),
    )
  })

  it('are mounted for a transfer each at its directory, all or none, and taken off again', async () => {
    const session = { id: 1_000_000 + (process.pid % 1_000_000), token: '3' }
    const points = ['/private/c1.x', '/private/c2', '/striped']
    const direct = points.map((directory) => ({ ...rig.source(directory.slice(1).replace('/', '-')), directory }))
    const transfer: DesiredTransfer = aDesiredTransfer({ session, volume: rig.volume, bricks: 2, direct })
    const top = join(transferRoot, transferId(session.id, transfer.transfer))
    rig.restartAgent({ stagePaths: ['/lustre'] })
    await rig.host.effects.mountTransfer({ transfer })
    expect(mountsBelow(top).sort()).to.deep.equal(points.map((path) => `${top}${path}`))
    writeFileSync(`${top}/private/c1.x/file`, 'x')
    expect(readdirSync(`${top}/striped`)).to.deep.equal([])
    expect((await rig.host.observe.transfer({ ...transfer, wanted: 'absent' })).mounted).to.equal(true)
    const failing = { ...transfer, direct: [...direct.slice(0, 2), { ...direct[2]!, login: direct[0]!.login }] }
    await rig.host.effects.mountTransfer({ transfer: failing }).then(
      () => expect.fail('it was mounted'),
      (error: Error) => expect(error).to.be.instanceOf(Unavailable),
    )
    expect(mountsBelow(top)).to.deep.equal([])
    await rig.host.effects.mountTransfer({ transfer })
    // As an agent leaves it that died when it had unmounted.
    for (const path of mountsBelow(top)) execFileSync('umount', ['--', path])
    expect((await rig.host.observe.transfer({ ...transfer, wanted: 'absent' })).mounted).to.equal(true)
    await rig.host.effects.endTransfer({ transfer })
    await expectNothingLeft(rig)
    expect(mountsBelow(top)).to.deep.equal([])
    expect(await rig.pids('client')).to.deep.equal([])
    expect((await rig.host.observe.transfer({ ...transfer, wanted: 'absent' })).mounted).to.equal(false)
    expect(existsSync(top)).to.equal(false)
  })

  it('are staged to as their user, through the mounts of a transfer', async () => {
    const exports = [rig.export('template', '/template', someone)]
    await rig.settle('volume', rig.volumeDocument({ exports }))
    const lustre = mkdtempSync('/tmp/burstbuffer-lustre-')
    chownSync(lustre, someone.uid, someone.gid)
    for (let n = 0; n < 20; n++) writeFileSync(join(lustre, `file${n}`), `text ${n}`)
    rig.restartAgent({ stagePaths: [lustre] })
    const session = { id: 2_000_000 + (process.pid % 1_000_000), token: '3' }
    const base = aDesiredTransfer({
      session,
      volume: rig.volume,
      bricks: 2,
      direct: [{ ...rig.source('template'), directory: '/template' }],
      directory: '/template',
      type: 'directory',
      inside: '',
      outside: lustre,
      ...someone,
      share: { index: 0, of: 1 },
      noteKey: 'k'.repeat(43),
    })
    for (const part of ['plan', 'copy', 'finish'] as const)
      await until({ what: `${part} is done`, deadlineMs: 60_000 }, async () => {
        const { report } = await rig.round('transfer', { ...base, part })
        return report.state === 'done'
      })
    const top = join(transferRoot, transferId(session.id, base.transfer))
    expect(readFileSync(`${top}/template/file7`, 'utf8')).to.equal('text 7')
    await until({ what: 'it is gone' }, async () => {
      const { report } = await rig.round('transfer', { ...base, part: 'finish', wanted: 'absent' })
      return report.state === 'absent'
    })
    expect(await rig.pids('client')).to.deep.equal([])
    rmSync(lustre, { recursive: true })
  })
})

async function expectNothingLeft(rig: DirectRig): Promise<void> {
  expect(mountsBelow(rig.mountRoot)).to.deep.equal([])
  expect(await rig.pids('client')).to.deep.equal([])
  for (const path of Object.values(rig.directories))
    expect(readdirSync(path).filter((name) => name.startsWith('client-'))).to.deep.equal([])
}
