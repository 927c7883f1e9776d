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

export const leftoverScenarios: Record<string, Scenario> = {
  'a job leaves processes behind': async (director) => {
    await director.setup('101', 3)
    await director.simple('data_in', '101')
    await director.preRun('101', computeHosts)
    for (const host of computeHosts) await use(director, host, '101', 'user')
    await director.simple('post_run', '101')
    await director.simple('data_out', '101')
    await director.simple('teardown', '101')
  },
}
