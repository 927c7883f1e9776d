import { expect } from 'chai'
import { until } from '../../../lab/common/until.js'
import type { Host } from '../../../src/agent/port/host.js'
import { type HostService, serveHost } from '../../../src/agent/serve.js'
import { type Log, silentLog } from '../../../src/daemon/log.js'
import { keys } from '../../../src/store/keys.js'
import { otherCluster } from '../../../src/store/messages.js'
import { FakeEtcd } from '../../../src/store/fake.js'
import { Denied, type Store } from '../../../src/store/store.js'
import { aHost } from '../../support/builders.js'
import { HandClock } from '../../support/handClock.js'

describe('an agent that has the name of its cluster', () => {
  let clock: HandClock
  let etcd: FakeEtcd
  let service: HostService
  let errors: string[]

  beforeEach(() => {
    clock = new HandClock()
    etcd = new FakeEtcd(clock)
    errors = []
  })
  afterEach(() => service.stop())

  const serve = (store: Store = etcd.open()) => {
    const { host: document, inventory } = aHost('gluster1')
    const discover = () => Promise.resolve({ devices: inventory.devices, problems: [] })
    const host = { name: 'gluster1', boot: 'b1', discover, observe: {}, effects: {} } as unknown as Host
    const error: Log['error'] = (_, fields) => void errors.push((fields as { reason: string }).reason)
    const log = { ...silentLog, error }
    service = serveHost({ host, roles: ['storage'], cluster: 'hpc1', document, store, clock, log })
  }
  const record = (name: string) => etcd.write([], [{ put: keys.cluster, value: { v: 1, name } }])
  const untilTrue = (what: string, check: () => boolean) =>
    until({ what, deadlineMs: 5_000 }, () => {
      clock.advance(1_000)
      return Promise.resolve(check())
    })
  const host = () => etcd.read(keys.host('gluster1'))?.value as { problems?: string[] } | undefined

  it('writes nothing into the etcd of another, says so once, and serves when that is mended', async () => {
    record('hpc2')
    serve()
    await untilTrue('it is said', () => errors.length > 0)
    for (let second = 0; second < 60; second++) {
      clock.advance(1_000)
      await new Promise(setImmediate)
    }
    expect(etcd.list('').entries.map(({ key }) => key)).to.deep.equal([keys.cluster])
    expect(errors).to.have.lengthOf(1)
    expect(errors[0]).to.contain(otherCluster('hpc2', 'hpc1', 'agent'))
    record('hpc1')
    await untilTrue('it serves', () => host() !== undefined)
  })

  it('serves where no name is recorded', async () => {
    serve()
    await untilTrue('it serves', () => host() !== undefined)
    expect(host()!.problems).to.equal(undefined)
  })

  it('serves where etcd does not let it read the name, and says so', async () => {
    const store = etcd.open()
    const get = store.get.bind(store)
    store.get = (key) => (key === keys.cluster ? Promise.reject(new Denied('no')) : get(key))
    serve(store)
    await untilTrue('it serves', () => host() !== undefined)
    expect(host()!.problems!.join()).to.contain('etcd-users.sh')
  })
})
