import { z } from 'zod'
import { escaped, hostName } from '../../../model/names.js'
import { Refusal } from '../../host.js'
import { whatUsersMend } from './errors.js'
import type { AsUser } from './user.js'

/*
 * What a transfer notes in its work directory, so that any host, also after a restart, can go on: written and read as the
 * user, and taken for what a user may have written. Whoever forges it deceives nobody else.
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

/** Where the names of a batch are listed. */
export function listOf(work: string, { name, listOf = name }: Batch): string {
  return `${work}/${listOf}`
}

export const shareNote = z.strictObject({ batches: z.array(batch) })

const longestNote = 8 * 1024 * 1024

/** Undefined when it is not there. */
export async function readNote<T>(user: AsUser, file: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const bytes = await readBytes(user, file)
  if (bytes === undefined) return undefined
  try {
    return schema.parse(JSON.parse(bytes.toString()))
  } catch (cause) {
    throw new Error(`${file} is not what this agent writes: remove it, or retry the transfer`, { cause })
  }
}

export async function readBytes(user: AsUser, file: string): Promise<Buffer | undefined> {
  const result = await user.run(['head', `--bytes=${longestNote}`, '--', file])
  // What was cut short must not pass for the whole.
  if (result.stdout.length >= longestNote)
    throw new Refusal(`${file} is too long: ${longestNote} bytes are read at the most`)
  if (result.code === 0) return result.stdout
  if (/No such file or directory$/.test(result.stderr.trim())) return undefined
  const mistake = whatUsersMend(result.stderr)
  throw mistake === undefined ? new Error(result.stderr) : new Refusal(mistake)
}

/** In a directory that gets its name when all is in it. */
export function writeDraft(user: AsUser, file: string, note: object): Promise<void> {
  return writeBytes(user, file, Buffer.from(JSON.stringify(note)))
}

/** Whole or not at all. */
export async function writeNote(user: AsUser, file: string, note: object): Promise<void> {
  await writeDraft(user, `${file}.new`, note)
  await user.ok(['mv', '--force', '--no-target-directory', '--', `${file}.new`, file])
}

export async function writeBytes(user: AsUser, file: string, bytes: Buffer): Promise<void> {
  await user.ok(['dd', `of=${file}`, 'bs=64k', 'iflag=fullblock', 'status=none'], { stdin: bytes })
}

export async function appendBytes(user: AsUser, file: string, bytes: Buffer): Promise<void> {
  const add = ['oflag=append', 'conv=notrunc']
  await user.ok(['dd', `of=${file}`, 'bs=64k', 'iflag=fullblock', ...add, 'status=none'], { stdin: bytes })
}

const mostSamples = 20
const longestSample = 500

export function emptyTally(): Tally {
  return { files: 0, bytes: 0, failed: 0, failures: [] }
}

/** Notes a failure; only some are kept in words. */
export function addFailure(to: Tally, words: string): void {
  to.failed++
  if (to.failures.length < mostSamples) to.failures.push(escaped(words.slice(0, longestSample)))
}

/** A complaint about one node's files tells which. */
export function ofNode(node: string | undefined, words: string): string {
  return node === undefined ? words : `node ${node}: ${words}`
}

export function addTally(to: Tally, { files, bytes, failed, failures }: Tally): void {
  to.files += files
  to.bytes += bytes
  to.failed += failed
  to.failures.push(...failures.slice(0, mostSamples - to.failures.length))
}
