import type { DesiredTransfer } from '../../../../model/documents/transfer.js'
import { Refusal } from '../../../port/host.js'
import { listed } from './verify.js'
import { transferPathsOf, endpointsOf, treeOf } from '../paths.js'
import { writesInPlace } from '../copyrange.js'
import { finishRangedFiles, rangedIn } from './range.js'
import { writeReport } from '../report.js'
import { resolveEndpoints, type StagePaths } from '../resolve.js'
import { type Notes, openNotes } from '../notes.js'
import { attributes, runRsync } from './rsync.js'
import { timeWindow } from '../times.js'
import { countDiffers, scanGone, shareNotCopied } from '../messages.js'
import type { AsUser } from '../user.js'
import { addFailure, addTally, emptyTally, ofNode, scanNote, tally, type Tally } from '../noteFormats.js'

interface FinishParts {
  transfer: DesiredTransfer
  user: AsUser
  stagePaths: StagePaths
  requireAllBricksOnline: () => Promise<void>
}

/**
 * Runs when every share is copied: sets modes and times of the directories, which copying changed, writes the user's
 * report, and notes the sum of all shares. May be repeated until the note exists. Throws Refusal when a share or the
 * list of the scan is missing, Unavailable while a brick is offline.
 */
export async function finishTransfer(parts: FinishParts): Promise<void> {
  const { transfer, user, requireAllBricksOnline } = parts
  const { notesDirectory } = transferPathsOf(transfer)
  const notes = await openNotes(user, transfer)
  const scan = await notes.read('plan.json', scanNote)
  if (!scan) throw new Refusal(scanGone(transfer.attempt, notesDirectory))
  const sum = await sumOfShares(notes, scan.of)
  sum.failed += scan.failed
  sum.failures = [...scan.failures, ...sum.failures].slice(0, 20)
  await finishRanges(parts, notes, sum)
  if (sum.failed === 0 && sum.files !== scan.files) {
    addFailure(sum, countDiffers(scan.files, sum.files))
  }
  if (transfer.type === 'directory') await finishDirectories(parts, notes, sum)
  await writeReport(parts, sum)
  await requireAllBricksOnline()
  await notes.write('finish.done', sum)
}

async function finishRanges(parts: FinishParts, notes: Notes, sum: Tally): Promise<void> {
  const { transfer, user } = parts
  const { notesDirectory, mount } = transferPathsOf(transfer)
  const ranged = rangedIn(notes)
  if ((await ranged()).length === 0) return
  const window = await timeWindow(user, notesDirectory)
  const isInPlace = await writesInPlace(user, transfer)
  await finishRangedFiles({ ...parts, window, isInPlace, bytesPerSecond: 0, ranged }, sum)
  // If the mount has died, these are no failures of the files: this throws.
  await user.ok(['stat', '--file-system', '--printf=%T', '--', mount])
  // The shares were on the disk, but not yet with these names.
  if (transfer.direction === 'out') await user.ok(['sync', '--file-system', '--', notesDirectory])
}

async function sumOfShares(notes: Notes, of: number): Promise<Tally> {
  const sum = emptyTally()
  for (let share = 0; share < of; share++) {
    const done = await notes.read(`share-${share}.done`, tally)
    if (!done) throw new Refusal(shareNotCopied(share))
    addTally(sum, done)
  }
  return sum
}

async function finishDirectories({ transfer, user, stagePaths }: FinishParts, notes: Notes, sum: Tally): Promise<void> {
  const { notesDirectory } = transferPathsOf(transfer)
  const found = await user.ok(['find', notesDirectory, '-maxdepth', '1', '-name', 'directories.*', '-printf', '%f\\0'])
  const lists = found.stdout.toString().split('\0').filter(Boolean)
  const window = await timeWindow(user, notesDirectory)
  for (const endpoints of endpointsOf(transfer)) {
    const own = lists.filter((name) => name.startsWith(`directories.${treeOf(transfer, endpoints.node)}.`))
    // A node whose tree could not be scanned has no list.
    if (own.length === 0) continue
    const { source, destination, node } = await resolveEndpoints(user, transfer, stagePaths, endpoints)
    for (const name of own) {
      const argv = ['rsync', '--dirs', '--perms', '--times', '--group', ...attributes, '--numeric-ids']
      const files = { from: `${source}/`, to: `${destination}/`, names: await listed(notes, name) }
      const { complaints, failed } = await runRsync(user, [...argv, ...window, '--no-implied-dirs'], files)
      for (const words of complaints) addFailure(sum, ofNode(node, words))
      sum.failed += failed - complaints.length
    }
  }
}
