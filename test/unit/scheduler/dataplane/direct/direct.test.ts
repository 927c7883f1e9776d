import { expect } from 'chai'
import { X509Certificate } from 'node:crypto'
import { createPersistent, endJob, startJob, teardown } from '../../../../../src/scheduler/admission/index.js'
import type { BufferDocument } from '../../../../../src/model/documents/buffer.js'
import type { Credential } from '../../../../../src/model/documents/direct.js'
import type { DesiredBrick } from '../../../../../src/model/documents/brick.js'
import type { DesiredMount } from '../../../../../src/model/documents/mount.js'
import type { DirectVolume } from '../../../../../src/model/documents/volume.js'
import { servedFingerprintOf } from '../../../../../src/model/fingerprint.js'
import { brickOffline } from '../../../../../src/model/messages.js'
import { fingerprintOf } from '../../../../../src/model/fingerprint.js'
import { phaseOf } from '../../../../../src/model/phase.js'
import { exportsOf, holderOf, loginOf } from '../../../../../src/scheduler/dataplane/direct/exports.js'
import { transitionOfBuffer } from '../../../../../src/scheduler/desired/index.js'
import { direct } from '../../../../../src/scheduler/dataplane/direct/index.js'
import { noPortLeft, servesNone } from '../../../../../src/scheduler/dataplane/direct/messages.js'
import {
  aBrick,
  aBuffer,
  aCluster,
  aHost,
  alice,
  aSession,
  brickReports,
  mountReport,
  terabyte,
  uuids,
  volumeReport,
} from '../../../../support/builders.js'
import { aConfig } from '../../../../support/decisions.js'
import { Rig } from '../../../../support/schedulerRig.js'

const brickPorts = { first: 29_000, last: 29_999 }
const storage = (name: string, ports = brickPorts) => aHost(name, { brickPorts: ports })
const compute = (name: string) => aHost(name, { devices: 0, roles: ['compute'] })
const hosts = () => [storage('gluster1'), storage('gluster2'), compute('c1'), compute('c2')]
const config = aConfig({
  pools: { dedicated_nvme: { granularity: terabyte, dataPlane: 'direct' } },
})
const clients = { adminClients: ['admin1'], computeNetworks: [] }

async function create(rig: Rig, name = 'data', slots = 2, settings = config) {
  const asked = { name, ...alice, pool: undefined, bytes: slots * terabyte, access: ['striped' as const] }
  const { newUuid } = rig.deps
  return rig.run(
    rig.committer.commit((cluster) =>
      createPersistent(cluster, asked, { config: settings, now: rig.clock.unixSeconds(), newUuid }),
    ),
  )
}

const bufferOf = (rig: Rig, name = 'data') => rig.read<BufferDocument>(`buffers/${name}`)!
const volumeOn = (rig: Rig, host: string, name = 'data') => rig.read<DirectVolume>(`desired/${host}/volume/${name}`)
const isBuilt = (rig: Rig, name = 'data') => bufferOf(rig, name)?.builtAt !== undefined

async function ready(parts = hosts(), settings = config): Promise<Rig> {
  const rig = await Rig.start({ hosts: parts, config: settings })
  rig.agents.obey()
  await create(rig, 'data', 2, settings)
  await rig.until('the buffer to be built', () => isBuilt(rig))
  await rig.quiet()
  return rig
}

/** A job that uses the buffer, as it is when its nodes are known. */
async function runOn(rig: Rig, token: string, ...computeHosts: string[]) {
  const session = aSession({ id: Number(token) + 1000, token, kind: 'job', uses: ['data'] })
  rig.etcd.write([], [{ put: `sessions/${token}`, value: session }])
  await rig.quiet()
  await rig.run(rig.committer.commit((cluster) => startJob(cluster, { token, computeHosts, clients })))
  await rig.quiet()
  return session
}

async function end(rig: Rig, token: string) {
  await rig.run(rig.committer.commit((cluster) => endJob(cluster, { token })))
  await rig.run(rig.committer.commit((cluster) => teardown(cluster, { token })))
  await rig.quiet()
}

