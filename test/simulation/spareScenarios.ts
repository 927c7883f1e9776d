import { cordon, uncordon } from '../../src/scheduler/admission/operators.js'
import { computeHosts, storageHosts } from './cluster.js'
import type { Director, Scenario } from './director.js'

type Context = Parameters<typeof cordon>[2]

/** A minute at most passes until the scheduler looks at what no document says. */
function untilReady(director: Director, count: number): Promise<void> {
  const { cluster } = director
  return director.until(`${count} spares`, () => cluster.spares().filter(({ isReady }) => isReady).length >= count)
}

async function job(director: Director, token: string, terabytes: number): Promise<void> {
  await director.setup(token, terabytes)
  await director.run(token, [director.world.pick(computeHosts)])
  await director.simple('teardown', token)
}

export const spareScenarios: Record<string, Scenario> = {
  'jobs on spares': async (director) => {
    director.cluster.keepSpares(3)
    await untilReady(director, 2)
    await Promise.all([job(director, '101', 2), job(director, '102', 1), job(director, '103', 3)])
    await job(director, '101', 4)
    director.cluster.keepSpares(0)
  },

  'jobs come while spares are made and given back': async (director) => {
    const { cluster, world } = director
    cluster.keepSpares(5)
    const jobs = ['101', '102', '103'].map(async (token) => {
      await world.sleep(world.between(0, 70_000))
      await job(director, token, world.between(1, 4))
    })
    await world.sleep(world.between(0, 70_000))
    cluster.keepSpares(1)
    await Promise.all(jobs)
    await job(director, '104', 6)
    cluster.keepSpares(0)
  },

  'a spare is cordoned while a buffer is made': async (director) => {
    const { cluster, world } = director
    cluster.keepSpares(4)
    await untilReady(director, 1)
    const { host, device } = cluster.spares()[0] ?? { host: 'gluster1', device: 'nvme1n1' }
    const created = director.create('alpha', 2)
    await director.operate((found) => cordon(found, { host, device, who: 'root', why: 'old' }, { now: 1 } as Context))
    await created
    await world.sleep(world.between(0, 10_000))
    await director.operate((found) => uncordon(found, { host, device }))
    await director.simple('teardown', 'alpha')
    cluster.keepSpares(0)
  },

  'lose a host with spares': async (director) => {
    const { cluster, world } = director
    cluster.keepSpares(4)
    await untilReady(director, 2)
    const name = world.pick(storageHosts)
    cluster.turnOff(name)
    const jobs = [job(director, '101', 2), job(director, '102', 2)]
    await world.sleep(world.between(1_000, 90_000))
    cluster.turnOn(name)
    await Promise.all(jobs)
    await director.create('alpha', 3)
    await director.simple('teardown', 'alpha')
    cluster.keepSpares(0)
  },

  'a spare whose disk breaks': async (director) => {
    const { cluster, world } = director
    cluster.keepSpares(3)
    await world.sleep(world.between(0, 3_000))
    const { disk } = world.pick(cluster.disks())
    cluster.tell(`${disk.identity} breaks`)
    if (disk.content.kind === 'blank') disk.condition = 'broken'
    await job(director, '101', 3)
    disk.condition = 'good'
    cluster.keepSpares(0)
  },
}
