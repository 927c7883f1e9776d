import { expect } from 'chai'
import { until } from '../../../lab/common/until.js'
import { systemClock } from '../../../src/daemon/clock.js'
import { silentLog } from '../../../src/daemon/log.js'
import type { Timings } from '../../../src/store/connection.js'
import { Election } from '../../../src/store/election.js'
import { openStore } from '../../../src/store/etcd.js'
import { LeasedKey } from '../../../src/store/leasedKey.js'
import { type Change, maxOperations, type Store, StoreError } from '../../../src/store/store.js'
import { needsEtcd, startEtcd, type TestEtcd } from '../../support/etcd.js'
import { callsOf } from '../../support/etcdMetrics.js'
import { Proxy } from '../../support/proxy.js'

const timings: Partial<Timings> = {
  callMs: 700,
  giveUpMs: 8_000,
  livenessEveryMs: 500,
  livenessDeadlineMs: 400,
  progressEveryMs: 500,
  silenceMs: 2_000,
}

describe('the store on a real etcd, through a bad network', function () {
  this.timeout(60_000)
  let etcd: TestEtcd
  let proxy: Proxy
  let store: Store
  let direct: Store
  let name = 0

  before(async function () {
    needsEtcd(this)
    etcd = await startEtcd()
    direct = openStore({ endpoints: [etcd.url] })
  })
  after(async () => {
    await direct?.close()
    await etcd?.stop()
  })
  beforeEach(async () => {
    proxy = await Proxy.to(etcd.port)
    store = openStore({ endpoints: [proxy.url] }, { timings })
    name++
  })
  afterEach(async () => {
    await store.close()
    await proxy.close()
  })

  /** Keys of each test are its own. */
  const key = (rest = '') => `test${name}/${rest}`
  const put = async (rest: string, value: object = {}) =>
    direct.write([], [{ put: key(rest), value: { v: 1, ...value } }])

  /** What a watch has reported: the story of every key, and how it stands. */
  function follow(from: Store, prefix: string) {
    const story: string[] = []
    const now = new Map<string, unknown>()
    let synced = 0
    const states: string[] = []
    const watch = from.watch(prefix, {
      onChanges: (changes: Change[]) => {
        for (const change of changes) {
          story.push(`${change.key}@${change.entry?.modRevision ?? 'gone'}`)
          if (change.entry) now.set(change.key, change.entry.value)
          else now.delete(change.key)
        }
      },
      onSynced: () => synced++,
      onConnection: (state) => states.push(state),
    })
    const isWatching = () => synced > 0 && states.at(-1) === 'connected'
    return {
      watch,
      story,
      now,
      states,
      lists: () => synced,
      watching: () => until({ what: 'watching' }, () => Promise.resolve(isWatching())),
    }
  }

  const knows = (followed: { now: Map<string, unknown> }, count: number) =>
    until({ what: `${count} keys known`, seen: () => Promise.resolve(String(followed.now.size)) }, () =>
      Promise.resolve(followed.now.size === count),
    )

  describe('watch', () => {
    it('loses no event and tells none twice when the link is cut again and again under writes', async () => {
      const seen = follow(store, key())
      await seen.watching()
      for (let index = 0; index < 300; index++) {
        await put(`k${index}`)
        if (index % 20 === 10) proxy.cut()
      }
      await knows(seen, 300)
      expect(new Set(seen.story).size).to.equal(seen.story.length)
      expect(seen.story).to.have.lengthOf(300)
    })

    it('loses no event when the link is cut right after `created`', async () => {
      const stop = proxy.onBytes((direction) => {
        // The answers that come while a watch is being opened are few: cut in the middle of each of the first ones.
        if (direction === 'down' && cuts-- > 0) setImmediate(() => proxy.cut())
      })
      let cuts = 6
      await put('before')
      const seen = follow(store, key())
      for (let index = 0; index < 20; index++) await put(`k${index}`)
      await knows(seen, 21)
      stop()
      expect(seen.story.filter((line, index) => seen.story.indexOf(line) !== index)).to.deep.equal([])
    })

    it('catches up over many batches after it was away', async () => {
      const seen = follow(store, key())
      await seen.watching()
      proxy.refuse()
      await until({ what: 'it is noticed' }, () => Promise.resolve(seen.states.includes('lost')))
      const text = 'x'.repeat(20_000)
      for (let index = 0; index < 400; index++) await put(`k${index}`, { text })
      proxy.heal()
      await knows(seen, 400)
      expect(new Set(seen.story).size).to.equal(seen.story.length)
    })

    it('notices deletes after compaction while it was away', async () => {
      await put('stays')
      await put('goes')
      const seen = follow(store, key())
      await knows(seen, 2)
      await seen.watching()
      proxy.refuse()
      await until({ what: 'it is noticed' }, () => Promise.resolve(seen.states.includes('lost')))
      await direct.write([], [{ delete: key('goes') }])
      await put('comes')
      const { revision } = await direct.list(key())
      etcd.ctl('compact', String(revision))
      proxy.heal()
      await until({ what: 'goes has gone and comes has come' }, () =>
        Promise.resolve([...seen.now.keys()].sort().join() === [key('comes'), key('stays')].join()),
      )
    })

    it('notices a black hole and goes on when it is over', async () => {
      const seen = follow(store, key())
      await seen.watching()
      proxy.drop('up', 'down')
      await until({ what: 'it is noticed' }, () => Promise.resolve(seen.states.includes('lost')))
      await put('meanwhile')
      proxy.heal()
      await knows(seen, 1)
    })

    it('goes to another endpoint when one is silent', async () => {
      const two = openStore({ endpoints: [proxy.url, etcd.url] }, { timings })
      try {
        const seen = follow(two, key())
        await seen.watching()
        proxy.drop('up', 'down')
        await put('found')
        await knows(seen, 1)
      } finally {
        await two.close()
      }
    })

    it('calls nobody after it was closed', async () => {
      const seen = follow(store, key())
      await seen.watching()
      await seen.watch.close()
      await put('late')
      await direct.get(key('late'))
      expect(seen.story).to.deep.equal([])
    })
  })

  describe('write', () => {
    /** The next answer is dropped; after the call was tried again the network is well. */
    function loseOneAnswer(): void {
      proxy.drop('down')
      let asked = 0
      const stop = proxy.onBytes((direction) => {
        if (direction !== 'down' || ++asked > 1) return
        stop()
        setImmediate(() => proxy.heal())
      })
    }

    it('that creates a key, and whose answer is lost, is won and done once', async () => {
      await store.get(key())
      loseOneAnswer()
      const result = await store.write(
        [{ key: key('once'), modRevision: 0 }],
        [{ put: key('once'), value: { v: 1, by: 'me' } }],
      )
      expect(result.won).to.equal(true)
      const entry = await direct.get(key('once'))
      expect(entry?.modRevision).to.equal(entry?.createRevision)
      expect(entry?.value).to.deep.equal({ v: 1, by: 'me' })
    })

    it('that lost against another is not won, although its answer was lost too', async () => {
      await put('taken', { by: 'other' })
      await store.get(key())
      loseOneAnswer()
      const result = await store.write(
        [{ key: key('taken'), modRevision: 0 }],
        [{ put: key('taken'), value: { v: 1, by: 'me' } }],
      )
      expect(result).to.deep.equal({ won: false })
      expect((await direct.get(key('taken')))?.value).to.deep.equal({ v: 1, by: 'other' })
    })

    it('that deletes, and whose answer is lost, is won', async () => {
      await put('old')
      const { modRevision } = (await store.get(key('old')))!
      loseOneAnswer()
      const result = await store.write([{ key: key('old'), modRevision }], [{ delete: key('old') }])
      expect(result.won).to.equal(true)
      expect(await direct.get(key('old'))).to.equal(undefined)
    })

    it('that deletes a prefix, lost against another and got no answer, is not won while keys are left', async () => {
      await put('old/1')
      const { modRevision } = (await store.get(key('old/1')))!
      await put('old/1', { changed: true })
      loseOneAnswer()
      const result = await store.write([{ key: key('old/1'), modRevision }], [{ deletePrefix: key('old/') }])
      expect(result).to.deep.equal({ won: false })
      expect(await direct.get(key('old/1'))).to.not.equal(undefined)
    })

    it('writes all or nothing', async () => {
      await put('there')
      const result = await store.write(
        [{ key: key('there'), modRevision: 0 }],
        [{ put: key('a'), value: { v: 1 } }, { delete: key('there') }],
      )
      expect(result).to.deep.equal({ won: false })
      expect((await direct.list(key())).entries.map((entry) => entry.key)).to.deep.equal([key('there')])
    })

    it('refuses more operations than a transaction takes', async () => {
      const writes = Array.from({ length: maxOperations + 1 }, (_, index) => ({ delete: key(String(index)) }))
      const error = await store.write([], writes).catch((reason: unknown) => reason)
      expect(error).to.be.instanceOf(StoreError)
    })
  })

  it('looks again now and then, and reads no value when nothing was missed', async () => {
    const again = openStore({ endpoints: [etcd.url] }, { timings: { relistEveryMs: 400 } })
    for (let index = 0; index < 3; index++) await put(`k${index}`)
    const seen = follow(again, key())
    await seen.watching()
    await put('k3')
    await direct.write([], [{ delete: key('k1') }])
    await put('k2', { changed: true })
    await until({ what: 'all is seen' }, () => Promise.resolve(seen.story.length === 6))
    const [ranges, watches] = [await callsOf(etcd, 'Range'), await callsOf(etcd, 'Watch')]
    await until({ what: 'it has looked three times' }, async () => (await callsOf(etcd, 'Watch')) >= watches + 3)
    expect((await callsOf(etcd, 'Range')) - ranges, 'one look for each stream').to.be.within(3, 5)
    expect(seen.lists(), 'lists').to.equal(1)
    expect(seen.story).to.have.lengthOf(6)
    await again.close()
  })

  it('lists more keys than a page holds, as they were at one revision', async () => {
    for (let from = 0; from < 4500; from += 100) {
      const writes = Array.from({ length: 100 }, (_, index) => ({
        put: key(`k${String(from + index).padStart(5, '0')}`),
        value: { v: 1 },
      }))
      await direct.write([], writes)
    }
    const listing = store.list(key())
    const changing = put('k00700', { changed: true })
    const { entries, revision } = await listing
    await changing
    expect(entries).to.have.lengthOf(4500)
    expect(Math.max(...entries.map(({ modRevision }) => modRevision))).to.be.at.most(revision)
  })

  it('lists values that are together larger than one answer may be', async () => {
    const text = 'x'.repeat(1_000_000)
    for (let index = 0; index < 70; index++) await put(`large${index}`, { text })
    expect((await store.list(key())).entries).to.have.lengthOf(70)
    await direct.write([], [{ deletePrefix: key() }])
  })

  describe('lease', () => {
    it('is not held any more before etcd drops its key', async () => {
      const lease = await store.lease(3)
      await store.write([], [{ put: key('mine'), value: { v: 1 }, lease }])
      const lost = new Promise<boolean>((resolve) =>
        lease.onLost(() => void direct.get(key('mine')).then((entry) => resolve(entry !== undefined))),
      )
      proxy.drop('up', 'down')
      expect(await lost, 'the key is still there when the lease counts as lost').to.equal(true)
      expect(lease.isHeld()).to.equal(false)
      await until({ what: 'etcd drops the key' }, async () => (await direct.get(key('mine'))) === undefined)
    })

    it('that is renewed is proof enough that etcd lives: no read is made beside it', async () => {
      const renewing = openStore({ endpoints: [etcd.url] }, { timings: { livenessEveryMs: 3_000 } })
      const lease = await renewing.lease(1)
      const renewals = await callsOf(etcd, 'LeaseKeepAlive')
      const reads = await callsOf(etcd, 'Range')
      await until(
        { what: 'time for a read has passed' },
        async () => (await callsOf(etcd, 'LeaseKeepAlive')) >= renewals + 12,
      )
      expect(await callsOf(etcd, 'Range')).to.equal(reads)
      await lease.revoke()
      await renewing.close()
    })

    it('of a kept key is granted anew, and the key written again', async () => {
      const kept = new LeasedKey(store, key('alive'), { v: 1 }, { ttlSeconds: 3, clock: systemClock, log: silentLog })
      await kept.written
      const first = (await direct.get(key('alive')))!.createRevision
      proxy.drop('up', 'down')
      await until({ what: 'the key is gone' }, async () => (await direct.get(key('alive'))) === undefined)
      proxy.heal()
      const again = await until({ what: 'the key is back' }, async () => direct.get(key('alive')))
      expect(again.createRevision).to.be.above(first)
      await kept.close()
    })
  })

  describe('election', () => {
    const candidate = (from: Store, pid: number) => {
      const story: string[] = []
      const election = new Election(from, {
        candidate: { host: `host${pid}`, pid },
        ttlSeconds: 3,
        clock: systemClock,
        log: silentLog,
        onElected: () => story.push('elected'),
        onLost: () => story.push('lost'),
      })
      return { election, story }
    }
    const leads = (one: { election: { fence(): number | undefined } }) =>
      until({ what: 'it leads' }, () => Promise.resolve(one.election.fence()))

    it('has one leader; one that was cut off stops before another leads, and its late write changes nothing', async () => {
      const first = candidate(store, 1)
      const fence = await leads(first)
      const second = candidate(direct, 2)
      proxy.drop('up', 'down')
      await until({ what: 'the second leads' }, () => {
        const both = first.election.fence() !== undefined && second.election.fence() !== undefined
        expect(both, 'two lead at once').to.equal(false)
        return Promise.resolve(second.election.fence())
      })
      expect(first.story).to.deep.equal(['elected', 'lost'])
      const late = await direct.write(
        [{ key: 'leader', createRevision: fence }],
        [{ put: key('late'), value: { v: 1 } }],
      )
      expect(late).to.deep.equal({ won: false })
      proxy.heal()
      await first.election.close()
      await second.election.close()
    })

    it('hands over when the leader resigns', async () => {
      const first = candidate(store, 1)
      await leads(first)
      const second = candidate(direct, 2)
      await first.election.resign(10_000)
      await leads(second)
      expect(first.election.fence()).to.equal(undefined)
      await first.election.close()
      await second.election.close()
    })
  })
})
