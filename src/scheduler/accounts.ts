import { execFile } from 'node:child_process'

/** What the head node's name service (files, LDAP, SSSD) says of users. */
export interface Accounts {
  /** The user's primary group; undefined when there is no such user. */
  primaryGroup(uid: number): Promise<number | undefined>
  /** The id of a group; undefined when there is none of that name. */
  groupId(name: string): Promise<number | undefined>
  /** Every group that the user is in; none for a user that does not exist. */
  groupsOf(uid: number): Promise<number[]>
  /** The name as learned before, else the number itself. */
  userName(uid: number): string
  /** Looks names up ahead of the calls that show them, which must answer at once. */
  learn(uids: Iterable<number>): void
}

const timeoutMs = 5_000

export function systemAccounts(): Accounts {
  const names = new Map<number, string>()
  const asked = new Set<number>()
  const ask = async (uid: number) => {
    const entry = await passwdEntry(uid)
    if (entry) names.set(uid, entry.name)
    else asked.delete(uid)
    return entry
  }
  return {
    primaryGroup: async (uid) => (await ask(uid))?.gid,
    groupId,
    groupsOf,
    userName: (uid) => names.get(uid) ?? String(uid),
    learn: (uids) => {
      for (const uid of uids) {
        if (asked.has(uid)) continue
        asked.add(uid)
        void ask(uid)
      }
    },
  }
}

async function passwdEntry(uid: number): Promise<{ name: string; gid: number } | undefined> {
  const [name, , , gid] = (await said('getent', ['passwd', '--', String(uid)])).split('\n')[0]?.split(':') ?? []
  return name && gid && /^[0-9]+$/.test(gid) ? { name, gid: Number(gid) } : undefined
}

async function groupId(name: string): Promise<number | undefined> {
  const gid = (await said('getent', ['group', '--', name])).split(':')[2]
  return gid !== undefined && /^[0-9]+$/.test(gid) ? Number(gid) : undefined
}

async function groupsOf(uid: number): Promise<number[]> {
  const entry = await passwdEntry(uid)
  if (!entry) return []
  const gids = (await said('id', ['-G', '--', entry.name])).trim().split(/\s+/)
  return gids.filter((gid) => /^[0-9]+$/.test(gid)).map(Number)
}

/** Empty when the program fails, as it does for a name that does not exist. */
function said(program: string, args: string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(program, args, { timeout: timeoutMs }, (error, stdout) => resolve(error ? '' : stdout))
  })
}
