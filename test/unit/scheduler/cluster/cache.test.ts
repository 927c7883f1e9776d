import { expect } from 'chai'
import { type Log, silentLog } from '../../../../src/daemon/log.js'
import { ClusterCache } from '../../../../src/scheduler/cluster/cache.js'
import { keys } from '../../../../src/store/keys.js'
import { FakeEtcd } from '../../../../src/store/fake.js'
import { aBrick, aBuffer, aCordon, aHost, aSession, brickReport } from '../../../support/builders.js'
import { HandClock } from '../../../support/handClock.js'

describe('the cache of the cluster', () => {
  const buffer = aBuffer()
  let etcd: FakeEtcd
  let cache: ClusterCache
  let logged: string[]
  const log: Log = { ...silentLog, error: (_, fields) => logged.push(JSON.stringify(fields)) }

  async function settle() {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  async function write(...writes: Parameters<FakeEtcd['write']>[1]) {
    etcd.write([], writes)
    await settle()
  }

  beforeEach(async () => {
    etcd = new FakeEtcd(new HandClock())
    logged = []
    etcd.write([], [{ put: keys.buffer('mytest'), value: buffer }])
    cache = new ClusterCache(etcd.open(), log, ['gluster*'])
    await settle()
  })

  it('holds what was there before it and what came after, each by its name', async () => {
    const gluster1 = aHost('gluster1')
    await write(
      { put: keys.host('gluster1'), value: gluster1.host },
      { put: keys.inventory('gluster1'), value: gluster1.inventory },
      { put: keys.cordon('gluster1', 'nvme1n1'), value: aCordon('gluster1/nvme1n1') },
      { put: keys.session('5'), value: aSession({ uses: ['mytest'] }) },
      { put: keys.mountpoint('mytest'), value: 'mount …' },
      { put: keys.placement, value: { v: 1, lastId: 7 } },
      {
        put: keys.observed('gluster1', 'brick', 'nvme1n1'),
        value: Object.values(brickReport(aBrick('gluster1/nvme1n1')))[0]!,
      },
    )
    expect(cache.isSynced).to.equal(true)
    expect(cache.buffers.get('mytest')).to.deep.equal(buffer)
    expect([...cache.hosts.keys(), ...cache.inventories.keys()]).to.deep.equal(['gluster1', 'gluster1'])
    expect([...cache.cordons.keys(), ...cache.observed.brick.keys()]).to.deep.equal([
      'gluster1/nvme1n1',
      'gluster1/nvme1n1',
    ])
    expect([cache.lastId, cache.mountpoints.get('mytest')]).to.deep.equal([7, 'mount …'])
    expect(cache.index.sessionsUsing('mytest').map(({ token }) => token)).to.deep.equal(['5'])
  })

  it('forgets what is deleted', async () => {
    await write({ put: keys.session('5'), value: aSession({ uses: ['mytest'] }) })
    await write({ delete: keys.buffer('mytest') }, { delete: keys.session('5') })
    expect([cache.buffers.size, cache.sessions.size, cache.index.sessionsUsing('mytest').length]).to.deep.equal([
      0, 0, 0,
    ])
    expect(cache.index.ownerOf('gluster1', 'nvme1n1')).to.equal(undefined)
    expect(cache.revisionOf('buffers/mytest')).to.equal(0)
  })

  it('leaves out a document that cannot be read, says so once, and takes it in when it was mended', async () => {
    await write({ put: keys.buffer('mytest'), value: { ...buffer, wanted: 'maybe' } })
    expect(cache.buffers.has('mytest')).to.equal(false)
    expect([...cache.invalid.keys()]).to.deep.equal(['buffers/mytest'])
    expect(cache.revisionOf('buffers/mytest')).to.be.greaterThan(0)
    expect(logged).to.have.length(1)
    await write({ put: keys.buffer('mytest'), value: buffer })
    expect([cache.buffers.size, cache.invalid.size]).to.deep.equal([1, 0])
  })

  for (const value of ['no JSON', { v: 1 }, { ...buffer, v: 2 }]) {
    it(`survives ${JSON.stringify(value).slice(0, 12)} under every key`, async () => {
      const all = [
        'hosts/a',
        'inventory/a',
        'cordons/a',
        'cordons/a/b',
        'sessions/5',
        'placement',
        'leader',
        'events/a/1',
      ]
      const strange = ['nothing', 'desired/a/brick/b', 'observed/a/volume/b', 'desired/a/unknown/b', 'a/b/c/d/e']
      await write(...[...all, ...strange].map((put) => ({ put, value })))
      expect([cache.hosts.size, cache.desired.brick.size, cache.lastId]).to.deep.equal([0, 0, 0])
    })
  }

  it('knows a buffer by its new key while it is archived, in whichever order the keys come', async () => {
    await write({ put: keys.buffer('mytest~10'), value: buffer }, { delete: keys.buffer('mytest') })
    expect(cache.index.bufferKey(10)).to.equal('mytest~10')
    expect(cache.index.ownerOf('gluster1', 'nvme1n1')).to.equal(10)
    await write({ put: keys.buffer('mytest~10'), value: buffer })
    expect(cache.index.bufferKey(10)).to.equal('mytest~10')
  })

  it('counts the events of a name, and forgets them with it', async () => {
    const value = { v: 1, at: 1, text: 'x' }
    await write({ put: keys.event('mytest', 1), value }, { put: keys.event('mytest', 2), value })
    expect(cache.lastEventOf('mytest')).to.equal(2)
    await write({ deletePrefix: keys.events('mytest') })
    expect(cache.lastEventOf('mytest')).to.equal(0)
  })

  it('tells its listeners what changed, whole batches at a time', async () => {
    const told: string[][] = []
    const stop = cache.onChange((touched) => told.push(touched.map(({ key }) => key)))
    await write(
      { put: keys.session('5'), value: aSession() },
      { put: keys.session('6'), value: aSession({ token: '6', id: 21 }) },
    )
    stop()
    await write({ delete: keys.session('5') })
    expect(told).to.deep.equal([['sessions/5', 'sessions/6']])
  })

  it('notices after a cut what was deleted and written meanwhile', async () => {
    const store = etcd.open()
    const second = new ClusterCache(store, log, ['gluster*'])
    await settle()
    store.cut()
    await write({ delete: keys.buffer('mytest') }, { put: keys.session('5'), value: aSession() })
    expect([second.isConnected, second.buffers.size]).to.deep.equal([false, 1])
    store.heal()
    await settle()
    expect([second.isConnected, second.buffers.size, second.sessions.size]).to.deep.equal([true, 0, 1])
  })
})
