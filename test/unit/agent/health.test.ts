import { expect } from 'chai'
import { until } from '../../../lab/common/until.js'
import type { Host } from '../../../src/agent/port/host.js'
import { serveHost } from '../../../src/agent/serve.js'
import { silentLog } from '../../../src/daemon/log.js'
import { unhealthyAfterMs } from '../../../src/daemon/conditionTimer.js'
import type { HostDocument } from '../../../src/model/documents/host.js'
import { keys } from '../../../src/store/keys.js'
import { FakeEtcd } from '../../../src/store/fake.js'
import type { Store, WatchHandlers } from '../../../src/store/store.js'
import { HandClock } from '../../support/handClock.js'

describe("an agent's health", () => {
  /** The agent of a compute host; `heard` is what its watch of etcd tells it. */
  async function anAgent() {
    const clock = new HandClock()
    const etcd = new FakeEtcd(clock)
    const store = etcd.open()
    let heard: WatchHandlers | undefined
    const watch: Store['watch'] = (_prefix, handlers) => {
      heard = handlers
      return { close: () => Promise.resolve() }
    }
    const document: HostDocument = {
      v: 1,
      host: 'c1',
      roles: ['compute'],
      addresses: ['c1'],
      versions: {},
      startedAt: 1,
    }
    const deaf = {
      usage: store.usage.bind(store),
      list: store.list.bind(store),
      get: store.get.bind(store),
      write: store.write.bind(store),
    }
    const lease = store.lease.bind(store)
    const parts = { host: { name: 'c1' } as Host, roles: ['compute' as const], document, clock, log: silentLog }
    const service = serveHost({ ...parts, store: { ...deaf, lease, watch, close: () => store.close() } })
    await until({ what: 'it is alive' }, () => Promise.resolve(etcd.read(keys.host('c1')) !== undefined))
    const pass = async () => {
      for (let ms = 0; ms < unhealthyAfterMs; ms += 1_000) {
        clock.advance(1_000)
        await new Promise(setImmediate)
      }
    }
    return { service, store, pass, heard: () => heard! }
  }

  it('is bad when its watch is silent for minutes although etcd answers', async () => {
    const { service, pass } = await anAgent()
    expect(service.isHealthy()).to.equal(true)
    await pass()
    expect(service.isHealthy()).to.equal(false)
    await service.stop()
  })

  it('is good as long as it watches', async () => {
    const { service, pass, heard } = await anAgent()
    heard().onConnection?.('connected')
    await pass()
    expect(service.isHealthy()).to.equal(true)
    await service.stop()
  })

  it('is good while etcd is away: a new start would not help', async () => {
    const { service, store, pass } = await anAgent()
    store.cut()
    await pass()
    expect(service.isHealthy()).to.equal(true)
    await service.stop()
  })
})
