import { execFile } from 'node:child_process'

/** What the head node's name service (files, LDAP, SSSD) says of users. */
export interface Accounts {
  /** The user's primary group; undefined when there is no such user. */
  primaryGroup(uid: number): Promise<number | undefined>
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

function passwdEntry(uid: number): Promise<{ name: string; gid: number } | undefined> {
  return new Promise((resolve) => {
    execFile('getent', ['passwd', '--', String(uid)], { timeout: timeoutMs }, (error, stdout) => {
      const [name, , , gid] = stdout.split('\n')[0]?.split(':') ?? []
      resolve(!error && name && gid && /^[0-9]+$/.test(gid) ? { name, gid: Number(gid) } : undefined)
    })
  })
}
