import { quote } from '../../model/names.js'

/* What is said about users and groups. Tests compare with these functions, so that a wording is changed here alone. */

export const noUser = (uid: number) => `there is no user with the id ${uid} on the scheduler's host`
export const noGroup = (group: string) => `there is no group ${quote(group)} on the scheduler's host`
export const notInGroup = (group: string) =>
  `you are not in the group ${quote(group)}: a buffer can only be shared with a group of its owner`
export const mayNotCreate = (pool: string) =>
  `permission denied: you may not create persistent buffers in pool ${pool}; ask its operators`
export const nameServiceUnavailable = (problem: string) => `the name service does not answer: ${problem}`
