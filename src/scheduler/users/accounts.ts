import { type Clock, systemClock } from '../../daemon/clock.js'
import { type Log, silentLog } from '../../daemon/log.js'
import { Answers } from './answers.js'
import { NameService } from './nameService.js'

export interface Account {
  name: string
  /** The primary group. */
  gid: number
}

/**
 * What the head node's name service says about users. An answer may be a minute old. Without an answer, the promises are rejected
 * with NameServiceUnavailable: that does not mean "no such user".
 */
export interface Accounts {
  /** undefined when there is no such user. */
  lookUp(uid: number): Promise<Account | undefined>
  /** The id of a group; undefined when there is no such group. */
  groupId(name: string): Promise<number | undefined>
  /** Every group that the user is in; none for a user that does not exist. */
  groupsOf(uid: number): Promise<number[]>
  /** The name as learned before, else the number itself. */
  userName(uid: number): string
  /** Looks names up in advance, because the calls that show them must answer at once. */
  learn(uids: Iterable<number>): void
  /** Why the name service does not answer; undefined while it does. */
  problem(): string | undefined
}

const forDecisions = { foundMs: 60_000, absentMs: 10_000 }
/** For names that are only shown: a user that was deleted must not cost a process with every change of the cluster. */
const forPeople = { foundMs: 3_600_000, absentMs: 600_000 }
const maxKept = 20_000
const learnAgainMs = 10_000
/** Longer than any that a system accepts. */
const maxNameLength = 256

export function systemAccounts(clock: Clock = systemClock, log: Log = silentLog): Accounts {
  const service = new NameService(clock, log)
  const accounts = new Answers(clock, maxKept, (uid) => accountOf(service, uid))
  const groups = new Answers(clock, maxKept, (name) => groupIdOf(service, name))
  const memberships = new Answers(clock, maxKept, async (uid) => {
    const account = await accounts.get(uid, forDecisions)
    return account && groupsOf(service, account.name)
  })
  return {
    lookUp: (uid) => accounts.get(String(uid), forDecisions),
    groupId: (name) => (isName(name) ? groups.get(name, forDecisions) : Promise.resolve(undefined)),
    groupsOf: async (uid) => (await memberships.get(String(uid), forDecisions)) ?? [],
    userName: (uid) => accounts.last(String(uid))?.name ?? String(uid),
    learn: learner(clock, accounts),
    problem: () => service.problem,
  }
}

/** One after the other, so that three thousand owners take only one of the four places, and decisions have the others. */
function learner(clock: Clock, accounts: Answers<Account>): Accounts['learn'] {
  const wanted = new Set<string>()
  let isBusy = false
  const work = async () => {
    isBusy = true
    try {
      for (const uid of wanted) {
        if (!accounts.isFresh(uid, forPeople)) await accounts.get(uid, forDecisions)
        wanted.delete(uid)
      }
      isBusy = false
    } catch {
      // The service has logged why. Only names to show are missing.
      clock.after(learnAgainMs, () => void work())
    }
  }
  return (uids) => {
    for (const uid of uids) if (!accounts.isFresh(String(uid), forPeople)) wanted.add(String(uid))
    if (!isBusy && wanted.size > 0) void work()
  }
}

function isName(text: string): boolean {
  return text !== '' && text.length <= maxNameLength && !/[\0\n:]/.test(text)
}

const getentAbsent = 2

async function accountOf(service: NameService, uid: string): Promise<Account | undefined> {
  const said = await service.ask('getent', ['passwd', '--', uid], getentAbsent)
  const [name, , , gid] = said?.split('\n')[0]?.split(':') ?? []
  return name && gid && /^[0-9]+$/.test(gid) ? { name, gid: Number(gid) } : undefined
}

async function groupIdOf(service: NameService, name: string): Promise<number | undefined> {
  const gid = (await service.ask('getent', ['group', '--', name], getentAbsent))?.split(':')[2]
  return gid !== undefined && /^[0-9]+$/.test(gid) ? Number(gid) : undefined
}

/** For a user that exists. Throws when `id` fails for any reason. */
async function groupsOf(service: NameService, name: string): Promise<number[]> {
  const gids = (await service.ask('id', ['-G', '--', name]))?.trim().split(/\s+/) ?? []
  return gids.filter((gid) => /^[0-9]+$/.test(gid)).map(Number)
}
