import { z } from 'zod'

/** A Slurm token is a job id, or the name of a persistent buffer. */
const jobTokenPattern = /^[1-9][0-9]{0,17}$/

/** True for a Slurm job id; the tokens of persistent buffers are their names, which begin with a letter. */
export function isJobToken(token: string): boolean {
  return jobTokenPattern.test(token)
}

/**
 * The text in double quotes with JSON's escapes, cut after 80 characters, so that no user's text breaks a log line or a
 * terminal.
 */
export function quote(text: string): string {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text
  return escaped(JSON.stringify(shown))
}

/** The whole text on one line: control characters and line separators as `\uXXXX`. */
export function escaped(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** The name of a document that is archived because a lost host keeps it from being deleted: `NAME~ID`, which no user can write. */
export function archivedName(name: string, id: number): string {
  return `${name}~${id}`
}

/** Host names as DNS labels: they become parts of etcd keys, of brick paths and of mount commands. */
export const hostName = z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$/, 'a host name')

/** The last part of a device's path, as in `nvme1n1`: it becomes a part of etcd keys and of brick paths. */
export const deviceName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$/, 'a device name')

export const poolName = z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, 'a pool name')

/** As Slurm's ClusterName. */
export const clusterName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'a name as in hpc1')

/** A buffer's or a session's name in etcd: a user's name or a job id, with `~ID` when it was archived. */
export const documentName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}(~[0-9]{1,16})?$/, 'a buffer name')

/** nvme2n1 before nvme10n1. Intl's own numeric collation is a hundred times slower, expressions that cut names up ten times. */
export function compareNames(a: string, b: string): number {
  let i = 0
  let j = 0
  while (i < a.length && j < b.length) {
    const endA = endOfNumber(a, i)
    const endB = endOfNumber(b, j)
    if (endA > i && endB > j) {
      const difference = Number(a.slice(i, endA)) - Number(b.slice(j, endB))
      if (difference !== 0) return difference
      i = endA
      j = endB
    } else {
      const difference = a.charCodeAt(i++) - b.charCodeAt(j++)
      if (difference !== 0) return difference
    }
  }
  return a.length - i - (b.length - j) || (a < b ? -1 : Number(a > b))
}

/** Where the digits that begin there end; the same place when there is none. */
function endOfNumber(text: string, from: number): number {
  let end = from
  while (text.charCodeAt(end) >= 48 && text.charCodeAt(end) <= 57) end++
  return end
}
