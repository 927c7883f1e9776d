import { dirname } from 'node:path'
import type { DesiredTransfer } from '../../../../model/documents/transfer.js'
import { Refusal } from '../../../port.js'
import { listedPairs } from '../list.js'
import { notesMark, transferPathsOf, type Endpoints, endpointsOf } from '../paths.js'
import type { Found, Make, PlanParts, Planning } from './planning.js'
import { planPairs } from './pairs.js'
import { planTrees } from './trees.js'
import { nameOf, resolveEndpoints } from '../resolve.js'
import { notesIn, openNotes } from '../notes.js'
import { addFailure, emptyTally, ofNode, type PlanNote } from '../noteFormats.js'

/*
 * What is to be copied, found once and written down: the directories, which are made at once, and for each share its files in
 * batches. The whole appears under its name when it is complete, and every brick was online before and after the walk.
 *
 * Crash windows: killed before the rename, there is no plan and it is made anew; directories made by then stay.
 */
/**
 * Finds what is to be copied and writes the plan, which appears whole or not at all; begins by removing what earlier
 * attempts have noted. Makes the directories at the destination. Throws Refusal for what the user has to mend,
 * Unavailable while a brick is offline.
 */
export async function planCopy(parts: PlanParts): Promise<void> {
  const { transfer, user, requireAllBricksOnline } = parts
  const { notesRoot, notesDirectory } = transferPathsOf(transfer)
  const building = `${notesDirectory}.new`
  const found: Found = { ...emptyTally(), largestBytes: 0 }
  await requireAllBricksOnline()
  const make = await planners[transfer.type]({ ...parts, found })
  // Attempts before this one are over; what they copied is there.
  await user.ok(['rm', '--recursive', '--force', '--', notesRoot])
  await user.ok(['mkdir', '--parents', '--', dirname(notesRoot)])
  await user.ok(['mkdir', '--mode=700', '--', notesRoot, building])
  await user.ok(['touch', '--', `${notesRoot}/${notesMark}`])
  await openNotes(user, transfer)
  const notes = notesIn(user, transfer, building)
  const shares = await make({ directory: building, notes })
  const [files, bytes] = [sum(shares.map((share) => share.files)), sum(shares.map((share) => share.bytes))]
  const note: PlanNote = { ...found, files, bytes, of: transfer.share.of, shares }
  await notes.draft('plan.json', note)
  await requireAllBricksOnline()
  await user.ok(['mv', '--no-target-directory', '--', building, notesDirectory])
}

/** Of one list as of those of all nodes: a share's are noted in one file. */
const maxPairs = 10_000

/** Each looks at the paths and makes the destination, and gives what plans then. */
const planners: Record<DesiredTransfer['type'], (parts: Planning) => Promise<Make>> = {
  file: async (parts) => {
    const pairs = await eachOf(parts, (endpoints) => resolved(parts, endpoints))
    return (building) => planPairs(parts, building, pairs)
  },
  list: async (parts) => {
    const pairs = (await eachOf(parts, ({ node }) => listedPairs({ ...parts, node }))).flat()
    if (pairs.length > maxPairs) {
      throw new Refusal(`the lists of all nodes have more than ${maxPairs} lines: use type=directory`)
    }
    return (building) => planPairs(parts, building, pairs)
  },
  directory: async (parts) => {
    const trees = await eachOf(parts, async (endpoints) => makeDestination(parts, await resolved(parts, endpoints)))
    return (building) => planTrees(parts, building, trees)
  },
}

/** What keeps one node's files in is that node's failure; those of the others are copied. */
async function eachOf<T>({ transfer, found }: Planning, act: (endpoints: Endpoints) => Promise<T>): Promise<T[]> {
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

function resolved({ transfer, user, stagePaths }: PlanParts, endpoints: Endpoints): Promise<Endpoints> {
  return resolveEndpoints(user, transfer, stagePaths, endpoints)
}

/** With the mode of what is copied there; one that exists keeps its own. */
async function makeDestination({ transfer, user }: PlanParts, endpoints: Endpoints): Promise<Endpoints> {
  const { source, destination, node } = endpoints
  const { stdout } = await user.ok(['stat', '--printf=%F %a', '--', source])
  const [, kind, mode] = /^(.*) (\d+)$/.exec(stdout.toString())!
  if (kind !== 'directory') {
    throw new Refusal(`${nameOf(transfer, source, node)} is a ${kind}, no directory: write type=file for a file`)
  }
  const own = (Number.parseInt(mode!, 8) & 0o777) | 0o700
  await user.ok(['mkdir', '--parents', `--mode=${own.toString(8)}`, '--', destination])
  return endpoints
}

function sum(numbers: number[]): number {
  return numbers.reduce((a, b) => a + b, 0)
}
