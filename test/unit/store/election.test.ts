import { expect } from 'chai'
import type { Clock } from '../../../src/daemon/clock.js'
import { silentLog } from '../../../src/daemon/log.js'
import { Election } from '../../../src/store/election.js'
import { keys } from '../../../src/store/keys.js'
import { FakeEtcd } from '../../../src/store/fake.js'
import { OutcomeUnknown, OutOfSpace, type Lease, type Store } from '../../../src/store/store.js'
import { seeded, World } from '../../simulation/world.js'

describe('an election', () => {
  let world: World
  let etcd: FakeEtcd

  beforeEach(() => {
    world = new World(seeded(1))
    etcd = new FakeEtcd(world.clock, world.deliver)
  })

  function standing(store: Store, clock = world.clock) {
    const candidate = { host: 'head', pid: 1 }
    const heard = { onElected: () => {}, onLost: () => {} }
    return new Election(store, { candidate, ttlSeconds: 10, clock, log: silentLog, ...heard, random: () => 0.5 })
  }

  async function until(what: string, holds: () => boolean, withinMs: number): Promise<void> {
    const end = world.nowMs + withinMs
    while (!holds()) {
      if (world.nowMs > end || !(await world.step())) throw new Error(`it never came about: ${what}`)
    }
  }

  /** The same store, but what `write` and `lease` do is the test's. */
  const changed = (store: Store, parts: Partial<Pick<Store, 'write' | 'lease'>>): Store => ({
    list: (prefix) => store.list(prefix),
    get: (key) => store.get(key),
    write: (compares, writes) => store.write(compares, writes),
    watch: (prefix, handlers) => store.watch(prefix, handlers),
    lease: (ttl) => store.lease(ttl),
    usage: () => store.usage(),
    close: () => store.close(),
    ...parts,
  })

  /** The states that it goes through until the condition holds, the first among them. */
  async function statesUntil(election: Election, what: string, holds: () => boolean): Promise<string[]> {
    const states: string[] = [election.state]
    await until(
      what,
      () => {
        if (states.at(-1) !== election.state) states.push(election.state)
        return holds()
      },
      120_000,
    )
    return states
  }

  it('leads when it has seen that nobody does, follows when it resigns, and leads again after its pause', async () => {
    const election = standing(etcd.open())
    expect(await statesUntil(election, 'it leads', () => election.fence() !== undefined)).to.deep.equal([
      'syncing',
      'grabbing',
      'leading',
    ])
    const fence = election.fence()
    const resigned = world.nowMs
    void election.resign(20_000)
    expect(election.state).to.equal('following')
    expect(election.fence()).to.equal(undefined)
    expect(await statesUntil(election, 'it leads', () => election.fence() !== undefined)).to.deep.equal([
      'following',
      'grabbing',
      'leading',
    ])
    expect(election.fence()).to.be.greaterThan(fence!)
    expect(world.nowMs - resigned).to.be.at.least(20_000)
    void election.close()
    expect(election.state).to.equal('closed')
  })

  it('follows as long as another leads', async () => {
    const leading = standing(etcd.open())
    await until('it leads', () => leading.fence() !== undefined, 60_000)
    const standby = standing(etcd.open())
    const end = world.nowMs + 60_000
    expect(await statesUntil(standby, 'that time', () => world.nowMs >= end)).to.deep.equal(['syncing', 'following'])
    void leading.close()
    expect(await statesUntil(standby, 'it leads', () => standby.fence() !== undefined)).to.deep.equal([
      'following',
      'grabbing',
      'leading',
    ])
    void standby.close()
  })

  it('leads no more when its key is gone, and tries again', async () => {
    const election = standing(etcd.open())
    await until('it leads', () => election.fence() !== undefined, 60_000)
    etcd.write([], [{ delete: keys.leader }])
    await until('it has seen that', () => election.state !== 'leading', 60_000)
    expect(await statesUntil(election, 'it leads', () => election.fence() !== undefined)).to.deep.equal([
      'grabbing',
      'leading',
    ])
    void election.close()
  })

  it('leads by no lease that was granted after it was closed', async () => {
    const store = etcd.open()
    const granted: Lease[] = []
    const election = standing(
      changed(store, {
        lease: async (ttl) => {
          granted.push(await store.lease(ttl))
          return granted.at(-1)!
        },
      }),
    )
    await until('it grabs', () => election.state === 'grabbing', 60_000)
    void election.close()
    expect(election.state).to.equal('closed')
    while (await world.step()) expect(election.state).to.equal('closed')
    expect(granted.map((lease) => lease.isHeld())).to.deep.equal([false])
    expect(etcd.read(keys.leader)).to.equal(undefined)
  })

  it('leaves no key behind that nobody leads by, when the answer to its write was lost for good', async () => {
    const store = etcd.open()
    let lost = 1
    const election = standing(
      changed(store, {
        write: async (compares, writes) => {
          const result = await store.write(compares, writes)
          if (lost-- > 0) throw new OutcomeUnknown('no answer')
          return result
        },
      }),
    )
    await until('it leads', () => election.fence() !== undefined, 60_000)
    expect(etcd.read(keys.leader)?.createRevision).to.equal(election.fence())
    await election.close()
  })

  it('keeps no lease alive that it does not lead by', async () => {
    const store = etcd.open()
    const granted: Lease[] = []
    let failures = 3
    const election = standing(
      changed(store, {
        lease: async (ttl) => {
          granted.push(await store.lease(ttl))
          return granted.at(-1)!
        },
        write: (compares, writes) =>
          failures-- > 0 ? Promise.reject(new Error('denied')) : store.write(compares, writes),
      }),
    )
    await until('it leads', () => election.fence() !== undefined, 60_000)
    expect(granted.map((lease) => lease.isHeld())).to.deep.equal([false, false, false, true])
    await election.close()
  })

  it('stands again when the key of another went while it gave its own lease back', async () => {
    const store = etcd.open()
    let rival = true
    const election = standing(
      changed(store, {
        lease: async (ttl) => {
          const lease = await store.lease(ttl)
          return Object.assign(Object.create(lease) as Lease, {
            isHeld: () => lease.isHeld(),
            // Slow, as an etcd that has just been frozen: the watch is faster.
            revoke: async () => {
              await world.sleep(5_000)
              await lease.revoke()
            },
          })
        },
        write: async (compares, writes) => {
          if (!rival) return store.write(compares, writes)
          rival = false
          etcd.write([], [{ put: keys.leader, value: { v: 1, host: 'other', pid: 2, since: 1 } }])
          const result = await store.write(compares, writes)
          etcd.write([], [{ delete: keys.leader }])
          return result
        },
      }),
    )
    await until('it leads', () => election.fence() !== undefined, 60_000)
    void election.close()
  })

  describe('beside a leader whose lease somebody keeps alive', () => {
    const ttl = 10
    let isKept: boolean
    const keepAlive = () => {
      etcd.keepAlive(keys.leader, ttl)
      if (isKept) world.at(2_000, keepAlive)
    }

    /** A leader that writes this key once, and is dead from then on. */
    async function dead(value: object) {
      const store = etcd.open()
      let written = false
      void store
        .lease(ttl)
        .then((lease) => store.write([], [{ put: keys.leader, value, lease }]))
        .then(() => (written = true))
      await until('the key of the dead leader', () => written, 10_000)
      store.kill({ sendsOn: false })
      isKept = true
      keepAlive()
    }
    afterEach(() => (isKept = false))

    const pass = (ms: number) => {
      const end = world.nowMs + ms
      return until('that time', () => world.nowMs >= end, ms + 60_000)
    }

    it('takes over when the key has not moved for long', async () => {
      await dead({ v: 1, host: 'other', pid: 2, since: 1, documents: '1-2' })
      const old = etcd.read(keys.leader)!.createRevision
      const start = world.nowMs
      const election = standing(etcd.open())
      await until('it leads', () => election.fence() !== undefined, 90_000)
      expect(election.fence()).to.be.greaterThan(old)
      expect(world.nowMs - start).to.be.greaterThan(3 * ttl * 1000)
      void election.close()
    })

    it('never takes over from one of the first release, which does not move its key', async () => {
      await dead({ v: 1, host: 'other', pid: 2, since: 1 })
      const election = standing(etcd.open())
      await pass(200_000)
      expect(election.fence()).to.equal(undefined)
      void election.close()
    })

    it('never takes over from one that lives', async () => {
      const leading = standing(etcd.open())
      await until('it leads', () => leading.fence() !== undefined, 60_000)
      const fence = leading.fence()
      const standby = standing(etcd.open())
      await pass(500_000)
      expect([leading.fence(), standby.fence()]).to.deep.equal([fence, undefined])
      void leading.close()
      void standby.close()
    })

    it('never takes over from one that lives, and leads again while a write of its leadership before was on its way', async () => {
      const store = etcd.open()
      let late: (() => void) | undefined
      const leading = standing(
        changed(store, {
          write: async (compares, writes) => {
            const isBeat = compares.some((compare) => 'createRevision' in compare)
            if (isBeat && !late) await new Promise<void>((resolve) => (late = resolve))
            return store.write(compares, writes)
          },
        }),
      )
      await until('it moves its key', () => late !== undefined, 60_000)
      const first = leading.fence()
      etcd.write([], [{ delete: keys.leader }])
      await until('it leads anew', () => ![undefined, first].includes(leading.fence()), 60_000)
      const { modRevision } = etcd.read(keys.leader)!
      late!()
      await pass(60_000)
      expect(etcd.read(keys.leader)!.modRevision).to.be.greaterThan(modRevision)
      void leading.close()
    })

    it('leaves no timer behind when it is closed while it waits for a silent leader to resign', async () => {
      await dead({ v: 1, host: 'other', pid: 2, since: 1, documents: '1-2' })
      const timers = new Set<object>()
      const clock: Clock = {
        ...world.clock,
        after: (ms, callback) => {
          const timer = {}
          timers.add(timer)
          const cancel = world.clock.after(ms, () => {
            timers.delete(timer)
            callback()
          })
          return () => {
            timers.delete(timer)
            cancel()
          }
        },
      }
      const election = standing(etcd.open(), clock)
      await until('it asks the silent leader to resign', () => etcd.read(keys.leaderWanted) !== undefined, 90_000)
      await pass(1_000)
      let closed = false
      void election.close().then(() => (closed = true))
      expect(timers).to.have.length(0)
      await until('it is closed', () => closed, 10_000)
      expect(etcd.read(keys.leader)).to.have.nested.property('value.host', 'other')
    })

    it('does not take over while etcd takes no writes', async () => {
      await dead({ v: 1, host: 'other', pid: 2, since: 1, documents: '1-2' })
      const store = etcd.open()
      const election = standing(changed(store, { write: () => Promise.reject(new OutOfSpace('full')) }))
      await pass(200_000)
      expect(etcd.read(keys.leader)).to.have.nested.property('value.host', 'other')
      void election.close()
    })
  })
})
