import { quote } from '../model/names.js'
import type { Accounts } from './accounts.js'
import type { PoolConfig } from './config.js'

/** Rules that ask the head node's name service who is in which group. */
export type Membership = Pick<Accounts, 'userName' | 'groupsOf' | 'groupId'>

/** The group that a buffer is to be shared with: its owner must be in it. */
export async function groupToShareWith(
  accounts: Membership,
  uid: number,
  group: string,
): Promise<{ gid: number } | { refused: string }> {
  const gid = await accounts.groupId(group)
  if (gid === undefined) return { refused: `there is no group ${quote(group)} on the scheduler's host` }
  if ((await accounts.groupsOf(uid)).includes(gid)) return { gid }
  return { refused: `a buffer is shared with a group that its owner is in, and you are not in ${quote(group)}` }
}

/** Why this user may not make persistent buffers in that pool, or undefined. A pool that names nobody is open to all. */
export async function problemWithCreator(
  accounts: Membership,
  { name, persistentUsers, persistentGroups }: PoolConfig & { name: string },
  uid: number,
): Promise<string | undefined> {
  if (!persistentUsers && !persistentGroups) return undefined
  if (persistentUsers?.some((user) => user === String(uid) || user === accounts.userName(uid))) return undefined
  const theirs = await accounts.groupsOf(uid)
  const allowed = await Promise.all((persistentGroups ?? []).map((group) => accounts.groupId(group)))
  if (allowed.some((gid) => gid !== undefined && theirs.includes(gid))) return undefined
  return `you may not create persistent buffers in pool ${name}: ask its operators, who say who may`
}
