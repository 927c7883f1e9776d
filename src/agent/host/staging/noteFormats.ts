import { z } from 'zod'
import { escaped, hostName } from '../../../model/names.js'

/*
 * What a transfer notes in its work directory, so that any host, also after a restart, can go on: written and read as the
 * user (`notes.ts`).
 */
const count = z.int().nonnegative()

export const tally = z.strictObject({
  files: count,
  bytes: count,
  failed: count,
  failures: z.array(z.string()).max(20),
})
/** What came of a copy, or of a part of one. */
export type Tally = z.infer<typeof tally>

export const planNote = z.strictObject({
  ...tally.shape,
  of: z.int().positive(),
  largestBytes: count,
  shares: z.array(z.strictObject({ files: count, bytes: count })),
})
/** Of the whole: what was found, and what could not be looked at. */
export type PlanNote = z.infer<typeof planNote>

export const batch = z.strictObject({
  /** Of its files in the work directory: the names (as rsync reads them) and `.sizes`, and `.done` when it is copied. */
  name: z.string().regex(/^share-\d+\.\d+$/),
  /** The batch whose list of names it shares: what goes to every node is listed once. */
  listOf: z
    .string()
    .regex(/^share-\d+\.\d+$/)
    .optional(),
  /** The node whose namespace is copied from or to; of pairs, each has its own. */
  node: hostName.optional(),
  files: count,
  bytes: count,
  /** Its files have holes, which are kept. */
  isSparse: z.literal(true).optional(),
  /** For single files, which may get another name: instead of a list of names. */
  pairs: z
    .array(z.strictObject({ from: z.string(), to: z.string(), bytes: count, node: hostName.optional() }))
    .optional(),
})
/** What one run of the copier takes on. */
export type Batch = z.infer<typeof batch>

/** The list that holds the names of a batch. */
export function listOf({ name, listOf = name }: Batch): string {
  return listOf
}

export const shareNote = z.strictObject({ batches: z.array(batch) })

const maxSamples = 20
const maxSampleChars = 500

/** Nothing copied, nothing failed. */
export function emptyTally(): Tally {
  return { files: 0, bytes: 0, failed: 0, failures: [] }
}

/** Counts a failure in `to`; the first twenty are kept in words, cut to 500 characters and escaped. */
export function addFailure(to: Tally, words: string): void {
  to.failed++
  if (to.failures.length < maxSamples) to.failures.push(escaped(words.slice(0, maxSampleChars)))
}

/** A complaint about one node's files tells which. */
export function ofNode(node: string | undefined, words: string): string {
  return node === undefined ? words : `node ${node}: ${words}`
}

/** Adds the counts to `to`, and as many words as there is room for. */
export function addTally(to: Tally, { files, bytes, failed, failures }: Tally): void {
  to.files += files
  to.bytes += bytes
  to.failed += failed
  to.failures.push(...failures.slice(0, maxSamples - to.failures.length))
}
