import { transferId } from '../../../../model/cluster.js'
import type { DesiredTransfer } from '../../../../model/documents/transfer.js'
import { Refusal } from '../../../port/host.js'
import { limitedPath, rateOfRun, type StageLimits } from '../limits.js'
import type { Turns } from '../turns.js'
import { listed, whatIsMissing } from './verify.js'
import { type Notes, openNotes } from '../notes.js'
import { transferPathsOf, type Endpoints, endpointsOf } from '../paths.js'
import { resolveEndpoints, type StagePaths } from '../resolve.js'
import { writesInPlace } from '../copyrange.js'
import { type Copying, copyNames, copyPairs } from './files.js'
import { copyOneRange, type Ranged, rangedIn } from './range.js'
import type { Progress } from './rsync.js'
import { timeWindow } from '../times.js'
import { foreignNode, scanGone } from '../messages.js'
import { type AsUser, withOptions } from '../user.js'
import {
  addFailure,
  addTally,
  type Batch,
  emptyTally,
  listOf,
  ofNode,
  shareNote,
  type Tally,
  tally,
} from '../noteFormats.js'

/*
 * Copies one share. Several batches run at once; each is copied, compared with what the scan found, and noted as done.
 *
 * Crash windows: if the agent is killed before a batch is noted, the batch runs again, and rsync copies only the files
 * that are missing or differ; if it is killed before the share is noted, the share is summed up from its batches again.
 */
export interface CopyParts {
  transfer: DesiredTransfer
  user: AsUser
  stagePaths: StagePaths
  /** Decides which transfer's rsync runs next on this host. */
  turns: Turns
  signal: AbortSignal
  limits: StageLimits
  /** A run that has done nothing for so long gives its slot to others. */
  quietMs: number
  /** How much of the share is copied and has failed, including what was noted before. */
  onProgress: (copied: Progress & { failed: number; failures: string[] }) => void
}

type CopyingShare = CopyParts & Copying & { notes: Notes; ranged: Ranged }

/**
 * Copies this host's share, several batches at once, and notes each batch that is done; a batch that is noted is not
 * copied again. Files that fail are counted and do not end the copy. Throws Refusal when the notes are missing or
 * forged or the user has to fix the destination; else the error that ended a batch early.
 */
export async function copyShare(parts: CopyParts): Promise<void> {
  const { transfer, user, limits, quietMs, onProgress } = parts
  const { notesDirectory, notesRoot } = transferPathsOf(transfer)
  const { index } = transfer.share
  const notes = await openNotes(user, transfer)
  const note = await notes.read(`share-${index}.json`, shareNote)
  if (!note) throw new Refusal(scanGone(transfer.attempt, notesDirectory))
  const window = await timeWindow(user, notesDirectory)
  const isInPlace = await writesInPlace(user, transfer)
  const ranged = rangedIn(notes)
  const sidesFor = endpointsByNode(parts)
  const sum = emptyTally()
  const under = new Map<Batch, Progress>()
  const tellProgress = () => {
    const now = { files: sum.files, bytes: sum.bytes, failed: sum.failed, failures: sum.failures }
    for (const { files, bytes } of under.values()) {
      now.files += files
      now.bytes += bytes
    }
    onProgress(now)
  }
  const copyOne = async (batch: Batch, path: string | undefined, onQuiet: () => void) => {
    const bytesPerSecond = rateOfRun(limits, path)
    const done = await copyBatch(
      { ...parts, bytesPerSecond, user: withOptions(user, { onQuiet, quietMs }), notes, window, isInPlace, ranged },
      batch,
      await sidesFor(batch),
      (progress) => {
        under.set(batch, progress)
        tellProgress()
      },
    )
    under.delete(batch)
    addTally(sum, done)
    tellProgress()
  }
  const pathOf = async (batch: Batch) => limitedPath(limits, outsideOf(transfer, batch, await sidesFor(batch)))
  await eachInTurn(parts, note.batches, pathOf, copyOne)
  // Data that leaves the buffer must be on disk before the buffer may be deleted.
  if (transfer.direction === 'out') await user.ok(['sync', '--file-system', '--', notesRoot])
  await notes.write(`share-${index}.done`, sum)
}

