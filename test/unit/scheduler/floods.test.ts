import { atOnce } from '../../../src/daemon/slices.js'
import { expect } from 'chai'
import { moreKeysUnreadable } from '../../../src/scheduler/operators/messages.js'
import { createPersistent } from '../../../src/scheduler/admission/index.js'
import { statusView } from '../../../src/scheduler/operators/statusView.js'
import { keys } from '../../../src/store/keys.js'
import { aHost, aSession, alice, brickReports, terabyte, volumeReport } from '../../support/builders.js'
import { Rig } from '../../support/schedulerRig.js'

/* What one host writes without end, into keys that it may write. */

const c1 = () => aHost('c1', { devices: 0, roles: ['compute'] })
const stray = (number: number) => keys.observed('c1', 'mount', `${number}.1`)
const report = { v: 1, state: 'mounted', waitingFor: [] }

async function flood(rig: Rig, count: number, value: object): Promise<void> {
  for (let number = 1; number <= count; number++) rig.etcd.write([], [{ put: stray(number), value }])
  await rig.quiet()
}

describe('reports on what a host is not told', () => {
  let rig: Rig
  beforeEach(async () => {
    rig = await Rig.start({ hosts: [aHost('gluster1'), c1()] })
  })
  const kept = () => [...rig.cache.observed.mount.keys()].length

  it('are kept while they are few, and the newest of many', async () => {
    await flood(rig, 1_000, report)
    expect([kept(), rig.cache.problems()]).to.deep.equal([1_000, []])
    rig.etcd.write([], [{ put: stray(5_000), value: report }])
    await rig.quiet()
    expect(kept()).to.equal(1_000)
    expect(rig.cache.observed.mount.has('c1/5000.1')).to.equal(true)
    expect(rig.cache.observed.mount.has('c1/1.1')).to.equal(false)
    expect(rig.cache.revisionOf(stray(1))).to.equal(0)
    expect(rig.cache.problems().join()).to.match(/host c1 reports on more than it is told/)
  })

  it('are bounded by their size as well', async () => {
    await flood(rig, 30, { ...report, waitingFor: Array<string>(64).fill('x'.repeat(16_000)) })
    expect(kept()).to.be.within(1, 9)
  })

  it('are as few when they cannot be read, and are not all shown', async () => {
    await flood(rig, 1_100, { v: 1, nonsense: true })
    expect(rig.cache.invalid.size).to.equal(1_000)
    const { problems } = atOnce(
      statusView(rig.cache, rig.deps.config, { host: 'head', leads: true, leader: 'head', etcd: 'connected' }, null),
    )
    expect(problems.filter((problem) => problem.includes('cannot be read'))).to.have.lengthOf(11)
    expect(problems.at(-1)).to.equal(moreKeysUnreadable(990, 'observed/c1'))
  })

  it('count for nothing against those on what it is told, also when they were read first', async () => {
    rig.etcd.write([], [{ put: stray(1), value: report }])
    await rig.quiet()
    const session = aSession({ id: 1, token: '5' })
    const mount = {
      ...{ v: 1, fence: rig.fence, kind: 'mount', session: { id: 1, token: '5' }, buffer: { id: 1, name: '5' } },
      ...{ volume: '5', servers: ['gluster1'], path: '/mnt/burstbuffer/5', wanted: 'present' },
    }
    rig.etcd.write(
      [],
      [
        { put: keys.session('5'), value: session },
        { put: keys.desired('c1', 'mount', '1.1'), value: mount },
      ],
    )
    await rig.quiet()
    for (let number = 2; number <= 1_500; number++) rig.etcd.write([], [{ put: stray(number), value: report }])
    await rig.quiet()
    expect(rig.cache.observed.mount.has('c1/1.1')).to.equal(true)
  })

  it('are shown no more when they are gone', async () => {
    await flood(rig, 1_100, report)
    rig.etcd.write([], [{ deletePrefix: 'observed/c1/' }])
    await rig.quiet()
    expect([kept(), rig.cache.problems()]).to.deep.equal([0, []])
  })
})

describe('keys that no program of ours writes', () => {
  it('are not remembered, however many and however long they are', async () => {
    const rig = await Rig.start({ hosts: [aHost('gluster1')] })
    const unknown = ['nobody/x', 'observed/c1/nothing/1', keys.observed('c1', 'mount', 'x'.repeat(600))]
    rig.etcd.write(
      [],
      unknown.map((put) => ({ put, value: { v: 1 } })),
    )
    await rig.quiet()
    expect(unknown.map((key) => rig.cache.revisionOf(key))).to.deep.equal([0, 0, 0])
    expect(rig.cache.invalid.size).to.equal(0)
  })
})

describe('a host that changes without end', () => {
  const gluster1 = aHost('gluster1')
  /** A built buffer with a brick on each of two hosts. */
  async function start() {
    const rig = await Rig.start({ hosts: [gluster1, aHost('gluster2'), c1()] })
    const asked = { name: 'mytest', ...alice, pool: undefined, bytes: 2 * terabyte, access: ['striped' as const] }
    const { config, newUuid } = rig.deps
    await rig.run(rig.committer.commit((cluster) => createPersistent(cluster, asked, { config, now: 2, newUuid })))
    await rig.quiet()
    const buffer = rig.cache.buffers.get('mytest')!
    await rig.agents.report({ ...brickReports(buffer), ...volumeReport(buffer) })
    await rig.quiet()
    return rig
  }
  async function isLookedAt(rig: Rig, change: () => void): Promise<boolean> {
    let looked = false
    const { bufferById } = rig.cache
    rig.cache.bufferById = (id) => {
      looked = true
      return bufferById.call(rig.cache, id)
    }
    change()
    await rig.quiet()
    rig.cache.bufferById = bufferById
    return looked
  }
  const change = (rig: Rig, parts: Partial<typeof gluster1.host>) => () =>
    void rig.etcd.write([], [{ put: keys.host('gluster1'), value: { ...gluster1.host, ...parts } }])
  const moved = (rig: Rig, number: number) => change(rig, { addresses: [`a${number}`] })

  it('is followed at once for some changes, then every ten seconds, and shown', async () => {
    const rig = await start()
    let followed = 0
    for (let number = 0; number < 100; number++) if (await isLookedAt(rig, moved(rig, number))) followed++
    expect(followed).to.equal(10)
    expect(rig.loop.problems().join()).to.match(/host gluster1 comes, goes or changes its addresses all the time/)
    expect(await isLookedAt(rig, () => rig.clock.advance(10_000))).to.equal(true)
  })

  it('does not keep others from being followed', async () => {
    const rig = await start()
    for (let number = 0; number < 20; number++) moved(rig, number)()
    await rig.quiet()
    expect(await isLookedAt(rig, () => void rig.agents.lose('gluster2'))).to.equal(true)
    expect(rig.loop.problems().join()).to.not.contain('gluster2')
  })

  it('makes nothing be looked at by what matters to nobody else: problems, stage paths, mounts', async () => {
    const rig = await start()
    expect(await isLookedAt(rig, change(rig, { problems: ['one'], startedAt: 7 }))).to.equal(false)
    const inventory = { ...rig.cache.inventories.get('gluster1')!, mounts: [{ path: '/x', source: 'y' }] }
    const { revision } = rig.etcd
    const written = () => void rig.etcd.write([], [{ put: keys.inventory('gluster1'), value: inventory }])
    expect(await isLookedAt(rig, written)).to.equal(false)
    expect(rig.etcd.revision).to.equal(revision + 1)
  })
})
