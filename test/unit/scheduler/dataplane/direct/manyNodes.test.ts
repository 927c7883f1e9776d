import { expect } from 'chai'
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { viewsOf } from '../../../../../src/model/access.js'
import type { DesiredMount } from '../../../../../src/model/documents/mount.js'
import { prepareSession } from '../../../../../src/scheduler/desired/index.js'
import { direct } from '../../../../../src/scheduler/dataplane/direct/index.js'
import { aBrick, aBuffer, aCluster, aHost, aSession, brickReports, terabyte } from '../../../../support/builders.js'
import { aConfig } from '../../../../support/decisions.js'
import { Rig } from '../../../../support/schedulerRig.js'

const aJob = (nodes: number) =>
  aSession({
    id: 20,
    token: '5',
    buffer: '5',
    computeHosts: Array.from({ length: nodes }, (_, index) => `c${index}`),
    stage: 'running',
  })
const bricks = ['gluster1/nvme1n1', 'gluster2/nvme1n1'].map((place) => ({
  ...aBrick(place),
  at: { address: place.slice(0, 8), port: 29_000 },
}))
const aBufferOf = (certifiedAt = 2000) => ({
  ...aBuffer({
    id: 10,
    name: '5',
    kind: 'job',
    access: ['private'],
    swapBytes: terabyte,
    dataPlane: 'direct',
    secret: 's'.repeat(43),
    certifiedAt,
  }),
  bricks,
})
/** Both authorities are signed for each document of the buffer. */
const authorities = 2
/** Of its two hosts, and of what asks the bricks. */
const ofStorage = 3

/** Counts certificates as they are signed, in all and at most between two turns of the event loop. */
class Signatures {
  all = 0
  maxAtOnce = 0
  private atOnce = 0
  private readonly sign = crypto.sign
  private next: NodeJS.Immediate | undefined

  begin(): void {
    const { sign } = this
    const counted = (...args: Parameters<typeof sign>) => {
      this.all++
      this.maxAtOnce = Math.max(this.maxAtOnce, ++this.atOnce)
      return sign(...args)
    }
    crypto.sign = counted as typeof sign
    syncBuiltinESMExports()
    const turn = () => {
      this.atOnce = 0
      this.next = setImmediate(turn)
    }
    turn()
  }

  end(): void {
    crypto.sign = this.sign
    syncBuiltinESMExports()
    clearImmediate(this.next)
  }

  /** How many were signed since the last question. */
  taken(): number {
    const { all } = this
    this.all = 0
    return all
  }
}

describe('certificates of a job with namespaces and swap on many nodes', () => {
  let signatures: Signatures
  beforeEach(() => {
    signatures = new Signatures()
    signatures.begin()
  })
  afterEach(() => signatures.end())

  it('are made in pieces of one, none of them twice, and without more when 4,000 nodes are told of them', () => {
    const session = aJob(4_000)
    const buffer = aBufferOf()
    const cluster = aCluster({ buffers: [buffer], sessions: [session] })
    let pieces = 0
    let max = 0
    for (const piece of prepareSession(cluster, session)) {
      void piece
      pieces++
      // The first one also makes the authorities, and what asks the bricks.
      if (pieces > 1) max = Math.max(max, signatures.taken())
      else signatures.taken()
    }
    expect([pieces, max]).to.deep.equal([8_002, 1])
    for (const host of session.computeHosts)
      for (const view of viewsOf(buffer)) direct.mountSource(cluster, buffer, view, { host, session: 20 })
    expect([...prepareSession(cluster, session)]).to.deep.equal([])
    expect(signatures.taken()).to.equal(0)
  })

  it('are taken from what hosts were told for another document of the buffer, unless they were renewed', () => {
    const session = aJob(50)
    const mount = (of: ReturnType<typeof aBufferOf>, desired: [string, DesiredMount][] = []) => {
      const cluster = { ...aCluster({ buffers: [of], sessions: [session] }) }
      const all = { ...cluster, desired: { ...cluster.desired, mount: new Map(desired) } }
      return session.computeHosts.map((host): [string, DesiredMount] => {
        const source = direct.mountSource(all, of, 'private', { host, session: 20 })
        return [`${host}/20.10.private`, source as DesiredMount]
      })
    }
    const told = mount(aBufferOf())
    expect(signatures.taken()).to.equal(50 + authorities)
    expect(mount(aBufferOf(), told)).to.deep.equal(told)
    // Clients are told of the authority of bricks alone.
    expect(signatures.taken()).to.equal(1)
    const later = mount(aBufferOf(2001), told)
    expect(signatures.taken()).to.equal(50 + authorities)
    for (const [index, [, { direct: source }]] of later.entries())
      expect(source!.tls!.certificate).to.not.equal(told[index]![1].direct!.tls!.certificate)
  })

  it('are no more than a hundred between two turns of the event loop, and none again to unmount or by the next leader', async () => {
    const nodes = 600
    const config = aConfig({ pools: { dedicated_nvme: { granularity: terabyte, dataPlane: 'direct', tls: true } } })
    const hosts = ['gluster1', 'gluster2'].map((name) => aHost(name, { brickPorts: { first: 29_000, last: 29_999 } }))
    const rig = await Rig.start({ hosts, config })
    rig.agents.obey()
    for (const kind of ['mount', 'swap'] as const) rig.agents.silenceKind(kind)
    const buffer = aBufferOf()
    await rig.agents.report(brickReports(buffer))
    rig.etcd.write(
      [],
      [
        { put: 'buffers/5', value: buffer },
        { put: 'sessions/5', value: aJob(nodes) },
      ],
    )
    await rig.quiet()
    const told = () => rig.told().filter((line) => line.includes(': mount'))
    expect(told()).to.have.lengthOf(2 * nodes)
    // The buffer's document changes once, when it is built.
    expect(signatures.taken()).to.be.within(2 * nodes + ofStorage, 2 * nodes + ofStorage + 2 * authorities)
    expect(signatures.maxAtOnce).to.be.at.most(100 + ofStorage + authorities)
    const next = await Rig.start({ beside: rig, config })
    await next.quiet()
    next.etcd.write([], [{ put: 'sessions/5', value: { ...aJob(nodes), stage: 'leaving' } }])
    await next.quiet()
    expect(told().every((line) => line.endsWith('absent'))).to.equal(true)
    expect(signatures.taken()).to.be.at.most(3 * authorities)
  })
})
