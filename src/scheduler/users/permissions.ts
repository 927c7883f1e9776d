import type { Accounts } from './accounts.js'
import type { PoolConfig } from '../config.js'
import * as messages from './messages.js'

/** The questions about groups that the head node's name service answers. */
export type GroupQueries = Pick<Accounts, 'lookUp' | 'groupsOf' | 'groupId'>

/** The group to share a buffer with: its owner must be in it. */
export async function groupToShareWith(
  accounts: GroupQueries,
  uid: number,
  group: string,
): Promise<{ gid: number } | { refused: string }> {
  const gid = await accounts.groupId(group)
  if (gid === undefined) return { refused: messages.noGroup(group) }
  if ((await accounts.groupsOf(uid)).includes(gid)) return { gid }
  return { refused: messages.notInGroup(group) }
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
  return messages.mayNotCreate(pool)
}
