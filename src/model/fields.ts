import { z } from 'zod'

/*
 * What fields of documents hold. Everything has a limit, so that no host fills etcd or a scheduler's memory, and is no wider than what
 * our programs write: an agent acts as root on what it reads.
 */

/** Words for people: reasons, messages. Writers clip them to `clippedLength`; earlier releases did not. */
export const text = z.string().max(16_384)
const clippedLength = 4096

/**
 * A text that may be long, as the end of a tool's output, cut to 4,096 characters with `…` at the end: short enough for
 * every document.
 */
export function clipped(long: string): string {
  return long.length <= clippedLength ? long : `${long.slice(0, clippedLength - 1)}…`
}

/** Who did something, or on which machine. */
export const shortText = z.string().max(256)

/** As the kernel and setpriv take them; the highest number means nobody at all. */
export const accountId = z.int().min(0).max(4_294_967_294)

/** Whose processes run for a user: never root. */
export const userAccountId = accountId.min(1)

export const mode = z.int().min(0).max(0o7777)

/** An absolute path as somebody wrote it. */
export const writtenPath = z
  .string()
  .max(4096)
  .regex(/^\/[^\0\n]*$/, 'an absolute path')

/** An absolute path in its one spelling: no part of it is empty, `.` or `..`. */
export const path = writtenPath.refine(
  (written) =>
    written === '/' ||
    !written
      .slice(1)
      .split('/')
      .some((part) => ['', '.', '..'].includes(part)),
  'a path without empty parts, "." and ".."',
)

/** A path that our programs make up. Mount programs may be shell scripts, which take their words apart at blanks and more. */
export const plainPath = path.regex(/^(\/|(\/[A-Za-z0-9._:@+~-]+)+)$/, 'a path of letters, digits and ._:@+~-')

/** By which a host is reached: a name or an IP address. It comes to stand in the list of who may mount a volume. */
export const address = z.union([z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/), z.ipv6()], {
  error: 'a host name or an address',
})
export const addresses = z.array(address).max(8)

/** As documents hold them: the first release took any words for an address. Only `usableAddresses` of them ever count. */
export const writtenAddresses = z.array(shortText).max(64)

/**
 * Those addresses of a host by which it can be reached, in their order; its name alone when none of them is a host name
 * or an IP address.
 */
export function usableAddresses(host: string, written: readonly string[] = []): string[] {
  const usable = written.filter((words) => address.safeParse(words).success)
  return usable.length > 0 ? usable : [host]
}

/** What was written for an address and is neither a host name nor an IP address. */
export function unusableAddresses(written: readonly string[]): string[] {
  return written.filter((words) => !address.safeParse(words).success)
}

/** Hosts of one job, or of one buffer. */
export const maxHosts = 20_000
/** Bricks of a buffer, and what there is one of for each. */
export const maxBricks = 4_096
/** Devices, mounts and volumes of one host. */
export const maxOnHost = 10_000

/** Schema of a record with `max` fields at most. */
export function record<K extends z.core.$ZodRecordKey, V extends z.ZodType>(key: K, value: V, max: number) {
  return z.record(key, value).refine((found) => Object.keys(found).length <= max, `at most ${max} fields`)
}
