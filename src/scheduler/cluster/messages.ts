import { quote } from '../../model/names.js'

/* What is said about pools and hosts. Tests compare with these functions, so that a wording is changed here alone. */

export const noPool = (name: string, known: string[]) =>
  `there is no pool ${quote(name)}: the pools are ${known.join(', ')}`
export const noDefaultPool = (known: string[]) =>
  `there is no default pool: write pool=NAME, one of ${known.join(', ')}`

/** `parts` as in "2 devices". */
export const ignored = (parts: string[]) =>
  `it reports ${parts.join(', ')}, which is ignored: storageHosts in scheduler.yaml does not name it`
export const hostIsSilent = (host: string, minutes: number, documents: number) =>
  `host ${host} holds its lease in etcd, but has not responded for ${minutes} minutes to ${documents} of its documents: check that its agent is running, and read its log`