describe('a buffer of the data plane direct', () => {
  it('is served by each of its hosts alone, on a port of its own, to its storage hosts', async () => {
    const rig = await ready()
    const [one, two] = [volumeOn(rig, 'gluster1')!, volumeOn(rig, 'gluster2')!]
    expect([one, two].map(({ bricks }) => bricks.map(({ device, port }) => `${device} ${port}`))).to.deep.equal([
      ['nvme1n1 29000'],
      ['nvme1n1 29000'],
    ])
    expect(one.clients).to.deep.equal(['gluster1', 'gluster2'])
    expect(one.exports).to.deep.equal(two.exports)
    expect(one.exports.map(({ name, directory, uid, mode }) => ({ name, directory, uid, mode }))).to.deep.equal([
      { name: 'striped', directory: '/', uid: alice.uid, mode: 0o700 },
    ])
    expect(rig.read<DesiredBrick>('desired/gluster1/brick/nvme1n1')!.dataPlane).to.equal('direct')
  })

  it('is built when every host serves its bricks, and not before', async () => {
    const rig = await Rig.start({ hosts: hosts(), config })
    await create(rig)
    await rig.agents.report(brickReports(bufferOf(rig)))
    await rig.quiet()
    await rig.agents.report(volumeReport(bufferOf(rig), { host: 'gluster1' }))
    await rig.quiet()
    expect(isBuilt(rig)).to.equal(false)
    await rig.agents.report(volumeReport(bufferOf(rig), { host: 'gluster2' }))
    await rig.until('the buffer to be built', () => isBuilt(rig))
  })

  it('gets ports that no other brick of the host has', async () => {
    const rig = await ready()
    await create(rig, 'more')
    await rig.until('the buffer to be built', () => isBuilt(rig, 'more'))
    expect(bufferOf(rig, 'more').bricks.map(({ at }) => at)).to.deep.equal([
      { address: 'gluster1', port: 29_001 },
      { address: 'gluster2', port: 29_001 },
    ])
  })

  it('is moved to another port that nothing listens on, as long as it is not built', async () => {
    const rig = await Rig.start({ hosts: hosts(), config })
    await create(rig)
    const buffer = bufferOf(rig)
    await rig.agents.report(brickReports(buffer))
    await rig.quiet()
    const taken = volumeReport(buffer, { host: 'gluster2', state: 'forming', takenPorts: [29_000] })
    await rig.agents.report({ ...volumeReport(buffer, { host: 'gluster1' }), ...taken })
    await rig.quiet()
    expect(volumeOn(rig, 'gluster2')!.bricks[0]!.port).to.equal(29_001)
    expect(volumeOn(rig, 'gluster1')!.bricks[0]!.port).to.equal(29_000)
    const events = rig.etcd.list('events/').entries.map(({ value }) => (value as { text: string }).text)
    expect(events).to.include('brick nvme1n1 on gluster2 moved from port 29000 to 29001: another program listens there')
  })

  it('tries each port of the range when other programs have several, and none of them twice in turn', async () => {
    const rig = await Rig.start({ hosts: hosts(), config })
    await create(rig)
    await rig.agents.report(brickReports(bufferOf(rig)))
    await rig.quiet()
    const tried = []
    for (let times = 0; times < 4; times++) {
      const { port } = volumeOn(rig, 'gluster2')!.bricks[0]!
      tried.push(port)
      const taken = volumeReport(bufferOf(rig), { host: 'gluster2', state: 'forming', takenPorts: [port] })
      await rig.agents.report({ ...volumeReport(bufferOf(rig), { host: 'gluster1' }), ...taken })
      await rig.quiet()
    }
    expect(tried).to.deep.equal([29_000, 29_001, 29_002, 29_003])
  })

  it('is refused where no port is left, and where a host serves no bricks of this plane', async () => {
    const small = await Rig.start({ hosts: [storage('gluster1', { first: 29_000, last: 29_000 })], config })
    expect(await create(small)).to.deep.equal({ refused: noPortLeft('gluster1', { first: 29_000, last: 29_000 }) })
    const old = await Rig.start({ hosts: [aHost('gluster1')], config })
    expect(await create(old)).to.deep.equal({ refused: servesNone('gluster1') })
    expect([...small.keys('buffers/'), ...old.keys('buffers/')]).to.deep.equal([])
  })

  it('lets the nodes of a job in before they mount, with a login of the export, and out when they have let go', async () => {
    const rig = await ready()
    rig.agents.silence('gluster2')
    await runOn(rig, '5', 'c1', 'c2')
    expect(volumeOn(rig, 'gluster1')!.clients).to.deep.equal(['c1', 'c2', 'gluster1', 'gluster2'])
    expect(rig.told().filter((line) => line.includes('mount'))).to.deep.equal([])

    const rig2 = await ready()
    await runOn(rig2, '5', 'c1', 'c2')
    const mount = rig2.read<DesiredMount>(`desired/c1/mount/1005.${bufferOf(rig2).id}`)!
    const { login } = volumeOn(rig2, 'gluster1')!.exports[0]!
    expect(mount.direct).to.deep.equal({
      export: 'striped',
      login,
      bricks: [
        { address: 'gluster1', port: 29_000 },
        { address: 'gluster2', port: 29_000 },
      ],
    })
    await end(rig2, '5')
    expect(volumeOn(rig2, 'gluster1')!.clients).to.deep.equal(['gluster1', 'gluster2'])
  })

  /** Reports what both hosts are told to serve now, when it is called. */
  function whatTheyServe(rig: Rig): () => Promise<void> {
    const seen = ['gluster1', 'gluster2'].map((host) => {
      const document = volumeOn(rig, host)!
      const letIn = { allow: fingerprintOf(document), sessionsLetIn: document.sessionsLetIn }
      return volumeReport(bufferOf(rig), { host, ...letIn })
    })
    return async () => {
      for (const report of seen) await rig.agents.report(report)
      await rig.quiet()
    }
  }

  it('waits for the nodes of a job to be let in also when an earlier job had the same ones', async () => {
    const rig = await ready()
    rig.agents.silence('gluster1')
    rig.agents.silence('gluster2')
    // While it runs, the buffer keeps its secret.
    await runOn(rig, '7', 'c2')
    await runOn(rig, '5', 'c1')
    await whatTheyServe(rig)()
    await end(rig, '5')
    await runOn(rig, '6', 'c1')
    const ofSixth = () => rig.told().filter((line) => line.includes('mount 1006'))
    expect(ofSixth()).to.deep.equal([])
    await whatTheyServe(rig)()
    expect(ofSixth()).to.deep.equal(['c1: mount 1006.2 present'])
  })

  it('lets a job in however many others come and go meanwhile', async () => {
    const rig = await ready()
    rig.agents.silence('gluster1')
    rig.agents.silence('gluster2')
    await runOn(rig, '5', 'c1')
    const withFifth = whatTheyServe(rig)
    await runOn(rig, '6', 'c2')
    await withFifth()
    expect(rig.told().filter((line) => line.includes('mount'))).to.deep.equal(['c1: mount 1005.2 present'])
    const withBoth = whatTheyServe(rig)
    await end(rig, '5')
    await withBoth()
    expect(rig.told().filter((line) => line.includes('mount') && line.includes('present'))).to.deep.equal([
      'c2: mount 1006.2 present',
    ])
  })

  it('is mounted with all its bytes but half a brick: with fewer a brick is not connected', async () => {
    const rig = await ready()
    const sizes = { gluster1: 1000, gluster2: 600 }
    for (const [host, bytes] of Object.entries(sizes)) {
      const { sessionsLetIn, ...document } = volumeOn(rig, host)!
      const whole = { host, allow: fingerprintOf(document), sessionsLetIn, brickBytes: [bytes] }
      await rig.agents.report(volumeReport(bufferOf(rig), whole))
    }
    await rig.quiet()
    expect(
      direct.mountSource(rig.cache, bufferOf(rig), 'striped', { host: 'c1', session: 20 }).direct!.minBytes,
    ).to.equal(1300)
    await rig.agents.report(volumeReport(bufferOf(rig), { host: 'gluster2' }))
    await rig.quiet()
    expect(
      direct.mountSource(rig.cache, bufferOf(rig), 'striped', { host: 'c1', session: 20 }).direct,
    ).to.not.have.property('minBytes')
  })

  it('is not mounted while a host of it is away, which may serve something else', async () => {
    const rig = await ready()
    rig.agents.silence('gluster2')
    await rig.agents.lose('gluster2')
    await runOn(rig, '5', 'c1')
    expect(rig.told().filter((line) => line.includes('mount'))).to.deep.equal([])
  })

  it('has another secret when no job uses it any more, and the same one while some job does', async () => {
    const rig = await ready()
    const first = bufferOf(rig).secret
    await runOn(rig, '5', 'c1')
    await runOn(rig, '6', 'c2')
    await end(rig, '5')
    expect(bufferOf(rig).secret).to.equal(first)
    await end(rig, '6')
    await rig.until('another secret', () => bufferOf(rig).secret !== first)
    await rig.quiet()
    expect(bufferOf(rig).secretGiven).to.equal(undefined)
    const second = bufferOf(rig).secret
    rig.clock.advance(61_000)
    await rig.quiet()
    expect(bufferOf(rig).secret).to.equal(second)
  })

  it('keeps its secret while a node that is away may have it mounted', async () => {
    const rig = await ready()
    const first = bufferOf(rig).secret
    const session = await runOn(rig, '5', 'c1')
    rig.agents.silence('c1')
    await rig.agents.report(mountReport('c1', session, bufferOf(rig), { state: 'leaving' }))
    await end(rig, '5')
    expect(bufferOf(rig).secret).to.equal(first)
  })

  it('goes host by host: one that is away keeps its own bricks alone', async () => {
    const rig = await ready()
    rig.agents.silence('gluster2')
    await rig.agents.lose('gluster2')
    await rig.quiet()
    await rig.run(rig.committer.commit((cluster) => teardown(cluster, { token: 'data' })))
    await rig.quiet()
    expect(rig.told().filter((line) => !line.includes('peer'))).to.deep.equal([
      'gluster1: brick nvme1n1 absent',
      'gluster1: volume data absent',
      'gluster2: brick nvme1n1 present',
      'gluster2: volume data absent',
    ])
    expect(volumeOn(rig, 'gluster2')).to.deep.include({ exports: [], clients: [] })
  })

  it('leaves no key when it is gone', async () => {
    const rig = await ready()
    await rig.run(rig.committer.commit((cluster) => teardown(cluster, { token: 'data' })))
    await rig.until('the buffer to be gone', () => rig.keys('buffers/').length === 0)
    await rig.quiet()
    expect(rig.told().filter((line) => !line.includes('peer'))).to.deep.equal([])
  })

  it('replaces a brick without another volume, and takes the old one away once its host does not serve it', async () => {
    const rig = await Rig.start({ hosts: hosts(), config })
    await create(rig)
    const buffer = bufferOf(rig)
    await rig.agents.report(brickReports(buffer))
    await rig.quiet()
    const bad = {
      'brick gluster2/nvme1n1': {
        ...brickReports(buffer)['brick gluster2/nvme1n1']!,
        state: 'forming' as const,
        problem: { message: 'it is worn out', terminal: true },
      },
    }
    await rig.agents.report(bad)
    await rig.quiet()
    expect(bufferOf(rig)).to.include({ volume: 'data', directory: 'brick' })
    expect(volumeOn(rig, 'gluster2')!.bricks.map(({ device, port }) => `${device} ${port}`)).to.deep.equal([
      'nvme2n1 29001',
    ])
    expect(rig.told()).to.include('gluster2: brick nvme1n1 absent')
  })

  it('is degraded while a host of it is away, and ready again when that one serves', async () => {
    const rig = await ready()
    const phase = () => phaseOf(rig.cache, bufferOf(rig)).phase
    expect(phase()).to.equal('ready')
    await rig.agents.report(volumeReport(bufferOf(rig), { host: 'gluster2', state: 'degraded', offline: ['/x/brick'] }))
    await rig.until('it to be degraded', () => phase() === 'degraded')
    expect(phaseOf(rig.cache, bufferOf(rig)).waitingFor).to.deep.equal([brickOffline('gluster2:/x/brick')])
    await rig.agents.report(volumeReport(bufferOf(rig), { host: 'gluster2' }))
    await rig.until('it to be ready', () => phase() === 'ready')
    await rig.agents.lose('gluster2')
    await rig.until('it to be degraded', () => phase() === 'degraded')
  })
})

