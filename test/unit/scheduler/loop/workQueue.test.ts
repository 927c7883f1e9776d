import { expect } from 'chai'
import { WorkQueue } from '../../../../src/scheduler/loop/workQueue.js'
import type { CacheEvent } from '../../../../src/scheduler/cluster/cache.js'
import { keys } from '../../../../src/store/keys.js'
import {
  aBuffer,
  aCordon,
  aHost,
  aSession,
  brickReports,
  mountReport,
  transferReport,
  volumeReport,
} from '../../../support/builders.js'
import { aDesiredMount } from '../../../support/desired.js'
import { Rig } from '../../../support/schedulerRig.js'

describe('what has to be looked at again', () => {
  const built = aBuffer({ id: 10, builtAt: 5 })
  const forming = aBuffer({ id: 11, name: '5', bricks: ['gluster2/nvme1n1'] })
  const job = aSession({ id: 20, buffer: '5', uses: ['mytest'] })
  const idle = aSession({ id: 21, token: '6' })
  let rig: Rig

  beforeEach(async () => {
    rig = await Rig.start({ hosts: [aHost('gluster1')], leads: false })
    rig.etcd.write(
      [],
      [
        { put: keys.buffer('mytest'), value: built },
        { put: keys.buffer('5'), value: forming },
        { put: keys.session('5'), value: job },
        { put: keys.session('6'), value: idle },
      ],
    )
    await rig.quiet()
  })

  async function after(act: () => unknown): Promise<string[]> {
    const queue = new WorkQueue()
    const stop = rig.cache.onChange((touched: CacheEvent[]) => queue.addTouched(rig.cache, touched))
    await act()
    await rig.quiet()
    stop()
    return [
      ...[...queue.buffers].sort().map((id) => `buffer ${id}`),
      ...[...queue.sessions].sort().map((id) => `session ${id}`),
      ...(queue.others ? ['others'] : []),
    ]
  }
  const put = (key: string, value: object) => () => rig.etcd.write([], [{ put: key, value }])
  it('is a buffer and the sessions that use it when its document changes', async () => {
    expect(await after(put(keys.buffer('mytest'), { ...built, wanted: 'absent' }))).to.deep.equal([
      'buffer 10',
      'session 20',
    ])
  })

  it('is a session and its buffers when the session changes', async () => {
    const changed = put(keys.session('5'), { ...job, stage: 'running' })
    expect(await after(changed)).to.deep.equal(['buffer 10', 'buffer 11', 'session 20'])
  })

  it('is the buffer of a brick or volume that was reported, and the session of a mount', async () => {
    expect(await after(() => rig.agents.report(brickReports(built)))).to.deep.equal(['buffer 10'])
    expect(await after(() => rig.agents.report(volumeReport(built)))).to.include('buffer 10')
    expect(await after(() => rig.agents.report(mountReport('c1', job, forming)))).to.deep.equal([
      'buffer 11',
      'session 20',
    ])
  })

  it('is nothing while a node mounts and unmounts as it was told, and what it has to do with once it has unmounted or cannot', async () => {
    const told = (wanted: 'present' | 'absent') =>
      put(keys.desired('c1', 'mount', '20.11'), {
        ...aDesiredMount({ session: { id: 20, token: '5' }, buffer: { id: 11, name: '5' } }),
        wanted,
      })()
    const says = (parts: Parameters<typeof mountReport>[3]) => () =>
      rig.agents.report(mountReport('c1', job, forming, parts))
    const concerned = ['buffer 11', 'session 20']
    const problem = { message: 'no', since: 1, attempts: 1, terminal: true }
    told('present')
    await rig.quiet()
    expect(await after(says({ state: 'forming' }))).to.deep.equal([])
    expect(await after(says({ state: 'mounted' }))).to.deep.equal([])
    expect(await after(says({ state: 'forming', problem }))).to.deep.equal(concerned)
    expect(await after(says({ state: 'mounted' }))).to.deep.equal(concerned)
    told('absent')
    await rig.quiet()
    expect(await after(says({ state: 'leaving' }))).to.deep.equal([])
    expect(await after(says({ state: 'absent' }))).to.deep.equal(concerned)
  })

  it('is a session later, all its reports at once, while it only copies more', async () => {
    const queue = new WorkQueue()
    rig.cache.onChange((touched) => queue.addTouched(rig.cache, touched))
    const says = async (parts: Parameters<typeof transferReport>[2]) => {
      await rig.agents.report(transferReport('gluster1', job, parts))
      await rig.quiet()
      return queue.take(100).sessions
    }
    const counts = (bytes: number) => ({ files: 0, bytes, totalFiles: 1, totalBytes: 10, failed: 0 })
    expect(await says({ part: 'copy', state: 'working', counts: counts(0) })).to.deep.equal([20])
    expect(await says({ part: 'copy', state: 'working', counts: counts(1) })).to.deep.equal([])
    expect(await says({ part: 'copy', state: 'working', counts: counts(2) })).to.deep.equal([])
    expect(queue.isCopying).to.equal(true)
    queue.takeCopying()
    expect([queue.isCopying, queue.take(100).sessions]).to.deep.equal([false, [20]])
    const problem = { message: 'no', since: 1, attempts: 1, terminal: false }
    expect(await says({ part: 'copy', state: 'working', counts: counts(3), problem })).to.deep.equal([20])
    expect(await says({ part: 'copy', state: 'done', counts: counts(10) })).to.deep.equal([20])
  })

  it('is every buffer that is not built when a device became free or a cordon changes', async () => {
    expect(await after(put(keys.cordon('gluster1'), aCordon('gluster1')))).to.deep.equal(['buffer 11'])
    const inventory = (state: 'blank' | 'foreign') =>
      put(keys.inventory('gluster2'), aHost('gluster2', { devices: [{ state }] }).inventory)
    expect(await after(inventory('blank'))).to.deep.equal(['buffer 11'])
    expect(await after(inventory('foreign'))).to.deep.equal([])
    expect(await after(inventory('blank'))).to.deep.equal(['buffer 11'])
    expect(await after(inventory('blank'))).to.deep.equal([])
  })

  const ofGluster1 = ['buffer 10', 'buffer 11', 'session 20', 'others']

  it('is what has to do with a host when it comes, goes or was restarted, and nothing when it only says something new', async () => {
    expect(await after(() => rig.agents.lose('gluster1'))).to.deep.equal(ofGluster1)
    expect(await after(() => rig.agents.add(aHost('gluster1')))).to.deep.equal(ofGluster1)
    const { host } = aHost('gluster1')
    expect(
      await after(put(keys.host('gluster1'), { ...host, versions: { ...host.versions, kernel: '6' } })),
    ).to.deep.equal([])
    expect(await after(put(keys.host('gluster1'), { ...host, boot: 'second' }))).to.deep.equal(ofGluster1)
  })

  it('is a compute node’s sessions with their buffers, and for a node without any nothing at all', async () => {
    const running = put(keys.session('6'), { ...idle, stage: 'running', computeHosts: ['c1'], uses: ['mytest'] })
    running()
    await rig.quiet()
    const compute = (name: string) => aHost(name, { roles: ['compute'] })
    expect(await after(() => rig.agents.add(compute('c1')))).to.deep.equal(['buffer 10', 'session 21'])
    expect(await after(() => rig.agents.add(compute('c2')))).to.deep.equal([])
    expect(await after(() => rig.agents.lose('c2'))).to.deep.equal([])
  })

  it('is the owner of a desired key that was changed, also when nobody knows the owner', async () => {
    const desired = { v: 1, fence: 1, kind: 'peer', peer: 'gluster2' }
    expect(await after(put(keys.desired('gluster1', 'peer', 'gluster2'), desired))).to.deep.equal(['others'])
  })

  it('is taken out in pieces, each once', () => {
    const queue = new WorkQueue()
    queue.addAll(rig.cache)
    expect(queue.take(1)).to.deep.equal({ buffers: [10], sessions: [20], others: true, spares: true })
    expect(queue.take(5)).to.deep.equal({ buffers: [11], sessions: [21], others: false, spares: false })
    expect(queue.isEmpty).to.equal(true)
  })
})
