import { dirname } from 'node:path'
import type { DesiredTransfer } from '../../../../model/documents/transfer.js'
import { Refusal } from '../../../port/host.js'
import { listedPairs } from '../list.js'
import { notesMark, transferPathsOf, type Endpoints, endpointsOf } from '../paths.js'
import type { Found, Make, ScanParts, Scan } from './scanParts.js'
import { listPairs } from './pairs.js'
import { listTrees } from './trees.js'
import { nameOf, resolveEndpoints } from '../resolve.js'
import { listsTooLong, notADirectory } from '../messages.js'
import { notesIn, openNotes } from '../notes.js'
import { addFailure, emptyTally, ofNode, type ScanNote } from '../noteFormats.js'

/*
 * A scan lists what is to be copied: the directories, which are created at once, and the files of each share in
 * batches. It gets its name when it is complete, and every brick was online before and after the walk.
 *
 * Crash windows: if the agent is killed before the rename, there is no list, and it is made again; directories that
 * exist by then stay.
 */
/**
 * Finds what is to be copied and writes the list of it, which appears completely or not at all; first removes the notes of
 * earlier attempts. Creates the directories at the destination. Throws Refusal for an error that the user has to fix,
 * Unavailable while a brick is offline.
 */
export async function scanTransfer(parts: ScanParts): Promise<void> {
  const { transfer, user, requireAllBricksOnline } = parts
  const { notesRoot, notesDirectory } = transferPathsOf(transfer)
  const building = `${notesDirectory}.new`
  const found: Found = { ...emptyTally(), largestBytes: 0 }
  await requireAllBricksOnline()
  const make = await scanners[transfer.type]({ ...parts, found })
  // Earlier attempts are over; the files that they copied stay.
  await user.ok(['rm', '--recursive', '--force', '--', notesRoot])
  await user.ok(['mkdir', '--parents', '--', dirname(notesRoot)])
  await user.ok(['mkdir', '--mode=700', '--', notesRoot, building])
  await user.ok(['touch', '--', `${notesRoot}/${notesMark}`])
  await openNotes(user, transfer)
  const notes = notesIn(user, transfer, building)
  const shares = await make({ directory: building, notes })
  const [files, bytes] = [sum(shares.map((share) => share.files)), sum(shares.map((share) => share.bytes))]
  const note: ScanNote = { ...found, files, bytes, of: transfer.share.of, shares }
  await notes.draft('plan.json', note)
  await requireAllBricksOnline()
  await user.ok(['mv', '--no-target-directory', '--', building, notesDirectory])
}

/** Of one list, or of the lists of all nodes together: the pairs of a share are noted in one file. */
const maxPairs = 10_000

/** Each resolves the paths and creates the destination, and returns the function that plans. */
const scanners: Record<DesiredTransfer['type'], (parts: Scan) => Promise<Make>> = {
  file: async (parts) => {
    const pairs = await eachOf(parts, (endpoints) => resolved(parts, endpoints))
    return (building) => listPairs(parts, building, pairs)
  },
  list: async (parts) => {
    const pairs = (await eachOf(parts, ({ node }) => listedPairs({ ...parts, node }))).flat()
    if (pairs.length > maxPairs) throw new Refusal(listsTooLong(maxPairs))
    return (building) => listPairs(parts, building, pairs)
  },
  directory: async (parts) => {
    const trees = await eachOf(parts, async (endpoints) => makeDestination(parts, await resolved(parts, endpoints)))
    return (building) => listTrees(parts, building, trees)
  },
}

/**
 * A refusal of one node's files at a stage-out is counted as a failure of that node; the files of the others are
 * copied.
 */
async function eachOf<T>({ transfer, found }: Scan, act: (endpoints: Endpoints) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  for (const endpoints of endpointsOf(transfer)) {
    try {
      results.push(await act(endpoints))
    } catch (error) {
      if (endpoints.node === undefined || transfer.direction !== 'out' || !(error instanceof Refusal)) throw error
      addFailure(found, ofNode(endpoints.node, error.message))
    }
  }
  return results
}

function resolved({ transfer, user, stagePaths }: ScanParts, endpoints: Endpoints): Promise<Endpoints> {
  return resolveEndpoints(user, transfer, stagePaths, endpoints)
}

/** Creates the destination with the mode of the source; one that exists keeps its own. */
async function makeDestination({ transfer, user }: ScanParts, endpoints: Endpoints): Promise<Endpoints> {
  const { source, destination, node } = endpoints
  const { stdout } = await user.ok(['stat', '--printf=%F %a', '--', source])
  const [, kind, mode] = /^(.*) (\d+)$/.exec(stdout.toString())!
  if (kind !== 'directory') {
    throw new Refusal(notADirectory(nameOf(transfer, source, node), kind!))
  }
  const own = (Number.parseInt(mode!, 8) & 0o777) | 0o700
  await user.ok(['mkdir', '--parents', `--mode=${own.toString(8)}`, '--', destination])
  return endpoints
}

function sum(numbers: number[]): number {
  return numbers.reduce((a, b) => a + b, 0)
}