describe('a buffer of the data plane direct with TLS', () => {
  const day = 86_400
  const withTls = aConfig({
    pools: { dedicated_nvme: { granularity: terabyte, dataPlane: 'direct', tls: true } },
  })
  const mountOn = (rig: Rig, host: string, session: number) =>
    rig.read<DesiredMount>(`desired/${host}/mount/${session}.${bufferOf(rig).id}`)!.direct!
  const subjectOf = ({ certificate }: Credential) => new X509Certificate(certificate).subject

  it('tells hosts no password, but certificates: the bricks’ to the one, the session’s to the other', async () => {
    const rig = await ready(hosts(), withTls)
    await runOn(rig, '5', 'c1', 'c2')
    const [one, two] = [volumeOn(rig, 'gluster1')!, volumeOn(rig, 'gluster2')!]
    const mount = mountOn(rig, 'c1', 1005)
    for (const each of [one, two, mount]) expect(JSON.stringify(each)).to.not.include('password')
    const { holder } = one.exports[0]!
    expect([one.tls!.serves, one.tls!.asks, mount.tls!].map(subjectOf)).to.deep.equal([
      'CN=bricks',
      'CN=storage.host',
      `CN=${holder}.1005`,
    ])
    expect(one.tls!.serves.key).to.not.equal(two.tls!.serves.key)
    expect(mountOn(rig, 'c2', 1005)).to.deep.equal(mount)
  })

  it('renews its certificates after 30 days, while a job uses it, and keeps its keys', async () => {
    const rig = await ready(hosts(), withTls)
    await runOn(rig, '5', 'c1')
    const first = mountOn(rig, 'c1', 1005).tls!
    const served = volumeOn(rig, 'gluster1')!
    rig.clock.advance(29 * day * 1000)
    await rig.quiet()
    expect(mountOn(rig, 'c1', 1005).tls).to.deep.equal(first)
    rig.clock.advance(1.01 * day * 1000)
    await rig.quiet()
    const second = mountOn(rig, 'c1', 1005).tls!
    expect(second).to.deep.include({ key: first.key, authority: first.authority })
    expect(second.certificate).to.not.equal(first.certificate)
    const renewed = volumeOn(rig, 'gluster1')!
    expect(renewed.tls!.serves.certificate).to.not.equal(served.tls!.serves.certificate)
    // No process is started anew.
    const [brick] = served.bricks
    expect(servedFingerprintOf(renewed, brick!)).to.equal(servedFingerprintOf(served, brick!))
  })

  it('has other authorities when no job uses it any more', async () => {
    const rig = await ready(hosts(), withTls)
    await runOn(rig, '5', 'c1')
    const first = volumeOn(rig, 'gluster1')!
    await end(rig, '5')
    await rig.until(
      'other authorities',
      () => volumeOn(rig, 'gluster1')!.tls!.serves.authority !== first.tls!.serves.authority,
    )
    expect(volumeOn(rig, 'gluster1')!.exports[0]!.holder).to.not.equal(first.exports[0]!.holder)
  })
})

