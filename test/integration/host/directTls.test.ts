import { expect } from 'chai'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { until } from '../../../lab/common/until.js'
import { idOf } from '../../../src/agent/host/dataplane/direct/client.js'
import { writeCredential } from '../../../src/agent/host/dataplane/direct/credentials.js'
import { filesOf } from '../../../src/agent/host/dataplane/direct/files.js'
import { certificateRanOut, toMount, toServe } from '../../../src/agent/host/dataplane/direct/messages.js'
import { type Answer, type Probe, probeBrick, probeTlsOf } from '../../../src/agent/host/dataplane/direct/probe.js'
import { Unavailable } from '../../../src/agent/port/host.js'
import type { Credential } from '../../../src/model/documents/direct.js'
import type { DesiredMount } from '../../../src/model/documents/mount.js'
import type { DirectVolume } from '../../../src/model/documents/volume.js'
import {
  brickCredential,
  clientCredential,
  storageHolder,
} from '../../../src/scheduler/dataplane/direct/certificates.js'
import { holderOf } from '../../../src/scheduler/dataplane/direct/exports.js'
import { aCertified } from '../../support/certified.js'
import { DirectRig, mountsBelow } from '../../support/directRig.js'
import { needsRoot } from '../../support/loopDevices.js'

const day = 86_400
const now = () => Math.floor(Date.now() / 1000)
const session = 20

