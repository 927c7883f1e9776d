import { computeHosts } from './cluster.js'
import type { Director, Scenario } from './director.js'

type Client =
  Director['cluster']['machines'] extends ReadonlyMap<string, infer Machine>
    ? Machine extends { clients: ReadonlyMap<string, infer Found> }
      ? Found
      : never
    : never

/** Processes of a job, or of root's, go into its mount on that host. */
async function use(director: Director, host: string, volume: string, usedBy: 'user' | 'root'): Promise<Client> {
  const found = () => [...director.cluster.machines.get(host)!.clients.values()].find((one) => one.volume === volume)
  await director.until(`${volume} mounted on ${host}`, () => found() !== undefined)
  const client = found()!
  client.usedBy = usedBy
  director.cluster.tell(`${usedBy} uses ${volume} on ${host}`)
  return client
}

function killAgent(director: Director, host: string): void {
  director.cluster.tell(`the agent on ${host} is killed`)
  director.cluster.lives.get(`agent ${host}`)!.die()
}

export const leftoverScenarios: Record<string, Scenario> = {
  'a job leaves processes behind': async (director) => {
    await director.setup('101', 3)
    await director.simple('data_in', '101')
    await director.preRun('101', computeHosts)
    for (const host of computeHosts) await use(director, host, '101', 'user')
    await director.endJob('101')
  },

  // Root's shell stays in the buffer: the job's end does not wait for it, whatever becomes of the agent there.
  'a node cannot unmount': async (director) => {
    const { cluster, world } = director
    await director.create('alpha', 2)
    await director.setup('101', 0, ['alpha'])
    await director.simple('data_in', '101')
    await director.preRun('101', computeHosts)
    const client = await use(director, 'c1', 'alpha', 'root')
    await director.simple('post_run', '101')
    await director.simple('data_out', '101')
    killAgent(director, 'c1')
    await world.sleep(world.between(0, 90_000))
    // The node is not given the buffer again, and others are.
    await director.setup('102', 0, ['alpha'])
    await director.simple('data_in', '102')
    const first = cluster.etcd.read('sessions/101')?.value as { cutOff?: unknown } | undefined
    const wasNoted = first?.cutOff !== undefined
    const { code } = await director.preRun('102', ['c1'], /could not unmount/)
    // A host that was lost at the job's end was not waited for, and is noted later or never.
    if (wasNoted && code === 0) throw new Error('c1 was given alpha again, from which it was cut off')
    if (code !== 0) await director.preRun('102', ['c2'])
    await director.simple('post_run', '102')
    await director.simple('teardown', '102')
    await director.simple('teardown', '101')
    await director.simple('teardown', 'alpha')
    killAgent(director, 'c1')
    await world.sleep(world.between(0, 60_000))
    cluster.tell('root leaves alpha on c1')
    delete client.usedBy
  },
}
