import { NameServiceUnavailable } from '../../src/scheduler/users/nameService.js'
import type { Accounts } from '../../src/scheduler/users/accounts.js'
import { everyUser } from '../../src/standalone/cluster.js'
import type { Scenario } from './director.js'
import { Violation } from './invariants.js'

/** Every user exists, as long as the name service can be asked. */
export class SimulatedNameService {
  isAway = false

  readonly accounts: Accounts = {
    ...everyUser,
    lookUp: (uid) => this.answer(() => everyUser.lookUp(uid)),
    groupId: (name) => this.answer(() => everyUser.groupId(name)),
    groupsOf: (uid) => this.answer(() => everyUser.groupsOf(uid)),
  }

  private answer<T>(ask: () => Promise<T>): Promise<T> {
    return this.isAway ? Promise.reject(new NameServiceUnavailable('it is away')) : ask()
  }
}

export const nameServiceScenarios: Record<string, Scenario> = {
  /** Whoever asks meanwhile waits; nobody is told that there is no such user; what runs goes on. */
  'the name service is lost': async (director) => {
    const { cluster, world } = director
    await director.setup('101', 1)
    cluster.tell('the name service is lost')
    cluster.nameService.isAway = true
    const asked = [director.create('alpha', 2, /no user/), director.setup('102', 1, [], /no user/)]
    const ran = director.run('101', ['c1'])
    await world.sleep(world.between(0, 90_000))
    cluster.tell('the name service is back')
    cluster.nameService.isAway = false
    for (const { code, text } of await Promise.all(asked))
      if (code !== 0) throw new Violation(`an outage of the name service was told as an answer: ${text}`)
    await ran
    for (const token of ['101', '102', 'alpha']) await director.simple('teardown', token)
  },
}
