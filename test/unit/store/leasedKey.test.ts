import { expect } from 'chai'
import { silentLog } from '../../../src/daemon/log.js'
import { LeasedKey } from '../../../src/store/leasedKey.js'
import { FakeEtcd } from '../../../src/store/fake.js'
import { OutcomeUnknown } from '../../../src/store/store.js'
import { seeded, World } from '../../simulation/world.js'

describe('a key that is kept', () => {
  it('is written again when it is gone although its lease is held', async () => {
    const world = new World(seeded(1))
    const etcd = new FakeEtcd(world.clock, world.deliver)
    const kept = new LeasedKey(etcd.open(), 'hosts/a', { v: 1 }, { ttlSeconds: 15, clock: world.clock, log: silentLog })
    const until = async (holds: () => boolean) => {
      while (!holds()) await world.step()
    }
    await until(() => etcd.read('hosts/a') !== undefined)
    etcd.write([], [{ delete: 'hosts/a' }])
    await until(() => etcd.read('hosts/a') !== undefined)
    expect(world.nowMs).to.be.lessThan(1_000_000 + 40_000)
    await kept.close()
  })

  it('does not go back when a write of before arrives late', async () => {
    const world = new World(seeded(1))
    const etcd = new FakeEtcd(world.clock, world.deliver)
    const store = etcd.open()
    const options = { ttlSeconds: 15, clock: world.clock, log: silentLog }
    const kept = new LeasedKey(store, 'hosts/a', { v: 1 }, options)
    const until = async (holds: () => boolean) => {
      while (!holds()) await world.step()
    }
    const held = () => etcd.read('hosts/a')?.value
    await until(() => held() !== undefined)
    const write = store.write.bind(store)
    let late: (() => Promise<unknown>) | undefined
    store.write = (compares, writes) => {
      store.write = write
      late = () =>
        write(
          compares,
          writes.map((each) => ('lease' in each ? { put: each.put, value: each.value } : each)),
        )
      return Promise.reject(new OutcomeUnknown('no answer'))
    }
    kept.update({ v: 2 })
    await until(() => late !== undefined)
    kept.update({ v: 3 })
    await until(() => JSON.stringify(held()) === '{"v":3}')
    let done = false
    void late!().then(() => (done = true))
    await until(() => done)
    expect(held()).to.deep.equal({ v: 3 })
    await kept.close()
  })

  it('writes what comes during a write after it, and is closed when that has ended', async () => {
    const world = new World(seeded(1))
    const etcd = new FakeEtcd(world.clock, world.deliver)
    const kept = new LeasedKey(etcd.open(), 'hosts/a', { v: 1 }, { ttlSeconds: 15, clock: world.clock, log: silentLog })
    const statesUntil = async (holds: () => boolean) => {
      const states: string[] = [kept.state]
      while (!holds()) {
        await world.step()
        if (states.at(-1) !== kept.state) states.push(kept.state)
      }
      return states
    }
    expect(await statesUntil(() => kept.state === 'idle')).to.deep.equal(['writing', 'idle'])
    kept.update({ v: 2 })
    expect(kept.state).to.equal('writing')
    kept.update({ v: 3 })
    expect(await statesUntil(() => kept.state === 'idle')).to.deep.equal(['stale', 'writing', 'idle'])
    expect(etcd.read('hosts/a')?.value).to.deep.equal({ v: 3 })
    kept.update({ v: 4 })
    void kept.close()
    expect(await statesUntil(() => kept.state === 'closed')).to.deep.equal(['closing', 'closed'])
    kept.update({ v: 5 })
    expect(kept.state).to.equal('closed')
    expect(kept.isHeld()).to.equal(false)
    await statesUntil(() => etcd.read('hosts/a') === undefined)
  })

  it('tries again until the write has worked', async () => {
    const world = new World(seeded(1))
    const etcd = new FakeEtcd(world.clock, world.deliver)
    const store = etcd.open()
    const write = store.write.bind(store)
    let failures = 2
    store.write = (compares, writes) => (failures-- > 0 ? Promise.reject(new Error('denied')) : write(compares, writes))
    const kept = new LeasedKey(store, 'hosts/a', { v: 1 }, { ttlSeconds: 15, clock: world.clock, log: silentLog })
    const states: string[] = []
    while (kept.state !== 'idle') {
      if (states.at(-1) !== kept.state) states.push(kept.state)
      await world.step()
    }
    expect(states).to.deep.equal(['writing', 'stale', 'writing', 'stale', 'writing'])
    expect(etcd.read('hosts/a')?.value).to.deep.equal({ v: 1 })
    await kept.close()
  })
})
