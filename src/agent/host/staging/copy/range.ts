import { Refusal } from '../../../port/host.js'
import { copyRange, draftOf, finishRanged, type RangedPaths, type Times, type Unlike } from '../copyrange.js'
import { changedMeanwhile, listIncomplete, rangeFailed } from '../messages.js'
import { addFailure, type Batch, emptyTally, ofNode, type RangedFile, rangedNote, type Tally } from '../noteFormats.js'
import type { Notes } from '../notes.js'
import { type Endpoints, endpointsOf, transferPathsOf } from '../paths.js'
import { resolveEndpoints } from '../resolve.js'
import { type Copying, copyNames, copyPairs, resolvePairs } from './files.js'
import type { Progress } from './rsync.js'
import { namesMissing, pairsMissing } from './verify.js'

/** The files that are copied in ranges, read once. */
export type Ranged = () => Promise<readonly RangedFile[]>

/** Those of the transfer with these notes. */
export function rangedIn(notes: Notes): Ranged {
  let read: Promise<readonly RangedFile[]> | undefined
  return () => (read ??= notes.read('ranged.json', rangedNote).then((note) => note?.files ?? []))
}

type CopyingRange = Copying & { ranged: Ranged }
type RangeBatch = Batch & { range: NonNullable<Batch['range']> }

/** Copies one range. Its file counts, as copied or as failed, when all shares are copied. */
export async function copyOneRange(
  copying: CopyingRange,
  { range, bytes }: RangeBatch,
  endpoints: Endpoints | undefined,
  onProgress: (progress: Progress) => void,
): Promise<Tally> {
  const { transfer, user, bytesPerSecond } = copying
  const file = (await copying.ranged())[range.file]
  if (!file) throw new Refusal(listIncomplete('ranged.json'))
  const paths = await pathsOf(copying, range.file, file, endpoints)
  const tell = (bytes: number) => onProgress({ files: 0, bytes })
  const unlike = await copyRange(user, paths, file, { at: range.at, bytes, bytesPerSecond }, tell)
  // If the mount has died, this is not a failure of the file: this throws.
  await user.ok(['stat', '--file-system', '--printf=%T', '--', transferPathsOf(transfer).mount])
  if (unlike === undefined) return { ...emptyTally(), bytes }
  return { ...emptyTally(), unfinished: [{ file: range.file, why: wordsOf(file, unlike) }] }
}

/**
 * Gives each file whose ranges are all copied its time and place, then lets rsync set the other attributes, which copies what is
 * still different, and compares sizes. Adds failures to `sum`. May be repeated.
 */
export async function finishRangedFiles(copying: CopyingRange, sum: Tally): Promise<void> {
  const { transfer, user, stagePaths, window } = copying
  const files = await copying.ranged()
  const whyNot = new Map((sum.unfinished ?? []).map(({ file, why }) => [file, why]))
  delete sum.unfinished
  const times: Times = window.length > 0 ? 'nanoseconds' : 'seconds'
  const nodes = new Set(files.map(({ node }) => node))
  for (const node of nodes) {
    const line = endpointsOf(transfer).find((one) => one.node === node)
    const isTree = transfer.type === 'directory'
    const endpoints = isTree && line ? await resolveEndpoints(user, transfer, stagePaths, line) : undefined
    const ready: RangedFile[] = []
    for (const [number, file] of files.entries()) {
      if (file.node !== node) continue
      const paths = await pathsOf(copying, number, file, endpoints)
      const failed = whyNot.get(number)
      const unlike = failed === undefined ? await finishRanged(user, paths, file, times) : undefined
      const why = failed ?? (unlike === undefined || unlike === 'other' ? undefined : wordsOf(file, unlike))
      if (why === undefined) ready.push(file)
      else addFailure(sum, ofNode(node, why))
    }
    for (const isSparse of [false, true]) {
      const some = ready.filter((file) => Boolean(file.isSparse) === isSparse)
      if (some.length > 0) await setAttributes(copying, some, endpoints, sum)
    }
  }
}

async function setAttributes(
  copying: CopyingRange,
  files: readonly RangedFile[],
  endpoints: Endpoints | undefined,
  sum: Tally,
): Promise<void> {
  const { user } = copying
  const [{ node, isSparse }] = files as [RangedFile]
  const names = Buffer.from(files.map(({ name }) => `./${name}\0`).join(''), 'latin1')
  const pairs = files.flatMap(({ pair }) => (pair ? [pair] : []))
  const copied = endpoints
    ? await copyNames(copying, { isSparse }, endpoints, names)
    : await copyPairs(copying, { isSparse, pairs })
  const sizes = files.map(({ bytes }) => bytes)
  const missing = endpoints
    ? await namesMissing(user, names, sizes, endpoints.destination)
    : await pairsMissing(user, pairs)
  const failed = Math.max(copied.failed, missing.length)
  sum.files += Math.max(0, files.length - failed)
  for (const words of copied.complaints) addFailure(sum, ofNode(node, words))
  sum.failed += copied.failed - copied.complaints.length
  for (const words of missing.slice(Math.min(missing.length, copied.failed))) addFailure(sum, ofNode(node, words))
}

async function pathsOf(
  copying: Copying,
  number: number,
  file: RangedFile,
  endpoints: Endpoints | undefined,
): Promise<RangedPaths> {
  const { transfer, isInPlace } = copying
  const draft = draftOf(transferPathsOf(transfer).notesDirectory, number, isInPlace)
  const sides = endpoints ?? (file.pair && (await resolvePairs(copying, [file.pair]))[0])
  if (!sides) throw new Refusal(listIncomplete('ranged.json'))
  return { from: sides.source, place: sides.destination, name: file.name, draft }
}

function wordsOf({ name, pair }: RangedFile, unlike: Unlike): string {
  const told = pair?.from ?? name
  return typeof unlike === 'string' ? changedMeanwhile(told) : rangeFailed(told, unlike.why)
}
