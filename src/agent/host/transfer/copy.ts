import { transferId } from '../../../model/cluster.js'
import type { DesiredTransfer } from '../../../model/documents.js'
import { Refusal } from '../../host.js'
import type { Turns } from '../../turns.js'
import { whatIsMissing } from './check.js'
import { placesOf, type Sides, sidesOf } from './places.js'
import { resolveAll, resolveSides, type StagePaths } from './resolve.js'
import { copyArguments, type Copied, differing, namesIn, type Progress, runRsync } from './rsync.js'
import { timeWindow } from './times.js'
import { type AsUser, withOptions } from './user.js'
import {
  addFailure,
  addTally,
  type Batch,
  emptyTally,
  listOf,
  ofNode,
  readNote,
  shareNote,
  type Tally,
  tally,
  writeNote,
} from './work.js'

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
  onProgress: (copied: Progress & { failed: number; failures: string[] }) => void
}

type Copying = CopyParts & {
  /** How rsync compares times at the destination. */
  window: string[]
}

/** Of one share. */
const maxRuns = 4

export async function copyShare(parts: CopyParts): Promise<void> {
  const { transfer, user, quietMs, onProgress } = parts
  const { work, works } = placesOf(transfer)
  const { index } = transfer.share
  const note = await readNote(user, `${work}/share-${index}.json`, shareNote)
  if (!note) throw new Refusal(`the plan of attempt ${transfer.attempt} is gone from ${work}: retry the transfer`)
  const window = await timeWindow(user, `${work}/times-${index}`)
  const sidesFor = sidesByNode(parts)
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
      { ...parts, user: withOptions(user, { onQuiet, quietMs }), window },
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
  if (transfer.direction === 'out') await user.ok(['sync', '--file-system', '--', works])
  await writeNote(user, `${work}/share-${index}.done`, sum)
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
function sidesByNode({ transfer, user, stagePaths }: CopyParts): (batch: Batch) => Promise<Sides> | undefined {
  const looked = new Map<string | undefined, Promise<Sides>>()
  return ({ node }) => {
    const sides = sidesOf(transfer).find((one) => one.node === node)
    if (transfer.type !== 'directory' || !sides) return undefined
    if (!looked.has(node)) looked.set(node, resolveSides(user, transfer, stagePaths, sides))
    return looked.get(node)
  }
}

async function copyBatch(
  parts: Copying,
  batch: Batch,
  sides: Sides | undefined,
  onProgress: (progress: Progress) => void,
): Promise<Tally> {
  const { transfer, user } = parts
  const { work, mount } = placesOf(transfer)
  const done = `${work}/${batch.name}.done`
  const before = await readNote(user, done, tally)
  if (before) return before
  const copied = sides ? await copyList(parts, batch, sides, onProgress) : await copyPairs(parts, batch, onProgress)
  // Complaints of a mount that has died are no files' failures.
  await user.ok(['stat', '--file-system', '--printf=%T', '--', mount])
  const missing = await whatIsMissing(user, work, batch, sides?.destination ?? '/')
  const sum = emptyTally()
  for (const words of copied.complaints) addFailure(sum, ofNode(batch.node, words))
  sum.failed = copied.failed
  // Who complained has mostly left a gap as well: it counts once.
  for (const words of missing.slice(Math.min(missing.length, copied.failed))) addFailure(sum, ofNode(batch.node, words))
  sum.files = Math.max(0, batch.files - sum.failed)
  sum.bytes = sum.failed === 0 ? batch.bytes : 0
  await writeNote(user, done, sum)
  return sum
}

async function copyList(
  { transfer, user, window }: Copying,
  batch: Batch,
  { source, destination }: Sides,
  onProgress: (progress: Progress) => void,
): Promise<Copied> {
  const { work } = placesOf(transfer)
  const names = namesIn(listOf(work, batch))
  const argv = [...copyArguments(transfer, work, batch), ...window, ...names]
  const copied = await runRsync(user, argv, `${source}/`, `${destination}/`, onProgress)
  if (!transfer.verify) return copied
  return withDifferences(copied, await differing(user, names, `${source}/`, `${destination}/`))
}

async function copyPairs(
  { transfer, user, stagePaths, window }: Copying,
  batch: Batch,
  onProgress: (progress: Progress) => void,
): Promise<Copied> {
  const { work } = placesOf(transfer)
  const pairs = (batch.pairs ?? []).map(({ from, to, node }) => {
    return { source: from, destination: to, ...(node === undefined ? {} : { node }) }
  })
  let copied: Copied = { complaints: [], failed: 0 }
  const past = { files: 0, bytes: 0 }
  // The note is the user's to change: what it names is looked at again.
  for (const [index, { source, destination, node }] of (
    await resolveAll(user, transfer, stagePaths, pairs)
  ).entries()) {
    const tell = ({ bytes }: Progress) => onProgress({ ...past, bytes: past.bytes + bytes })
    const argv = [...copyArguments(transfer, work, batch), ...window]
    const now = await runRsync(user, argv, source, destination, tell)
    const differs = transfer.verify ? await differing(user, [], source, destination) : []
    const { complaints, failed } = withDifferences(now, differs)
    const told = complaints.map((words) => ofNode(node, words))
    copied = { complaints: [...copied.complaints, ...told], failed: copied.failed + failed }
    past.files++
    past.bytes += batch.pairs![index]!.bytes
  }
  return copied
}

function withDifferences({ complaints, failed }: Copied, names: string[]): Copied {
  const words = names.slice(0, 20).map((name) => `${name}: its content at the destination differs`)
  return { complaints: [...complaints, ...words], failed: failed + names.length }
}
