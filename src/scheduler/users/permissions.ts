import { quote } from '../../model/names.js'
import type { Accounts } from './accounts.js'
import type { PoolConfig } from '../config.js'

/** Rules that ask the head node's name service who is in which group. */
export type GroupQueries = Pick<Accounts, 'lookUp' | 'groupsOf' | 'groupId'>

/** The group that a buffer is to be shared with: its owner must be in it. */
export async function groupToShareWith(
  accounts: GroupQueries,
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
  accounts: GroupQueries,
  { name: pool, persistentUsers, persistentGroups }: PoolConfig & { name: string },
  uid: number,
): Promise<string | undefined> {
  if (!persistentUsers && !persistentGroups) return undefined
  if (persistentUsers?.includes(String(uid))) return undefined
  const name = (await accounts.lookUp(uid))?.name
  if (name !== undefined && persistentUsers?.includes(name)) return undefined
  const theirs = persistentGroups ? await accounts.groupsOf(uid) : []
  const allowed = await Promise.all((persistentGroups ?? []).map((group) => accounts.groupId(group)))
  if (allowed.some((gid) => gid !== undefined && theirs.includes(gid))) return undefined
  return `you may not create persistent buffers in pool ${pool}: ask its operators, who say who may`
}
