import { transferId } from '../../../../model/cluster.js'
import type { DesiredTransfer } from '../../../../model/documents/transfer.js'
import { Refusal } from '../../../port/host.js'
import type { Turns } from '../turns.js'
import { listed, whatIsMissing } from './verify.js'
import { type Notes, openNotes } from '../notes.js'
import { namespacesOf, transferPathsOf, type Endpoints, endpointsOf } from '../paths.js'
import { resolveAll, resolveEndpoints, type StagePaths } from '../resolve.js'
import { copyArguments, type Copied, differing, type Progress, runRsync } from './rsync.js'
import { timeWindow } from './times.js'
import { contentDiffers, foreignFiles, foreignNode, scanGone } from '../messages.js'
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
  /** A run that has done nothing for so long gives its slot to others. */
  quietMs: number
  /** How much of the share is copied and has failed, including what was noted before. */
  onProgress: (copied: Progress & { failed: number; failures: string[] }) => void
}

type Copying = CopyParts & {
  /** Arguments by which rsync compares times at the destination. */
  window: string[]
  notes: Notes
  /** Other users may write into the buffer too. */
  isShared: boolean
}

/** Runs of rsync at once for one share. */
const maxRuns = 4

/**
 * Copies this host's share, several batches at once, and notes each batch that is done; a batch that is noted is not
 * copied again. Files that fail are counted and do not end the copy. Throws Refusal when the notes are missing or
 * forged or the user has to fix the destination; else the error that ended a batch early.
 */