describe('a buffer of the data plane direct with namespaces of the nodes', () => {
  const buffer = {
    ...aBuffer({
      name: '5',
      access: ['striped', 'private'],
      swapBytes: terabyte,
      dataPlane: 'direct',
      secret: 's'.repeat(43),
    }),
    bricks: ['gluster1/nvme1n1', 'gluster2/nvme1n1'].map((place) => ({
      ...aBrick(place),
      at: { address: place.slice(0, 8), port: 29_000 },
    })),
  }
  const running = aSession({ id: 20, token: '5', buffer: '5', computeHosts: ['c1', 'c2'], stage: 'running' })
  const cluster = aCluster({ hosts: hosts(), buffers: [buffer], sessions: [running] })

  it('has an export and a login for each node, which opens that one alone', () => {
    const found = exportsOf(cluster, buffer)
    expect(found.map(({ name, directory, uid }) => [name, directory, uid])).to.deep.equal([
      ['striped', '/striped', alice.uid],
      ['private-c1', '/private/c1', alice.uid],
      ['private-c2', '/private/c2', alice.uid],
      ['swap-c1', '/swap/c1', 0],
      ['swap-c2', '/swap/c2', 0],
    ])
    const logins = found.flatMap(({ login }) => [login!.user, login!.password])
    expect(new Set(logins).size).to.equal(10)
    expect(loginOf({ secret: 't'.repeat(43) }, 'striped')).not.to.deep.equal(loginOf(buffer, 'striped'))
  })

  it('with TLS gives each node a certificate for its own exports, and storage hosts one for all', () => {
    const certified = { ...buffer, certifiedAt: 2000 }
    const client = { host: 'c1', session: 20 }
    const subjectOf = ({ certificate }: Credential) => new X509Certificate(certificate).subject
    const own = direct.mountSource(cluster, certified, 'private', client).direct!
    expect(own).to.not.have.property('login')
    expect(subjectOf(own.tls!)).to.equal(`CN=${holderOf(certified, 'private-c1')}.20`)
    const namespace = { directory: '/private', nodes: ['c1', 'c2'], template: '/template' }
    const fill = direct.transferSource(certified, namespace, 20)
    expect(subjectOf(fill.tls!)).to.equal('CN=storage.20')
    expect(JSON.stringify(fill)).to.not.include('password')
    const holders = exportsOf(cluster, certified).map(({ holder }) => holder)
    expect(new Set(holders).size).to.equal(5)
  })

  it('renews certificates also while it leaves and a job still holds it', () => {
    const leaving = { ...buffer, certifiedAt: 2000, wanted: 'absent' as const }
    const held = aCluster({ hosts: hosts(), buffers: [leaving], sessions: [running] })
    const at = (now: number) =>
      transitionOfBuffer(held, leaving, { now, newUuid: uuids(), isLost: () => false })?.changes.map((change) =>
        change.kind === 'buffer' ? change.document?.certifiedAt : undefined,
      )
    const month = 30 * 86_400
    expect(at(2000 + month)).to.deep.equal([2000 + month])
    expect(at(1999 + month)).to.equal(undefined)
  })

  it('gives a node what it mounts, and a storage host what it copies', () => {
    expect(direct.mountSource(cluster, buffer, 'private', { host: 'c1', session: 20 }).direct).to.deep.include({
      export: 'private-c1',
      login: loginOf(buffer, 'private-c1'),
    })
    expect(direct.mountSource(cluster, buffer, 'striped', { host: 'c1', session: 20 }).direct!.export).to.equal(
      'striped',
    )
    expect(direct.swapSource('c1')).to.deep.equal({ export: 'swap-c1' })
    const fill = direct.transferSource(
      buffer,
      { directory: '/private', nodes: ['c1', 'c2'], template: '/template' },
      20,
    )
    expect(fill.direct!.map(({ export: name, directory }) => [name, directory])).to.deep.equal([
      ['private-c1', '/private/c1'],
      ['private-c2', '/private/c2'],
      ['template', '/template'],
    ])
    expect(
      direct.transferSource(buffer, { directory: '/striped' }, 20).direct!.map(({ export: name }) => name),
    ).to.deep.equal(['striped'])
  })
})
