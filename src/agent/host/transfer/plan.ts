import { dirname } from 'node:path'
import type { DesiredTransfer } from '../../../model/documents.js'
import { Refusal } from '../../host.js'
import { splitter } from '../../plan/split.js'
import { batchesIn } from './batches.js'
import { listedPairs } from './list.js'
import { lookAt } from './look.js'
import { placesOf } from './places.js'
import { nameOf, resolveSides, type Sides, type StagePaths } from './resolve.js'
import type { AsUser } from './user.js'
import { walk } from './walk.js'
import { addFailure, emptyTally, type PlanNote, writeBytes, writeDraft } from './work.js'

/*
 * What is to be copied, found once and written down: the directories, which are made at once, and for each share its files in
 * batches. The whole appears under its name when it is complete, and every brick was online before and after the walk.
 *
 * Crash windows: killed before the rename, there is no plan and it is made anew; directories made by then stay.
 */
const batchLimits = { files: 2_000, bytes: 16 * 1024 ** 3 }
const pairsABatch = 100

export interface PlanParts {
  transfer: DesiredTransfer
  user: AsUser
  stagePaths: StagePaths
  insistOnline: () => Promise<void>
  onFound: (found: { files: number; bytes: number }) => void
}

export async function planTransfer(parts: PlanParts): Promise<void> {
  const { transfer, user, insistOnline } = parts
  const { works, work } = placesOf(transfer)
  const building = `${work}.new`
  await insistOnline()
  const make = await planners[transfer.type](parts)
  // Attempts before this one are over; what they copied is there.
  await user.ok(['rm', '--recursive', '--force', '--', works])
  await user.ok(['mkdir', '--parents', '--', building])
  const note = await make(building)
  await writeDraft(user, `${building}/plan.json`, note)
  await insistOnline()
  await user.ok(['mv', '--no-target-directory', '--', building, work])
}

/** Each looks at the paths and makes the destination, and gives what plans then, in a directory of its own. */
const planners: Record<
  DesiredTransfer['type'],
  (parts: PlanParts) => Promise<(building: string) => Promise<PlanNote>>
> = {
  file: async (parts) => {
    const sides = await resolveSides(parts.user, parts.transfer, parts.stagePaths)
    return (building) => planPairs(parts, building, [sides])
  },
  list: async (parts) => {
    const pairs = await listedPairs(parts)
    return (building) => planPairs(parts, building, pairs)
  },
  directory: async (parts) => {
    const sides = await resolveSides(parts.user, parts.transfer, parts.stagePaths)
    await makeDestination(parts, sides)
    return (building) => planTree(parts, building, sides)
  },
}

/** With the mode of what is copied there; one that exists keeps its own. */
async function makeDestination({ transfer, user }: PlanParts, { source, destination }: Sides): Promise<void> {
  const { stdout } = await user.ok(['stat', '--printf=%F %a', '--', source])
  const [, kind, mode] = /^(.*) (\d+)$/.exec(stdout.toString())!
  if (kind !== 'directory') {
    throw new Refusal(`${nameOf(transfer, source)} is a ${kind}, no directory: write type=file for a file`)
  }
  const own = (Number.parseInt(mode!, 8) & 0o777) | 0o700
  await user.ok(['mkdir', '--parents', `--mode=${own.toString(8)}`, '--', destination])
}

async function planTree(
  { user, transfer, onFound }: PlanParts,
  building: string,
  { source, destination }: Sides,
): Promise<PlanNote> {
  const found = { ...emptyTally(), largestBytes: 0 }
  const split = splitter(transfer.share.of, batchLimits)
  const batches = batchesIn(user, building)
  const directories = directoriesAt(user, building, destination)
  const onEntry = async ({ type, name, bytes, ...file }: Parameters<Parameters<typeof walk>[2]>[0]) => {
    if (type === 'd') return directories.add(name)
    if (!'flps'.includes(type)) return addFailure(found, `${name}: a device cannot be staged`)
    if (type === 'f') found.largestBytes = Math.max(found.largestBytes, bytes)
    const links = type === 'f' ? file.links : 1
    const full = split.add({ name, bytes: type === 'f' || type === 'l' ? bytes : 0, inode: file.inode, links })
    found.files++
    if (full) {
      await batches.write(full)
      onFound({ files: found.files, bytes: split.shares.reduce((sum, share) => sum + share.bytes, 0) })
    }
  }
  await walk(user, source, onEntry, (words) => addFailure(found, words))
  for (const full of split.end()) await batches.write(full)
  await directories.end()
  await batches.end(transfer.share.of)
  const bytes = split.shares.reduce((sum, share) => sum + share.bytes, 0)
  return { ...found, bytes, of: transfer.share.of, shares: [...split.shares] }
}

/** Directories are made now, so that no two copiers make the same; their modes and times come last, when they are full. */
function directoriesAt(user: AsUser, building: string, destination: string) {
  const atOnce = 2_000
  let names: string[] = []
  let lists = 0
  const make = async () => {
    if (names.length === 0) return
    const list = `${building}/directories.${lists++}`
    await writeBytes(user, list, Buffer.from(names.map((name) => `./${name}\0`).join(''), 'latin1'))
    names = []
    const each = (argv: string[]) => ['env', `--chdir=${destination}`, 'xargs', '--null', `--arg-file=${list}`, ...argv]
    await user.ok(each(['mkdir', '--parents', '--']) as [string])
    // Those that were there may be closed to their owner; not all of them need be the user's.
    await user.run(each(['chmod', '--quiet', 'u+rwx', '--']) as [string])
  }
  return {
    add: async (name: string) => {
      names.push(name)
      if (names.length >= atOnce) await make()
    },
    end: make,
  }
}

async function planPairs({ transfer, user }: PlanParts, building: string, pairs: readonly Sides[]): Promise<PlanNote> {
  const found = { ...emptyTally(), largestBytes: 0 }
  const split = splitter(transfer.share.of, { files: pairsABatch, bytes: batchLimits.bytes })
  const batches = batchesIn(user, building)
  const parents = new Set(pairs.map(({ destination }) => dirname(destination)))
  for (const parent of parents) await user.ok(['mkdir', '--parents', '--', parent])
  const sources = await lookAt(
    user,
    pairs.map(({ source }) => source),
  )
  const destinations = await lookAt(
    user,
    pairs.map(({ destination }) => destination),
  )
  for (const { source, destination } of pairs) {
    const name = nameOf(transfer, source)
    const file = sources.get(source)
    const problem = !file
      ? `${name} cannot be staged: it is not there, or not to be looked at`
      : file.kind !== 'file'
        ? `${name} is a ${file.kind}, no file: write type=directory for a directory`
        : destinations.get(destination)?.kind === 'directory'
          ? `${nameOf(transfer, destination)} is a directory: write the name that the file shall have`
          : undefined
    if (problem !== undefined && transfer.type === 'file') throw new Refusal(problem)
    if (problem !== undefined || !file) {
      addFailure(found, problem ?? name)
      continue
    }
    found.files++
    found.largestBytes = Math.max(found.largestBytes, file.bytes)
    const pair = { from: source, to: destination, bytes: file.bytes }
    const full = split.add({ name: JSON.stringify(pair), bytes: file.bytes, links: 1, inode: '' })
    if (full) batches.addPairs(full)
  }
  for (const full of split.end()) batches.addPairs(full)
  await batches.end(transfer.share.of)
  const bytes = split.shares.reduce((sum, share) => sum + share.bytes, 0)
  return { ...found, bytes, of: transfer.share.of, shares: [...split.shares] }
}
