import { expect } from 'chai'
import { silentLog } from '../../../src/daemon/log.js'
import { keepKey } from '../../../src/store/kept.js'
import { MemoryEtcd } from '../../../src/store/memory.js'
import { seeded, World } from '../../simulation/world.js'

describe('a key that is kept', () => {
  it('is written again when it is gone although its lease is held', async () => {
    const world = new World(seeded(1))
    const etcd = new MemoryEtcd(world.clock, world.deliver)
    const kept = keepKey(etcd.open(), 'hosts/a', { v: 1 }, { ttlSeconds: 15, clock: world.clock, log: silentLog })
    const until = async (holds: () => boolean) => {
      while (!holds()) await world.step()
    }
    await until(() => etcd.read('hosts/a') !== undefined)
    etcd.write([], [{ delete: 'hosts/a' }])
    await until(() => etcd.read('hosts/a') !== undefined)
    expect(world.nowMs).to.be.lessThan(1_000_000 + 40_000)
    await kept.close()
  })
})
