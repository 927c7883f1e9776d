import { transferId } from '../../../../model/cluster.js'
import type { DesiredTransfer } from '../../../../model/documents/transfer.js'
import { Refusal } from '../../../port.js'
import type { Turns } from '../../../turns.js'
import { listed, whatIsMissing } from './verify.js'
import { type Notes, openNotes } from '../notes.js'
import { namespacesOf, transferPathsOf, type Endpoints, endpointsOf } from '../paths.js'
import { resolveAll, resolveEndpoints, type StagePaths } from '../resolve.js'
import { copyArguments, type Copied, differing, type Progress, runRsync } from './rsync.js'
import { timeWindow } from './times.js'
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
 * One share: its batches, several at once, each copied, then compared with what was planned, then noted as done.
 *
 * Crash windows: killed before a batch is noted, it runs again, and rsync copies only the files that are not there as they
 * should be; killed before the share is noted, it is summed up from its batches again.
 */
export interface CopyParts {
  transfer: DesiredTransfer
  user: AsUser
  stagePaths: StagePaths
  /** Whose run of the copier is next on this host, over all transfers. */
  turns: Turns
  signal: AbortSignal
  /** A run that has done nothing for so long lets others go on. */
  quietMs: number
  /** How much of the share is copied and has failed, what was noted before counted in. */
  onProgress: (copied: Progress & { failed: number; failures: string[] }) => void
}

type Copying = CopyParts & {
  /** How rsync compares times at the destination. */
  window: string[]
  notes: Notes
  /** Others may write into the buffer too. */
  isShared: boolean
}

/** Of one share. */
const maxRuns = 4

/**
 * Copies this host's share, batch by batch, several at once, and notes each batch that is done; those that are noted
 * are not copied again. Files that fail are counted and do not end it. Throws Refusal when the notes are gone or not
 * ours or the destination takes no more; else what cut a batch short.
 */
export async function copyShare(parts: CopyParts): Promise<void> {
  const { transfer, user, quietMs, onProgress } = parts
  const { notesDirectory, notesRoot } = transferPathsOf(transfer)
  const { index } = transfer.share
  const notes = await openNotes(user, transfer)
  const note = await notes.read(`share-${index}.json`, shareNote)
  if (!note)
    throw new Refusal(`the plan of attempt ${transfer.attempt} is gone from ${notesDirectory}: retry the transfer`)
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
  // What leaves the buffer is on its disk before the buffer may go.
  if (transfer.direction === 'out') await user.ok(['sync', '--file-system', '--', notesRoot])
  await notes.write(`share-${index}.done`, sum)
}

/**
 * Each batch waits for a turn of its own. A failure is thrown when the others have been tried; a refusal and an end that is asked for at
 * once.
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

/** Between which directories the names of a batch are copied; of pairs none. Looked at once for each node. */
function endpointsByNode({ transfer, user, stagePaths }: CopyParts): (batch: Batch) => Promise<Endpoints> | undefined {
  const looked = new Map<string | undefined, Promise<Endpoints>>()
  return ({ node }) => {
    const endpoints = endpointsOf(transfer).find((one) => one.node === node)
    if (transfer.type !== 'directory') return undefined
    if (!endpoints) throw new Refusal(`the notes of attempt ${transfer.attempt} name a node that is not this line's`)
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
  // Complaints of a mount that has died are no files' failures.
  await user.ok(['stat', '--file-system', '--printf=%T', '--', mount])
  const missing = await whatIsMissing(user, notes, batch, endpoints?.destination ?? '/')
  const sum = emptyTally()
  for (const words of copied.complaints) addFailure(sum, ofNode(batch.node, words))
  sum.failed = copied.failed
  // Who complained has mostly left a gap as well: it counts once.
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
  // Links may have changed since it was planned: what it names is looked at again.
  const resolved = await resolveAll(user, transfer, stagePaths, pairs)
  await requirePairsOfLine({ transfer, user, stagePaths }, resolved)
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
 * Copies between these sides, and tells it when one of them leads away since it was looked at: copiers see nothing there, and say no more
 * than that it is not there.
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

/** A pair is one of this line's, and of a node that it has; of a single file, the very one that the line names. */
async function requirePairsOfLine(
  { transfer, user, stagePaths }: Pick<CopyParts, 'transfer' | 'user' | 'stagePaths'>,
  pairs: readonly Endpoints[],
): Promise<void> {
  const { type, attempt } = transfer
  // A node whose file could not be planned has no pair, and need not be looked at.
  const lines = endpointsOf(transfer).filter(({ node }) => pairs.some((pair) => pair.node === node))
  const known = type === 'file' ? await resolveAll(user, transfer, stagePaths, lines) : lines
  const isOfLine = ({ source, destination, node }: Endpoints) => {
    const line = known.find((line) => line.node === node)
    return line && (type === 'list' || (line.source === source && line.destination === destination))
  }
  if (type !== 'directory' && pairs.every(isOfLine)) return
  throw new Refusal(`the notes of attempt ${attempt} name files that are not this line's: retry the transfer`)
}

/**
 * Whether others may have put files of their own where this transfer writes. In such a buffer nothing is written in place: it would
 * be written into a file of theirs.
 */
async function mayOthersWrite(user: AsUser, transfer: DesiredTransfer): Promise<boolean> {
  const { destination } = namespacesOf(transfer, transfer.nodes?.[0])
  if (destination === undefined) return false
  const { stdout } = await user.ok(['stat', '--printf=%a', '--', destination])
  return (Number.parseInt(stdout.toString(), 8) & 0o022) !== 0
}

function withDifferences({ complaints, failed }: Copied, names: string[]): Copied {
  const words = names.slice(0, 20).map((name) => `${name}: its content at the destination differs`)
  return { complaints: [...complaints, ...words], failed: failed + names.length }
}
