import { z } from 'zod'
import { hostName } from './names.js'

/**
 * A host's name, or a glob that matches whole names: `*` is any text, `?` one character. Brackets are refused, because a
 * shell and Slurm read `[12]` differently. At least one character is a letter or digit: `*` would name every host.
 */
export const hostPattern = z
  .string()
  .max(63)
  .regex(/^[A-Za-z0-9.*?-]+$/, 'expected a host name or a glob with * and ?, as in nvme*')
  .refine((pattern) => /[A-Za-z0-9]/.test(pattern), 'expected a glob that does not name every host, as in nvme*')

/**
 * True when the glob matches the whole host name; false for an invalid host name. The time is at most proportional to
 * the product of both lengths, whatever the pattern.
 */
export function matchesHost(pattern: string, host: string): boolean {
  return hostName.safeParse(host).success && matches(pattern, host)
}

/** On a mismatch it goes back only to the last `*`, so that the work is bounded by the product of the lengths. */
function matches(pattern: string, text: string): boolean {
  let [at, inText] = [0, 0]
  let star: { at: number; inText: number } | undefined
  while (inText < text.length) {
    if (pattern[at] === '*') star = { at: at++, inText }
    else if (pattern[at] === '?' || pattern[at] === text[inText]) [at, inText] = [at + 1, inText + 1]
    else if (star) [at, inText] = [star.at + 1, ++star.inText]
    else return false
  }
  return [...pattern.slice(at)].every((rest) => rest === '*')
}
