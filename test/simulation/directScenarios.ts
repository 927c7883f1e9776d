import type { BufferDocument } from '../../src/model/documents/buffer.js'
import { shareBuffer } from '../../src/scheduler/admission/share.js'
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
    await director.endJob('101')
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
    await director.endJob('101')
  },

  'direct: a program takes the port of a brick of a job': async (director) => {
    const { cluster, world } = director
    cluster.serveWith('direct')
    await director.setup('101', 6)
    await director.simple('data_in', '101')
    await director.preRun('101', computeHosts)
    const machine = cluster.machines.get(world.pick(storageHosts))!
    cluster.turnOff(machine.name)
    await world.sleep(world.between(100, 30_000))
    cluster.tell(`a program listens on port ${brickPorts.first} of ${machine.name}`)
    machine.foreignPorts.add(brickPorts.first)
    cluster.turnOn(machine.name)
    await world.sleep(world.between(5_000, 60_000))
    machine.foreignPorts.clear()
    await director.endJob('101')
  },

  // Its brick processes go on with what they were started with, and are started again when it is back. No filter of ours is in the way.
  'direct: a storage host does not hear of a job that starts': async (director) => {
    const { cluster, world } = director
    cluster.serveWith('direct')
    for (const machine of cluster.machines.values()) machine.hasOwnFilter = true
    await director.setupSwapping('101', 3)
    await director.simple('data_in', '101')
    const name = world.pick(storageHosts)
    cluster.cut(name, false)
    await director.until('it to be lost', () => cluster.etcd.read(`hosts/${name}`) === undefined)
    const healed = world.sleep(world.between(1_000, 40_000)).then(() => cluster.heal(name))
    await director.preRun('101', computeHosts)
    await healed
    await director.endJob('101')
  },

  'direct: a job uses a buffer after another job': async (director) => {
    const { cluster } = director
    cluster.serveWith('direct')
    const secret = () => (cluster.etcd.read('buffers/alpha')?.value as BufferDocument | undefined)?.secret
    await director.create('alpha', 2)
    for (const token of ['101', '102']) {
      const before = secret()
      await director.setup(token, 0, ['alpha'])
      await director.run(token, computeHosts)
      await director.simple('teardown', token)
      await director.until('another secret', () => secret() !== before)
    }
    await director.simple('teardown', 'alpha')
  },

  'direct: a buffer is shared with a group while a job uses it': async (director) => {
    const { cluster, world } = director
    cluster.serveWith('direct')
    await director.create('alpha', 2)
    await director.setup('101', 0, ['alpha'])
    const run = director.run('101', ['c1'])
    await world.sleep(world.between(0, 4_000))
    await director.operate((known) => shareBuffer(known, { name: 'alpha', uid: 1001, gid: 2000 }))
    await run
    await director.simple('teardown', '101')
    await director.simple('teardown', 'alpha')
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
