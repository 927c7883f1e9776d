import { expect } from 'chai'
import { until } from '../../../lab/common/until.js'
import type { Host } from '../../../src/agent/port/host.js'
import { serveHost } from '../../../src/agent/serve.js'
import { silentLog } from '../../../src/daemon/log.js'
import { FakeEtcd } from '../../../src/store/fake.js'
import { keys } from '../../../src/store/keys.js'
import type { Store } from '../../../src/store/store.js'
import { aHost } from '../../support/builders.js'
import { HandClock } from '../../support/handClock.js'

describe('an agent that starts', () => {
  it('looks at what is desired only when it is seen alive, for until then another host may be told it', async () => {
    const clock = new HandClock()
    const etcd = new FakeEtcd(clock)
    const store = etcd.open()
    const order: string[] = []
    const watch: Store['watch'] = (prefix, handlers) => {
      const isAlive = etcd.read(keys.host('c1')) !== undefined
      order.push(`watches ${prefix} ${isAlive ? 'alive' : 'unseen'}`)
      return store.watch(prefix, handlers)
    }
    let letGo = () => {}
    const lease: Store['lease'] = async (seconds) => {
      order.push('asks for its lease')
      await new Promise<void>((resolve) => (letGo = resolve))
      return store.lease(seconds)
    }
    const watched = new Proxy(store, {
      get: (target, name) => {
        if (name === 'watch') return watch
        if (name === 'lease') return lease
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
    const { host: document } = aHost('c1', { roles: ['compute'] })
    const host = { name: 'c1' } as Host
    const service = serveHost({ host, roles: ['compute'], document, store: watched, clock, log: silentLog })
    const untilSaid = (text: string) =>
      until({ what: text }, () => Promise.resolve(order.includes(text) ? true : undefined))
    await untilSaid('asks for its lease')
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
    letGo()
    await untilSaid(`watches ${keys.desiredOf('c1')} alive`)
    expect(order.filter((text) => text.startsWith(`watches ${keys.desiredOf('c1')}`))).to.have.lengthOf(1)
    await service.stop()
  })
})
