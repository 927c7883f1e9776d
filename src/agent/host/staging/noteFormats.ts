import { z } from 'zod'
import { escaped, hostName } from '../../../model/names.js'

/*
 * What a transfer notes in its work directory, so that any host can continue it, also after a restart. The notes are
 * written and read as the user (`notes.ts`).
 */
const count = z.int().nonnegative()

export const tally = z.strictObject({
  files: count,
  bytes: count,
  failed: count,
  failures: z.array(z.string()).max(20),
  /** Files of which a range could not be copied, by their number among the ranged files, and why. */
  unfinished: z.array(z.strictObject({ file: count, why: z.string() })).optional(),
})
/** The result of a copy, or of a part of one. */
export type Tally = z.infer<typeof tally>

export const scanNote = z.strictObject({
  ...tally.shape,
  of: z.int().positive(),
  largestBytes: count,
  shares: z.array(z.strictObject({ files: count, bytes: count })),
})
/** What a scan has found for all shares, and what it could not read. */
export type ScanNote = z.infer<typeof scanNote>

export const pair = z.strictObject({ from: z.string(), to: z.string(), bytes: count, node: hostName.optional() })

export const rangedNote = z.strictObject({
  files: z.array(
    z.strictObject({
      /** Below the root, byte for byte (latin1); empty for a pair. */
      name: z.string(),
      pair: pair.optional(),
      node: hostName.optional(),
      bytes: count,
      /** Nanoseconds since 1970: while it is copied, its source must keep size and time. */
      time: z.string().regex(/^\d+$/),
      isSparse: z.literal(true).optional(),
    }),
  ),
})
/** The files that are copied in ranges. */
export type RangedFile = z.infer<typeof rangedNote>['files'][number]

export const batch = z.strictObject({
  /**
   * The prefix of its files in the work directory: the names (as rsync reads them), `.sizes`, and `.done` when it is
   * copied.
   */
  name: z.string().regex(/^share-\d+\.\d+$/),
  /** The batch whose list of names it shares: files that go to every node are listed once. */
  listOf: z
    .string()
    .regex(/^share-\d+\.\d+$/)
    .optional(),
  /** The node whose namespace is copied from or to; each pair has its own. */
  node: hostName.optional(),
  files: count,
  bytes: count,
  /** Its files are sparse: the copies get the same holes. */
  isSparse: z.literal(true).optional(),
  /** Instead of a list of names, for single files, which may get another name. */
  pairs: z.array(pair).optional(),
  /** Instead of both, one range of a large file: the number of the file, and where in it the range begins. */
  range: z.strictObject({ file: count, at: count }).optional(),
})
/** What one run of rsync, or of the copier of ranges, copies. */
export type Batch = z.infer<typeof batch>

/** The list that holds the names of a batch. */
export function listOf({ name, listOf = name }: Batch): string {
  return listOf
}

export const shareNote = z.strictObject({ batches: z.array(batch) })

const maxSamples = 20
const maxSampleChars = 500

/** A tally without files or failures. */
export function emptyTally(): Tally {
  return { files: 0, bytes: 0, failed: 0, failures: [] }
}

/** Counts a failure in `to`; keeps the texts of the first twenty, cut to 500 characters and escaped. */
export function addFailure(to: Tally, words: string): void {
  to.failed++
  if (to.failures.length < maxSamples) to.failures.push(escaped(words.slice(0, maxSampleChars)))
}

/** An error of one node's files, with the name of the node. */
export function ofNode(node: string | undefined, words: string): string {
  return node === undefined ? words : `node ${node}: ${words}`
}

/** Adds the counts to `to`, and texts of failures up to the limit. */
export function addTally(to: Tally, { files, bytes, failed, failures, unfinished }: Tally): void {
  to.files += files
  to.bytes += bytes
  to.failed += failed
  to.failures.push(...failures.slice(0, maxSamples - to.failures.length))
  if (unfinished) to.unfinished = [...(to.unfinished ?? []), ...unfinished]
}
