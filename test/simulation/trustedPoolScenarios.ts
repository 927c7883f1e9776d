import { moreStorageHosts, storageHosts } from './cluster.js'
import type { Director, Scenario } from './director.js'

/** A host that comes late, and is lost some times before it stays: its power, its network or etcd alone. */
async function comeAndGo(director: Director, name: string): Promise<void> {
  const { cluster, world } = director
  for (let time = 0; time < 3; time++) {
    await world.sleep(world.between(0, 8_000))
    const away = world.pick([100, 3_000, 20_000, 40_000])
    if (world.random() < 0.5) {
      cluster.turnOff(name)
      await world.sleep(away)
      cluster.turnOn(name)
    } else {
      cluster.cut(name, world.random() < 0.5)
      await world.sleep(away)
      cluster.heal(name)
    }
  }
}

/* They begin while no agent has said yet that it is alive. */
export const trustedPoolScenarios: Record<string, Scenario> = {
  // Two pools could not be joined any more: a buffer on hosts of both would never be made.
  'hosts come and go while the trusted pool forms': async (director) => {
    const { cluster, world } = director
    const all = [...storageHosts, ...moreStorageHosts]
    for (const name of moreStorageHosts) cluster.addStorageHost(name)
    for (const name of all) cluster.turnOff(name)
    const coming = all.map(async (name) => {
      await world.sleep(world.between(0, 10_000))
      cluster.turnOn(name)
      await comeAndGo(director, name)
    })
    await Promise.all(coming)
    await director.until('one trusted pool', () =>
      cluster.gluster.trustedPools().some(({ size }) => size === all.length),
    )
    await director.create('alpha', all.length)
    await director.simple('teardown', 'alpha')
  },
}
