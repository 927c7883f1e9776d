import { computeHosts } from './cluster.js'
import type { Director, Scenario } from './director.js'

async function untilSwapping(director: Director, token: string, host: string): Promise<void> {
  await director.until(`swap on ${host}`, () => director.cluster.swapsOn(host, token))
}

export const swapScenarios: Record<string, Scenario> = {
  'jobs that swap': async (director) => {
    const one = async (token: string, hosts: string[], terabytes?: number) => {
      await director.setupSwapping(token, terabytes)
      await director.simple('data_in', token)
      await director.preRun(token, hosts)
      director.cluster.invariants.expectSwap(token, hosts)
      await director.world.sleep(director.world.between(100, 8_000))
      await director.simple('post_run', token)
      await director.simple('data_out', token)
      await director.simple('teardown', token)
    }
    await Promise.all([one('101', computeHosts, 3), one('102', ['c2'])])
  },

  'lose a node while it swaps': async (director) => {
    const { cluster, world } = director
    await director.setupSwapping('101', 3)
    const running = director.run('101', computeHosts)
    await untilSwapping(director, '101', 'c1')
    await world.sleep(world.between(0, 3_000))
    cluster.turnOff('c1')
    await world.sleep(world.between(1_000, 90_000))
    cluster.turnOn('c1')
    await running
    await director.simple('teardown', '101')
  },

  // Its swap goes on: nobody may unmount or let go of what it lies on, when the node is back and hears of both at once.
  'the job of a node that swaps ends while it is cut off': async (director) => {
    const { cluster, world } = director
    await director.setupSwapping('101')
    await director.simple('data_in', '101')
    await director.preRun('101', ['c1'])
    await untilSwapping(director, '101', 'c1')
    cluster.cut('c1', world.random() < 0.5)
    const healed = world.sleep(world.between(1_000, 90_000)).then(() => cluster.heal('c1'))
    await director.simple('post_run', '101')
    await director.simple('teardown', '101')
    await healed
  },

  'torn down in a hurry while it swaps': async (director) => {
    const { world } = director
    await director.setupSwapping('101')
    await director.simple('data_in', '101')
    const begun = director.once(['pre_run', '--token', '101', '--nodehostnamefile', director.cluster.nodeFile(['c1'])])
    await world.sleep(world.between(0, 3_000))
    await director.call(['teardown', '--token', '101', '--hurry'], /token not found|No matching session/)
    await begun
  },
}