export async function copyShare(parts: CopyParts): Promise<void> {
  const { transfer, user, quietMs, onProgress } = parts
  const { notesDirectory, notesRoot } = transferPathsOf(transfer)
  const { index } = transfer.share
  const notes = await openNotes(user, transfer)
  const note = await notes.read(`share-${index}.json`, shareNote)
  if (!note) throw new Refusal(scanGone(transfer.attempt, notesDirectory))
  const window = await timeWindow(user, notesDirectory)
  const isShared = await mayOthersWrite(user, transfer)
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
  const copyOne = async (batch: Batch, onQuiet: () => void) => {
    const done = await copyBatch(
      { ...parts, user: withOptions(user, { onQuiet, quietMs }), notes, window, isShared },
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
  await eachInTurn(parts, note.batches, copyOne)
  // Data that leaves the buffer must be on disk before the buffer may be deleted.
  if (transfer.direction === 'out') await user.ok(['sync', '--file-system', '--', notesRoot])
  await notes.write(`share-${index}.done`, sum)
}

/**
 * Each batch waits for a turn of its own. A refusal and an abort end the share at once; another failure is thrown after
 * the other batches have been tried.
 */
async function eachInTurn(
  { transfer, turns, signal }: CopyParts,
  batches: readonly Batch[],
  copyOne: (batch: Batch, onQuiet: () => void) => Promise<void>,
): Promise<void> {
  const turn = { uid: transfer.uid, transfer: transferId(transfer.session.id, transfer.transfer), signal }
  const left = batches.values()
  const failures: unknown[] = []
  const worker = async () => {
    for (const batch of left) {
      if (signal.aborted || failures.some((failure) => failure instanceof Refusal)) return
      await turns(turn, (giveBack) => copyOne(batch, giveBack)).catch((failure: unknown) => failures.push(failure))
    }
  }
  await Promise.all(Array.from({ length: maxRuns }, worker))
  signal.throwIfAborted()
  if (failures.length > 0) throw failures.find((failure) => failure instanceof Refusal) ?? failures[0]
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
  parts: Copying,
  batch: Batch,
  endpoints: Endpoints | undefined,
  onProgress: (progress: Progress) => void,
): Promise<Tally> {
  const { transfer, user, notes } = parts
  const { mount } = transferPathsOf(transfer)
  const done = `${batch.name}.done`
  const before = await notes.read(done, tally)
  if (before) return before
  const copied = endpoints
    ? await copyList(parts, batch, endpoints, onProgress)
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
  await notes.write(done, sum)
  return sum
}

async function copyList(
  { transfer, user, stagePaths, notes, window, isShared }: Copying,
  batch: Batch,
  endpoints: Endpoints,
  onProgress: (progress: Progress) => void,
): Promise<Copied> {
  const { source, destination } = endpoints
  const { notesDirectory } = transferPathsOf(transfer)
  const files = { from: `${source}/`, to: `${destination}/`, names: await listed(notes, listOf(batch)) }
  const argv = [...copyArguments(transfer, notesDirectory, batch, isShared), ...window]
  const copied = await copyBetween({ transfer, user, stagePaths }, endpoints, () =>
    runRsync(user, argv, files, onProgress),
  )
  if (!transfer.verify) return copied
  return withDifferences(copied, await differing(user, files))
}

async function copyPairs(
  { transfer, user, stagePaths, window, isShared }: Copying,
  batch: Batch,
  onProgress: (progress: Progress) => void,
): Promise<Copied> {
  const { notesDirectory } = transferPathsOf(transfer)
  const pairs = (batch.pairs ?? []).map(({ from, to, node }) => {
    return { source: from, destination: to, ...(node === undefined ? {} : { node }) }
  })
  let copied: Copied = { complaints: [], failed: 0 }
  const past = { files: 0, bytes: 0 }
  // Links may have changed since the scan: resolve them again.
  const resolved = await resolveAll(user, transfer, stagePaths, pairs)
  await requirePairsOfTransfer({ transfer, user, stagePaths }, resolved)
  for (const [index, endpoints] of resolved.entries()) {
    const { source, destination, node } = endpoints
    const tell = ({ bytes }: Progress) => onProgress({ ...past, bytes: past.bytes + bytes })
    const argv = [...copyArguments(transfer, notesDirectory, batch, isShared), ...window]
    const files = { from: source, to: destination }
    const now = await copyBetween({ transfer, user, stagePaths }, endpoints, () => runRsync(user, argv, files, tell))
    const differs = transfer.verify ? await differing(user, files) : []
    const { complaints, failed } = withDifferences(now, differs)
    const told = complaints.map((words) => ofNode(node, words))
    copied = { complaints: [...copied.complaints, ...told], failed: copied.failed + failed }
    past.files++
    past.bytes += batch.pairs![index]!.bytes
  }
  return copied
}

/**
 * Copies between these endpoints. If one of them has become a link that leads elsewhere, adds where it leads: in the
 * sandbox rsync sees nothing there, and reports only that the file does not exist.
 */
async function copyBetween(
  { transfer, user, stagePaths }: Pick<CopyParts, 'transfer' | 'user' | 'stagePaths'>,
  endpoints: Endpoints,
  copy: () => Promise<Copied>,
): Promise<Copied> {
  const leadsAway = async () => {
    const error: unknown = await resolveAll(user, transfer, stagePaths, [endpoints]).catch((error: unknown) => error)
    return error instanceof Refusal ? error : undefined
  }
  try {
    const copied = await copy()
    const why = copied.failed > 0 ? await leadsAway() : undefined
    return why ? { ...copied, complaints: [why.message, ...copied.complaints] } : copied
  } catch (error) {
    throw (error instanceof Refusal && (await leadsAway())) || error
  }
}

/**
 * Refuses, unless each pair belongs to this directive and one of its nodes; for a single file, unless it is the one
 * that it names.
 */
async function requirePairsOfTransfer(
  { transfer, user, stagePaths }: Pick<CopyParts, 'transfer' | 'user' | 'stagePaths'>,
  pairs: readonly Endpoints[],
): Promise<void> {
  const { type, attempt } = transfer
  // A node whose file could not be scanned has no pair, and need not be resolved.
  const lines = endpointsOf(transfer).filter(({ node }) => pairs.some((pair) => pair.node === node))
  const known = type === 'file' ? await resolveAll(user, transfer, stagePaths, lines) : lines
  const isOfTransfer = ({ source, destination, node }: Endpoints) => {
    const line = known.find((line) => line.node === node)
    return line && (type === 'list' || (line.source === source && line.destination === destination))
  }
  if (type !== 'directory' && pairs.every(isOfTransfer)) return
  throw new Refusal(foreignFiles(attempt))
}

/**
 * Whether other users may have created files where this transfer writes. In such a buffer nothing is written in place:
 * it would be written into another user's file.
 */
async function mayOthersWrite(user: AsUser, transfer: DesiredTransfer): Promise<boolean> {
  const { destination } = namespacesOf(transfer, transfer.nodes?.[0])
  if (destination === undefined) return false
  const { stdout } = await user.ok(['stat', '--printf=%a', '--', destination])
  return (Number.parseInt(stdout.toString(), 8) & 0o022) !== 0
}

function withDifferences({ complaints, failed }: Copied, names: string[]): Copied {
  const words = names.slice(0, 20).map(contentDiffers)
  return { complaints: [...complaints, ...words], failed: failed + names.length }
}
