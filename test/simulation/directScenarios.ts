import { brickPorts, computeHosts, storageHosts } from './cluster.js'
import type { Scenario } from './director.js'

/** On the data plane `direct`, what others play on glusterd's. */
export function directScenarios(others: Record<string, Scenario>): Record<string, Scenario> {
  const onDirect = Object.entries(others).map(([name, scenario]): [string, Scenario] => [
    `direct: ${name}`,
    async (director) => {
      director.cluster.serveWith('direct')
      await scenario(director)
    },
  ])
  return { ...Object.fromEntries(onDirect), ...own }
}

const own: Record<string, Scenario> = {
  'direct: a port is taken by somebody else': async (director) => {
    const { cluster, world } = director
    cluster.serveWith('direct')
    const machine = cluster.machines.get(world.pick(storageHosts))!
    cluster.tell(`a program listens on port ${brickPorts.first} of ${machine.name}`)
    machine.foreignPorts.add(brickPorts.first)
    await director.setup('101', 3)
    await director.run('101', computeHosts)
    await director.simple('teardown', '101')
    machine.foreignPorts.clear()
  },

  'direct: bricks are killed while a job runs': async (director) => {
    const { cluster, world } = director
    cluster.serveWith('direct')
    await director.setup('101', 4)
    const killed = world.sleep(world.between(0, 4_000)).then(() => {
      const machine = cluster.machines.get(world.pick(storageHosts))!
      cluster.tell(`the brick processes of ${machine.name} are killed`)
      machine.served.clear()
    })
    await director.run('101', computeHosts)
    await killed
    await director.simple('teardown', '101')
  },

  'both data planes on the same hosts': async (director) => {
    const { cluster } = director
    await director.create('alpha', 2)
    cluster.serveWith('direct')
    await director.create('beta', 2)
    await director.setup('101', 0, ['alpha', 'beta'])
    await director.run('101', computeHosts)
    await Promise.all(['101', 'alpha', 'beta'].map((token) => director.simple('teardown', token)))
  },
}
