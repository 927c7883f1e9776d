import { expect } from 'chai'
import { until } from '../../../lab/common/until.js'
import { serveHost } from '../../../src/agent/serve.js'
import { systemClock } from '../../../src/daemon/clock.js'
import { silentLog } from '../../../src/daemon/log.js'
import type { HostDocument } from '../../../src/model/documents/host.js'
import { SimulatedGluster } from '../../../src/simulated/gluster.js'
import { simulatedHost } from '../../../src/simulated/host.js'
import { aMachine, bootOf } from '../../../src/simulated/machine.js'
import { SteadyPace } from '../../../src/simulated/pace.js'
import { openStore } from '../../../src/store/etcd.js'
import { keys } from '../../../src/store/keys.js'
import { LeasedKey } from '../../../src/store/leasedKey.js'
import type { Store } from '../../../src/store/store.js'
import { needsEtcd, startEtcd, type TestEtcd } from '../../support/etcd.js'
import { callsOf } from '../../support/etcdMetrics.js'
import { type EtcdUser, startEtcdWithUsers } from '../../support/etcdUsers.js'
import { Proxy } from '../../support/proxy.js'
import { connectionsTo } from '../../support/tcp.js'

describe('the connection of a program to etcd', function () {
  this.timeout(120_000)
  let etcd: TestEtcd
  const stores: Store[] = []

  before(function () {
    needsEtcd(this)
  })
  afterEach(async () => {
    await Promise.all(stores.splice(0).map((store) => store.close()))
    await etcd?.stop()
  })

  const open = (endpoint: string, user?: EtcdUser) => {
    const store = openStore({ endpoints: [endpoint], ...(user ? { user } : {}) })
    stores.push(store)
    return store
  }

  /** The agent of a simulated storage host, when it serves. */
  async function serving(store: Store, port: number): Promise<{ stop(): Promise<void>; connections: number }> {
    const clock = systemClock
    const machine = aMachine({ name: 'gluster1', disks: 2, pool: 'fast', sizeBytes: 1e12 })
    const gluster = new SimulatedGluster(new Map([[machine.name, machine]]))
    const host = simulatedHost({ machine, gluster, pace: new SteadyPace(clock), clock })
    const document: HostDocument = {
      ...{ v: 1, host: machine.name, roles: ['storage'], addresses: [machine.name] },
      ...{ versions: {}, startedAt: clock.unixSeconds(), boot: bootOf(machine) },
    }
    let isServing = false
    const log = { ...silentLog, info: (phrase: string) => void (isServing ||= phrase === 'watching etcd') }
    const service = serveHost({ host, roles: ['storage'], document, store, clock, log })
    await until({ what: 'the agent watches etcd' }, () => Promise.resolve(isServing))
    return { stop: () => service.stop(), connections: connectionsTo(port) }
  }

  it('is one TCP connection for an agent with its lease, its watch, its reads and writes', async () => {
    etcd = await startEtcd()
    const agent = await serving(open(etcd.url), etcd.port)
    expect(agent.connections).to.equal(1)
    await agent.stop()
  })

  it('is one TCP connection for an agent that has to authenticate', async () => {
    const users = await startEtcdWithUsers('storage gluster1')
    etcd = users.etcd
    const agent = await serving(open(etcd.url, users.user('gluster1')), etcd.port)
    expect(agent.connections).to.equal(1)
    await agent.stop()
  })

  it('is kept when a call gets no answer in time and etcd answers afterwards', async () => {
    etcd = await startEtcd()
    const proxy = await Proxy.to(etcd.port)
    const timings = { callMs: 300, livenessDeadlineMs: 10_000 }
    const store = openStore({ endpoints: [proxy.url] }, { timings })
    stores.push(store)
    const states: string[] = []
    const seen: string[] = []
    store.watch('numbers/', {
      onChanges: (changes) => seen.push(...changes.map(({ key }) => key)),
      onConnection: (state) => states.push(state),
    })
    await until({ what: 'it watches' }, () => Promise.resolve(states.includes('connected')))
    etcd.signal('SIGSTOP')
    const written = store.write([], [{ put: 'numbers/1', value: { v: 1 } }])
    let bytesUp = 0
    proxy.onBytes((direction) => void (bytesUp += direction === 'up' ? 1 : 0))
    // The write is sent, given up, the endpoint is asked whether it lives, and the write is sent again.
    await until({ what: 'three requests were sent' }, () => Promise.resolve(bytesUp >= 3))
    etcd.signal('SIGCONT')
    expect(await written).to.have.property('won', true)
    await until({ what: 'the watch has seen it' }, () => Promise.resolve(seen.includes('numbers/1')))
    expect(states).to.deep.equal(['connected'])
    expect(proxy.accepted).to.equal(1)
    await proxy.close()
  })

  it('is made again after a restart of etcd: no lease is lost, and watches go on from their revision', async () => {
    etcd = await startEtcd()
    const store = open(etcd.url)
    const options = { ttlSeconds: 15, clock: systemClock, log: silentLog }
    const kept = new LeasedKey(store, keys.host('gluster1'), { v: 1 }, options)
    await kept.written
    const states: string[] = []
    const seen: string[] = []
    let lists = 0
    store.watch('numbers/', {
      onChanges: (changes) => seen.push(...changes.map(({ key }) => key)),
      onSynced: () => void lists++,
      onConnection: (state) => states.push(state),
    })
    await until({ what: 'it watches' }, () => Promise.resolve(states.includes('connected')))
    const before = await store.get(keys.host('gluster1'))
    await etcd.kill()
    await until({ what: 'it is noticed' }, () => Promise.resolve(states.includes('lost')))
    await etcd.restart()
    await until({ what: 'the lease is renewed' }, async () => (await callsOf(etcd, 'LeaseKeepAlive')) > 0)
    await until({ what: 'it watches again' }, () => Promise.resolve(states.at(-1) === 'connected'))
    await store.write([], [{ put: 'numbers/1', value: { v: 1 } }])
    await until({ what: 'the watch has seen it' }, () => Promise.resolve(seen.includes('numbers/1')))
    expect(lists).to.equal(1)
    expect(await callsOf(etcd, 'LeaseGrant')).to.equal(0)
    expect(await callsOf(etcd, 'Txn'), 'the write of this test alone').to.equal(1)
    expect((await store.get(keys.host('gluster1')))?.createRevision).to.equal(before?.createRevision)
    expect(connectionsTo(etcd.port)).to.equal(1)
    await kept.close()
  })
})
