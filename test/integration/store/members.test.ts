import { expect } from 'chai'
import { until } from '../../../lab/common/until.js'
import { systemClock } from '../../../src/daemon/clock.js'
import { silentLog } from '../../../src/daemon/log.js'
import { Election } from '../../../src/store/election.js'
import { openStore } from '../../../src/store/etcd.js'
import { LeasedKey } from '../../../src/store/leasedKey.js'
import { keys } from '../../../src/store/keys.js'
import type { Store } from '../../../src/store/store.js'
import { needsEtcd, startMembers, type Members } from '../../support/etcd.js'

describe('the store on three etcd members', function () {
  this.timeout(120_000)
  let members: Members
  let store: Store

  before(function () {
    needsEtcd(this)
  })
  beforeEach(async () => {
    members = await startMembers(3)
    store = openStore({ endpoints: members.urls })
  })
  afterEach(async () => {
    await store?.close()
    await members?.stop()
  })

  /** Numbers written one after the other while `happen` goes on, and what a watch has seen of them. */
  async function writingWhile(happen: () => Promise<void>): Promise<void> {
    const seen = new Set<string>()
    const watch = store.watch('numbers/', { onChanges: (changes) => changes.forEach(({ key }) => seen.add(key)) })
    const written: string[] = []
    let ended = false
    const happening = happen().finally(() => (ended = true))
    for (let n = 0; !ended || n < 20; n++) {
      const put = `numbers/${n}`
      const result = await store.write([{ key: put, modRevision: 0 }], [{ put, value: { v: 1 } }])
      expect(result.won, `${put}, which nobody else writes`).to.equal(true)
      written.push(put)
    }
    await happening
    await until({ what: 'the watch has seen every number' }, () =>
      Promise.resolve(written.every((key) => seen.has(key))),
    )
    const { entries } = await store.list('numbers/')
    expect(entries.map(({ key }) => key)).to.have.members(written)
    await watch.close()
  }

  it('loses no write and no event when a member is killed', () => {
    return writingWhile(async () => members.kill((await members.leader()) === 0 ? 1 : 0))
  })

  it('loses no write and no event when the leader is killed', () => {
    return writingWhile(async () => members.kill(await members.leader()))
  })

  it('loses no write and no event when the leader is frozen, and goes on', () => {
    return writingWhile(async () => {
      const leader = await members.leader()
      members.signal(leader, 'SIGSTOP')
      await until({ what: 'another leads' }, async () => (await members.leader()) !== leader)
      members.signal(leader, 'SIGCONT')
    })
  })

  it('keeps a scheduler elected and a host alive when the leader of etcd is killed', async () => {
    const changes: string[] = []
    const candidate = { host: 'head', pid: 1 }
    const options = { candidate, ttlSeconds: 10, clock: systemClock, log: silentLog }
    const election = new Election(store, {
      ...options,
      onElected: () => changes.push('elected'),
      onLost: () => changes.push('lost'),
    })
    const kept = new LeasedKey(store, keys.host('gluster1'), { v: 1 }, { ...options, ttlSeconds: 15 })
    await kept.written
    await until({ what: 'it is elected' }, () => Promise.resolve(changes.length > 0))
    const before = await store.get(keys.host('gluster1'))
    const fence = election.fence()
    await members.kill(await members.leader())
    // Longer than either lease: what was not renewed is gone by then.
    const end = performance.now() + 20_000
    await until({ what: 'both leases would have run out' }, () => Promise.resolve(performance.now() > end))
    expect(changes).to.deep.equal(['elected'])
    expect(election.fence()).to.equal(fence)
    expect((await store.get(keys.host('gluster1')))?.createRevision).to.equal(before?.createRevision)
    await kept.close()
    await election.close()
  })
})