/**
 * Each batch waits for a turn of its own. A refusal and an abort end the share at once; another failure is thrown after
 * the other batches have been tried.
 */
async function eachInTurn(
  { transfer, turns, limits, signal }: CopyParts,
  batches: readonly Batch[],
  pathOf: (batch: Batch) => Promise<string | undefined>,
  copyOne: (batch: Batch, path: string | undefined, onQuiet: () => void) => Promise<void>,
): Promise<void> {
  const turn = { uid: transfer.uid, transfer: transferId(transfer.session.id, transfer.transfer), signal }
  const left = batches.values()
  const failures: unknown[] = []
  const worker = async () => {
    for (const batch of left) {
      if (signal.aborted || failures.some((failure) => failure instanceof Refusal)) return
      const inTurn = async () => {
        const path = await pathOf(batch)
        await turns({ ...turn, path }, (giveBack) => copyOne(batch, path, giveBack))
      }
      await inTurn().catch((failure: unknown) => failures.push(failure))
    }
  }
  await Promise.all(Array.from({ length: limits.host.slots }, worker))
  signal.throwIfAborted()
  if (failures.length > 0) throw failures.find((failure) => failure instanceof Refusal) ?? failures[0]
}

/** Where a batch is copied from or to outside of the buffer; undefined for a fan-out. */
function outsideOf(
  { direction }: DesiredTransfer,
  { pairs }: Batch,
  endpoints: Endpoints | undefined,
): string | undefined {
  if (direction === 'fill') return undefined
  return direction === 'in' ? (endpoints?.source ?? pairs?.[0]?.from) : (endpoints?.destination ?? pairs?.[0]?.to)
}

/** The directories between which the names of a batch are copied; undefined for pairs. Resolved once for each node. */
function endpointsByNode({ transfer, user, stagePaths }: CopyParts): (batch: Batch) => Promise<Endpoints> | undefined {
  const looked = new Map<string | undefined, Promise<Endpoints>>()
  return ({ node }) => {
    const endpoints = endpointsOf(transfer).find((one) => one.node === node)
    if (transfer.type !== 'directory') return undefined
    if (!endpoints) throw new Refusal(foreignNode(transfer.attempt))
    if (!looked.has(node)) looked.set(node, resolveEndpoints(user, transfer, stagePaths, endpoints))
    return looked.get(node)
  }
}

async function copyBatch(
  parts: CopyingShare,
  batch: Batch,
  endpoints: Endpoints | undefined,
  onProgress: (progress: Progress) => void,
): Promise<Tally> {
  const { transfer, user, notes } = parts
  const { mount } = transferPathsOf(transfer)
  const done = `${batch.name}.done`
  const before = await notes.read(done, tally)
  if (before) return before
  if (batch.range)
    return noted(notes, done, await copyOneRange(parts, { ...batch, range: batch.range }, endpoints, onProgress))
  const copied = endpoints
    ? await copyNames(parts, batch, endpoints, await listed(notes, listOf(batch)), onProgress)
    : await copyPairs(parts, batch, onProgress)
  // If the mount has died, the complaints are not failures of files: this throws.
  await user.ok(['stat', '--file-system', '--printf=%T', '--', mount])
  const missing = await whatIsMissing(user, notes, batch, endpoints?.destination ?? '/')
  const sum = emptyTally()
  for (const words of copied.complaints) addFailure(sum, ofNode(batch.node, words))
  sum.failed = copied.failed
  // Most files with a complaint are missing as well: they count once.
  for (const words of missing.slice(Math.min(missing.length, copied.failed))) addFailure(sum, ofNode(batch.node, words))
  sum.files = Math.max(0, batch.files - sum.failed)
  sum.bytes = sum.failed === 0 ? batch.bytes : 0
  return noted(notes, done, sum)
}

async function noted(notes: Notes, name: string, sum: Tally): Promise<Tally> {
  await notes.write(name, sum)
  return sum
}
