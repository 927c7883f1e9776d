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

  'direct: a brick hangs and another is slow while a job runs': async (director) => {
    const { cluster, world } = director
    cluster.serveWith('direct')
    await director.setup('101', 4)
    await director.simple('data_in', '101')
    await director.preRun('101', computeHosts)
    const [hung, slow] = [...cluster.machines.values()].flatMap(({ served }) => [...served.values()])
    cluster.tell('one brick process hangs, and another is slow')
    hung!.silent = 'hung'
    slow!.silent = 'slow'
    const isServed = ({ port }: typeof hung & object, but?: object) =>
      [...cluster.machines.values()].some(({ served }) =>
        [...served.values()].some((process) => process.port === port && process !== but),
      )
    await director.until('the one that hangs is started again', () => isServed(hung!, hung))
    await world.sleep(world.between(0, 90_000))
    delete slow!.silent
    await director.simple('post_run', '101')
    await director.simple('data_out', '101')
    await director.simple('teardown', '101')
  },

  'direct: certificates are renewed while a job runs': async (director) => {
    const { cluster, world } = director
    cluster.serveWith('direct', { tls: true })
    await director.setup('101', 3)
    await director.simple('data_in', '101')
    await director.preRun('101', computeHosts)
    const shown = () => {
      const clients = [...cluster.machines.values()].flatMap(({ clients }) => [...clients.values()])
      return new Set(clients.map(({ certificate }) => certificate))
    }
    const first = shown()
    cluster.tell('40 days pass')
    world.wallSeconds += 40 * 86_400
    await director.until('all nodes to show other certificates', () => [...shown()].every((each) => !first.has(each)))
    await director.simple('post_run', '101')
    await director.simple('data_out', '101')
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
