import type { Scenario } from './director.js'
import { Violation } from './invariants.js'
import { Slurmctld } from './slurmctld.js'

export const slurmScenarios: Record<string, Scenario> = {
  'slurmctld is restarted again and again while jobs stage in': async (director) => {
    const { world } = director
    const slurmctld = new Slurmctld(director)
    const tokens = ['101', '102', '103', '104']
    for (const token of tokens) slurmctld.submit(token)
    for (let restarts = 0; restarts < 4; restarts++) {
      await world.sleep(world.between(500, 4_000))
      await slurmctld.restart()
    }
    await slurmctld.untilStaged()
    for (const token of tokens) {
      await director.run(token, ['c1'])
      await director.simple('teardown', token)
    }
  },

  /** More is asked at once than there is: every job has its turn, and one that is torn down gives its own up. */
  'full pool': async (director) => {
    const { cluster, world } = director
    const one = async (token: string, terabytes: number) => {
      await world.sleep(world.between(0, 2_000))
      const { text } = await director.setup(token, terabytes, [], / free, /)
      if (text !== '' && cluster.deaths === 0) throw new Violation(`job ${token} did not wait for room: ${text}`)
      await director.simple('data_in', token)
      await director.simple('teardown', token)
    }
    const jobs = ['101', '102', '103', '104', '105', '106', '107'].map((token, index) => one(token, 1 + (index % 6)))
    const givenUp = director.once([
      'setup',
      '--token',
      '201',
      '--user',
      '1001',
      '--groupid',
      '1001',
      '--capacity',
      '6TB',
    ])
    await world.sleep(world.between(0, 4_000))
    await director.simple('teardown', '201')
    await Promise.all([...jobs, givenUp])
    // A call whose teardown came before it.
    await director.simple('teardown', '201')
  },
}