describe('buffers that are served with TLS, by documents (root)', function () {
  this.timeout(120_000)
  let rig: DirectRig
  let secret: string
  /** Documents of one test have certificates of one time. */
  let begun: number

  before(function () {
    needsRoot(this)
  })
  beforeEach(async () => {
    rig = await DirectRig.with(2)
    begun = now()
    secret = randomBytes(32).toString('base64url')
  })
  afterEach(() => rig.close())

  const buffer = (certifiedAt = begun) => aCertified(certifiedAt, { secret, createdAt: 1_000 })
  const client = (name = 'striped', of = buffer()) => clientCredential(of, holderOf(of, name), session)

  function volume(of = buffer(), parts: Partial<DirectVolume> = {}): DirectVolume {
    const tls = {
      serves: brickCredential(of, 'test'),
      asks: clientCredential(of, storageHolder, undefined),
      storage: storageHolder,
    }
    const exports = ['striped', 'private-c1'].map((name) => {
      const { login, ...rest } = rig.export(name, `/${name}`)
      expect(login).to.not.equal(undefined)
      return { ...rest, holder: holderOf(of, name) }
    })
    return rig.volumeDocument({ tls, exports, ...parts })
  }

  function mount(credential: Credential = client(), parts: Partial<DesiredMount> = {}): DesiredMount {
    const { login, ...source } = rig.source('striped')
    expect(login).to.not.equal(undefined)
    return rig.mountDocument('striped', { direct: { ...source, tls: credential }, ...parts })
  }

  async function serve(document = volume()) {
    await rig.makeBricks({ uid: 0, gid: 0, mode: 0o711 })
    return rig.settle('volume', document)
  }

  const ask = (parts: Partial<Probe>): Promise<Answer> =>
    probeBrick({ host: '127.0.0.1', port: rig.bricks[0]!.port, export: 'striped', timeoutMs: 60_000, ...parts })
  const askWith = async (credential: Credential, parts: Partial<Probe> = {}) =>
    (await ask({ tls: probeTlsOf(credential), ...parts })).kind

  async function noClientIsLeft() {
    expect(mountsBelow(rig.mountRoot)).to.deep.equal([])
    expect(await rig.pids('client')).to.deep.equal([])
    for (const path of Object.values(rig.directories))
      expect(readdirSync(path).filter((name) => name.startsWith('client-'))).to.deep.equal([])
  }

  it('are read and written; only root can read their keys, which go with their processes', async () => {
    const { report } = await serve()
    expect(report).to.deep.include({ state: 'started', offline: [] })
    await rig.settle('mount', mount())
    const file = join(mount().path, 'file')
    writeFileSync(file, 'text')
    rig.restartAgent()
    for (const [kind, document] of [
      ['volume', volume()],
      ['mount', mount()],
    ] as const)
      expect((await rig.settle(kind, document)).took).to.deep.equal([])
    expect(readFileSync(file, 'utf8')).to.equal('text')

    expect(statSync(rig.directories.run).mode & 0o777).to.equal(0o700)
    for (const name of readdirSync(rig.directories.run)) {
      expect(name).to.match(/^(brick|client)-[0-9a-f-]+\.(pid|pem|authority\.pem)$/)
      if (name.endsWith('.pem')) expect(statSync(join(rig.directories.run, name)).mode & 0o777).to.equal(0o600)
    }
    const key = client().key.split('\n')[1]!
    for (const pid of [...(await rig.pids('client')), ...(await rig.pids('brick'))])
      for (const what of ['cmdline', 'environ'])
        expect(readFileSync(`/proc/${pid}/${what}`, 'utf8')).to.not.include(key)
    for (const name of readdirSync(rig.directories.log))
      expect(readFileSync(join(rig.directories.log, name), 'utf8')).to.not.include(key)
    expect(() => readdirSync(join(mount().path, '.meta'))).to.throw('ENOENT')

    await rig.settle('mount', mount(client(), { wanted: 'absent' }))
    await noClientIsLeft()
    const { tls: none, ...absent } = volume(buffer(), { wanted: 'absent', exports: [], clients: [] })
    expect(none).to.not.equal(undefined)
    await rig.settle('volume', absent)
    expect(Object.values(rig.directories).flatMap((path) => readdirSync(path))).to.deep.equal([])
  })

  it('let nobody in but the holders of the export', async () => {
    await serve()
    expect(await askWith(client())).to.equal('accepted')
    expect(await askWith(clientCredential(buffer(), storageHolder, 7))).to.equal('accepted')
    expect(await askWith(client('private-c1'))).to.equal('refused')
    expect(await askWith(client(), { export: 'private-c1' })).to.equal('refused')
    expect(await askWith(client('private-c1'), { export: 'private-c1' })).to.equal('accepted')
    // Authorities of another buffer, of one with another secret, and of the bricks.
    const other = aCertified(now(), { id: 11, secret: 'x'.repeat(43) })
    const { authority } = client()
    expect(await askWith({ ...client('striped', other), authority })).to.equal('closed')
    expect(await askWith({ ...brickCredential(buffer(), 'test'), authority })).to.equal('closed')
    const expired = client('striped', buffer(now() - 61 * day))
    const answer = await ask({ tls: probeTlsOf({ ...expired, authority }) })
    expect(answer).to.deep.include({ kind: 'closed' })
    expect('reason' in answer && answer.reason).to.include('certificate expired')
    // In clear, with a login, and by TLS without a certificate.
    expect((await ask({})).kind).to.be.oneOf(['closed', 'unexpected'])
    expect((await ask({ login: rig.source('striped').login! })).kind).to.be.oneOf(['closed', 'unexpected'])
    expect(await withoutCertificate()).to.match(/certificate required|closed|ECONNRESET|handshake failure/)
    expect(await askWith(client())).to.equal('accepted')
  })

  /** How the connection of somebody who has no certificate ends. */
  async function withoutCertificate(): Promise<string> {
    return new Promise((resolve) => {
      const socket = connect({
        host: '127.0.0.1',
        port: rig.bricks[0]!.port,
        ca: client().authority,
        checkServerIdentity: () => undefined,
      })
      socket.on('error', (error) => resolve(error.message))
      socket.on('close', () => resolve('closed'))
      socket.on('data', () => resolve('answered'))
      // With TLS 1.3 a client learns only then that it is refused.
      socket.on('secureConnect', () => socket.write('x'))
    })
  }

  it('are not mounted with what opens something else, and nothing is left then', async () => {
    await serve()
    const other = aCertified(now(), { id: 11, secret: 'x'.repeat(43) })
    for (const wrong of [client('private-c1'), client('striped', other)]) {
      expect(await rig.mountFailure(mount(wrong))).to.be.instanceOf(Unavailable)
      await noClientIsLeft()
    }
    await rig.settle('mount', mount())
  })

  it('are not read from bricks that show what a client has: no node passes for a storage host', async () => {
    await serve()
    await rig.settle('mount', mount())
    const file = join(mount().path, 'file')
    writeFileSync(file, 'text')
    const killBricks = async () => {
      for (const pid of await rig.pids('brick')) process.kill(pid, 'SIGKILL')
      await until({ what: 'no brick is served' }, async () => (await rig.pids('brick')).length === 0)
    }
    await killBricks()
    const { tls, ...rest } = volume()
    const serves = { ...client(), authority: tls!.serves.authority }
    await rig.round('volume', { ...rest, tls: { ...tls!, serves } })
    expect(await rig.pids('brick')).to.have.length(2)
    const log = readdirSync(rig.directories.log).find((name) => name.startsWith('client-'))!
    await until({ what: 'the client to refuse them', deadlineMs: 60_000 }, () =>
      Promise.resolve(readFileSync(join(rig.directories.log, log), 'utf8').includes('certificate verify failed')),
    )
    expect(read(file)).to.equal('ENOTCONN')
    await killBricks()
    await rig.settle('volume', volume())
    await until({ what: 'the file to be read', deadlineMs: 60_000 }, () => Promise.resolve(read(file) === 'text'))
  })

  /** Its text, or the code of the error. */
  function read(file: string): string | undefined {
    try {
      return readFileSync(file, 'utf8')
    } catch (error) {
      return (error as NodeJS.ErrnoException).code
    }
  }

  it('say that a certificate has run out, since when, and what to do, and leave nothing half done', async () => {
    const at = now() - 61 * day
    const ranOut = at + 60 * day
    await rig.makeBricks({ uid: 0, gid: 0, mode: 0o711 })
    const { took, waitingFor } = await rig.round('volume', volume(buffer(at)))
    expect(took).to.deep.equal([`make the exports of volume ${rig.volume}`])
    expect(waitingFor).to.deep.equal([certificateRanOut(toServe(rig.volume), ranOut)])
    expect(await rig.pids('brick')).to.deep.equal([])
    await rig.settle('volume', volume())
    const error = await rig.mountFailure(mount(client('striped', buffer(at))))
    expect(error).to.be.instanceOf(Unavailable)
    expect(error.message).to.equal(certificateRanOut(toMount(rig.volume), ranOut))
    await noClientIsLeft()
    await rig.settle('mount', mount())
  })

  it('go on with certificates that were renewed: bricks at once, and mounts when they connect again', async () => {
    await serve()
    const before = await rig.pids('brick')
    await rig.settle('mount', mount())
    const [mounted] = await rig.pids('client')
    const file = join(mount().path, 'file')
    writeFileSync(file, 'text')
    // As if they had been started 61 days ago.
    const expired = buffer(now() - 61 * day)
    for (const { uuid } of rig.bricks)
      await writeCredential(filesOf('brick', uuid, rig.directories), brickCredential(expired, 'test'))
    await writeCredential(filesOf('client', idOf(mount().path), rig.directories), client('striped', expired))
    expect(await askWith(client())).to.equal('closed')
    // A connection that stands goes on.
    expect(readFileSync(file, 'utf8')).to.equal('text')

    expect((await rig.settle('volume', volume())).took).to.deep.equal([
      `renew the certificates of volume ${rig.volume}`,
    ])
    expect(await rig.pids('brick')).to.deep.equal(before)
    expect(await askWith(client())).to.equal('accepted')

    for (const pid of before) process.kill(pid, 'SIGKILL')
    await rig.settle('volume', volume())
    // What the mount has nobody believes any more.
    expect(read(file)).to.equal('ENOTCONN')
    expect((await rig.round('mount', mount())).took).to.deep.equal([`renew the certificate of ${mount().path}`])
    await until({ what: 'the file to be read', deadlineMs: 60_000 }, () => Promise.resolve(read(file) === 'text'))
    expect((await rig.settle('mount', mount())).took).to.deep.equal([])
    expect(await rig.pids('client')).to.deep.equal([mounted])
  })
})
