import { z } from 'zod'

/*
 * The schemas of the fields of documents. Every field has a limit, so that no host can fill etcd or a scheduler's memory, and accepts
 * only what our programs write: an agent acts as root on what it reads.
 */

/** A text for people: a reason or a message. Writers cut it to `clippedLength`; earlier releases did not. */
export const text = z.string().max(16_384)
const clippedLength = 4096

/**
 * A text that may be long, for example the output of a tool, cut to 4,096 characters with `…` at the end: short enough
 * for every document.
 */
export function clipped(long: string): string {
  return long.length <= clippedLength ? long : `${long.slice(0, clippedLength - 1)}…`
}

/** The person or the machine that did something. */
export const shortText = z.string().max(256)

/** User and group ids that the kernel and setpriv accept. The highest number is excluded: it means no id. */
export const accountId = z.int().min(0).max(4_294_967_294)

/** The user id with which a user's processes run: never root. */
export const userAccountId = accountId.min(1)

export const mode = z.int().min(0).max(0o7777)

/** An absolute path as a person wrote it. */
export const writtenPath = z
  .string()
  .max(4096)
  .regex(/^\/[^\0\n]*$/, 'an absolute path')

/** An absolute path in its normal form: no part of it is empty, `.` or `..`. */
export const path = writtenPath.refine(
  (written) =>
    written === '/' ||
    !written
      .slice(1)
      .split('/')
      .some((part) => ['', '.', '..'].includes(part)),
  'a path without empty parts, "." and ".."',
)

/** A path that our programs create. Mount programs may be shell scripts, which split their arguments at blanks and other characters. */
export const plainPath = path.regex(/^(\/|(\/[A-Za-z0-9._:@+~-]+)+)$/, 'a path of letters, digits and ._:@+~-')

/** A host name or an IP address by which a host is reached. It becomes a part of the list of who may mount a volume. */
export const address = z.union([z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/), z.ipv6()], {
  error: 'a host name or an address',
})
export const addresses = z.array(address).max(8)

/** Addresses as documents contain them: the first release accepted any text. Only their `usableAddresses` are used. */
export const writtenAddresses = z.array(shortText).max(64)

/**
 * The addresses of a host that are host names or IP addresses, in their order. When none is, only the host's name.
 */
export function usableAddresses(host: string, written: readonly string[] = []): string[] {
  const usable = written.filter((words) => address.safeParse(words).success)
  return usable.length > 0 ? usable : [host]
}

/** The addresses that are neither a host name nor an IP address. */
export function unusableAddresses(written: readonly string[]): string[] {
  return written.filter((words) => !address.safeParse(words).success)
}

/** Hosts of one job, or of one buffer. */
export const maxHosts = 20_000
/** Bricks of a buffer, and things of which each brick has one. */
export const maxBricks = 4_096
/** Devices, mounts and volumes of one host. */
export const maxOnHost = 10_000

/** Schema of a record with `max` fields at most. */
export function record<K extends z.core.$ZodRecordKey, V extends z.ZodType>(key: K, value: V, max: number) {
  return z.record(key, value).refine((found) => Object.keys(found).length <= max, `at most ${max} fields`)
}
