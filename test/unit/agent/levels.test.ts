import { expect } from 'chai'
import { until } from '../../../lab/common/until.js'
import type { Host } from '../../../src/agent/port/host.js'
import { type HostService, serveHost } from '../../../src/agent/serve.js'
import { silentLog } from '../../../src/daemon/log.js'
import type { HostDocument } from '../../../src/model/documents/host.js'
import { ourLevels } from '../../../src/model/levels.js'
import { keys } from '../../../src/store/keys.js'
import { FakeEtcd } from '../../../src/store/fake.js'
import { Denied, type Store } from '../../../src/store/store.js'
import { setAddedFields } from '../../support/addedFields.js'
import { aHost } from '../../support/builders.js'
import { aDesiredBrick, readyBrick } from '../../support/desired.js'
import { HandClock } from '../../support/handClock.js'

const added = { since: 2 }

describe('an agent under a leader of another release', () => {
  let clock: HandClock
  let etcd: FakeEtcd
  let service: HostService
  let restore: () => void

  beforeEach(() => {
    clock = new HandClock()
    etcd = new FakeEtcd(clock)
    restore = setAddedFields({
      hosts: { stagePaths: added },
      inventory: { 'devices.pool': added },
      'observed/brick': { boot: added },
    })
  })
  afterEach(async () => {
    restore()
    await service.stop()
  })

  const lead = (documents?: string) => {
    const value = { v: 1, host: 'head', pid: 1, since: 1, ...(documents === undefined ? {} : { documents }) }
    etcd.write([], [{ put: keys.leader, value }])
  }
  const serve = (store: Store = etcd.open()) => {
    const { host: document, inventory } = aHost('gluster1')
    const host = {
      name: 'gluster1',
      boot: 'b1',
      discover: () => Promise.resolve({ devices: inventory.devices, problems: [] }),
      observe: { brick: () => Promise.resolve(readyBrick()) },
      effects: {},
    } as unknown as Host
    const stagePaths = ['/lustre']
    const whole: HostDocument = { ...document, versions: { kernel: '6' }, stagePaths }
    service = serveHost({ host, roles: ['storage'], document: whole, store, clock, log: silentLog })
    etcd.write([], [{ put: keys.desired('gluster1', 'brick', 'nvme1n1'), value: aDesiredBrick({ fence: 1_000 }) }])
  }
  const read = (key: string) => etcd.read(key)?.value as Record<string, unknown> | undefined
  const hostKey = keys.host('gluster1')
  const reportKey = keys.observed('gluster1', 'brick', 'nvme1n1')
  const isNew = (key: string) =>
    ({
      [hostKey]: () => read(hostKey)?.['stagePaths'] !== undefined,
      [keys.inventory('gluster1')]: () => JSON.stringify(read(keys.inventory('gluster1'))).includes('"pool"'),
      [reportKey]: () => read(reportKey)?.['boot'] !== undefined,
    })[key]!()
  const all = [hostKey, keys.inventory('gluster1'), reportKey]
  const untilWritten = (what: string, check: (key: string) => boolean) =>
    until({ what, deadlineMs: 5_000 }, () => {
      clock.advance(3_000)
      return Promise.resolve(all.every((key) => read(key) !== undefined && check(key)))
    })

  it('says which levels of documents it knows, in words that every release can read', async () => {
    lead()
    serve()
    await untilWritten('the documents of the host', () => true)
    expect(read(hostKey)).to.have.property('versions').that.deep.equals({ kernel: '6', documents: ourLevels })
  })

  it('leaves out what the leader does not know, and writes it when a newer one leads', async () => {
    lead()
    serve()
    await untilWritten('documents without what is new', (key) => !isNew(key))
    lead('1-2')
    await untilWritten('documents with what is new', isNew)
    lead()
    await untilWritten('documents without what is new again', (key) => !isNew(key))
  })

  it('writes as for the oldest where etcd does not let it read who leads, and says so', async () => {
    lead('1-2')
    const store = etcd.open()
    const get = store.get.bind(store)
    store.get = (key) => (key === keys.leader ? Promise.reject(new Denied('no')) : get(key))
    serve(store)
    await untilWritten('documents without what is new', (key) => !isNew(key))
    expect(JSON.stringify(read(hostKey)?.['problems'])).to.include('etcd-users.sh')
  })

  it('says so when it knows no level that the leader knows', async () => {
    lead('7-9')
    serve()
    await untilWritten('the documents of the host', () => true)
    expect(JSON.stringify(read(hostKey)?.['problems'])).to.include('levels 7-9')
  })
})
