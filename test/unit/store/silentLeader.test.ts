import { expect } from 'chai'
import { silentLog } from '../../../src/daemon/log.js'
import { FakeEtcd } from '../../../src/store/fake.js'
import { keys } from '../../../src/store/keys.js'
import { Pauses } from '../../../src/store/pauses.js'
import { SilentLeader } from '../../../src/store/silentLeader.js'
import { seeded, World } from '../../simulation/world.js'

describe('a leader that stands still', () => {
  const ttlMs = 10_000

  function following() {
    const world = new World(seeded(1))
    const etcd = new FakeEtcd(world.clock, world.deliver)
    etcd.write([], [{ put: keys.leader, value: { v: 1, host: 'other', pid: 2 } }])
    const pauses = new Pauses(world.clock)
    const { modRevision } = etcd.read(keys.leader)!
    const check = new SilentLeader({
      store: etcd.open(),
      ttlMs,
      clock: world.clock,
      log: silentLog,
      pauses,
      candidate: { host: 'head', pid: 1 },
      followed: () => ({ host: 'other', modRevision }),
    })
    const pass = async (ms: number) => {
      const end = world.nowMs + ms
      while (world.nowMs < end) await world.step()
    }
    return { world, etcd, check, pauses, pass }
  }

  it('is asked to resign after three lifetimes of its lease, and its key is deleted after another', async () => {
    const { etcd, check, pass } = following()
    await pass(2 * ttlMs)
    expect(etcd.read(keys.leaderWanted)).to.equal(undefined)
    await pass(1.5 * ttlMs)
    expect(etcd.read(keys.leaderWanted)).to.have.nested.property('value.host', 'head')
    expect(etcd.read(keys.leader)).to.not.equal(undefined)
    await pass(1.5 * ttlMs)
    expect(etcd.read(keys.leader)).to.equal(undefined)
    check.close()
  })

  it('is left alone when its key has moved since, or nobody follows it any more', async () => {
    const { etcd, check, pauses, pass } = following()
    await pass(2 * ttlMs)
    check.moved()
    await pass(2 * ttlMs)
    expect(etcd.read(keys.leaderWanted)).to.equal(undefined)
    etcd.write([], [{ put: keys.leader, value: { v: 1, host: 'other', pid: 2, since: 1 } }])
    await pass(5 * ttlMs)
    expect(etcd.read(keys.leader)).to.not.equal(undefined)
    expect(etcd.read(keys.leaderWanted)).to.equal(undefined)
    check.close()
    pauses.close()
  })
})
