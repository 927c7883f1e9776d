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
    const { problems } = statusView(
      rig.cache,
      rig.deps.config,
      { host: 'head', leads: true, leader: 'head', etcd: 'connected' },
      null,
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
  /** A built buffer and the host's document, and how many times the whole of etcd's desired keys was put right. */
  async function start() {
    const rig = await Rig.start({ hosts: [aHost('gluster1'), c1()] })
    const asked = { name: 'mytest', ...alice, pool: undefined, bytes: terabyte, access: ['striped' as const] }
    const { config, newUuid } = rig.deps
    await rig.run(rig.committer.commit((cluster) => createPersistent(cluster, asked, { config, now: 2, newUuid })))
    await rig.quiet()
    const buffer = rig.cache.buffers.get('mytest')!
    await rig.agents.report({ ...brickReports(buffer), ...volumeReport(buffer) })
    await rig.quiet()
    return rig
  }
  /** Whether everything was looked at: an orphan's key is withdrawn then. */
  async function isEverythingLookedAt(rig: Rig, change: () => void): Promise<boolean> {
    const before = rig.cache.sessions.size
    let looked = false
    const values = rig.cache.sessions.values.bind(rig.cache.sessions)
    rig.cache.sessions.values = () => {
      looked = true
      return values()
    }
    change()
    await rig.quiet()
    rig.cache.sessions.values = values
    expect(rig.cache.sessions.size).to.equal(before)
    return looked
  }
  const moved = (rig: Rig, number: number) => () =>
    void rig.etcd.write([], [{ put: keys.host('c1'), value: { ...c1().host, addresses: [`a${number}`] } }])

  it('is followed at once for some changes, then every ten seconds, and shown', async () => {
    const rig = await start()
    let followed = 0
    for (let number = 0; number < 100; number++) if (await isEverythingLookedAt(rig, moved(rig, number))) followed++
    expect(followed).to.equal(10)
    expect(rig.loop.problems().join()).to.match(/host c1 comes, goes or changes its addresses all the time/)
    expect(await isEverythingLookedAt(rig, () => rig.clock.advance(10_000))).to.equal(true)
  })

  it('does not keep others from being followed', async () => {
    const rig = await start()
    for (let number = 0; number < 20; number++) moved(rig, number)()
    await rig.quiet()
    expect(await isEverythingLookedAt(rig, () => void rig.agents.lose('gluster1'))).to.equal(true)
    expect(rig.loop.problems().join()).to.not.contain('gluster1')
  })

  it('makes nothing be looked at by what matters to nobody else: problems, stage paths, mounts', async () => {
    const rig = await start()
    const host = { ...c1().host, problems: ['one'], startedAt: 7 }
    expect(
      await isEverythingLookedAt(rig, () => void rig.etcd.write([], [{ put: keys.host('c1'), value: host }])),
    ).to.equal(false)
    const inventory = { v: 1, host: 'c1', devices: [], mounts: [{ path: '/x', source: 'y' }] }
    const { revision } = rig.etcd
    expect(
      await isEverythingLookedAt(rig, () => void rig.etcd.write([], [{ put: keys.inventory('c1'), value: inventory }])),
    ).to.equal(false)
    expect(rig.etcd.revision).to.equal(revision + 1)
  })
})
