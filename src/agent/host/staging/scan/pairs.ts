import { dirname } from 'node:path'
import { Refusal } from '../../../port/host.js'
import { splitter } from './split.js'
import { Ranger } from './ranged.js'
import { batchesIn } from './batches.js'
import { type FileStat, statPaths } from '../stat.js'
import type { Endpoints } from '../paths.js'
import type { Building, Scan } from './scanParts.js'
import { nameOf } from '../resolve.js'
import { cannotBeStaged, destinationIsDirectory, notAFile, notFound } from '../messages.js'
import type { AsUser } from '../user.js'
import { addFailure, ofNode, type ScanNote } from '../noteFormats.js'

const limits = { files: 100, bytes: 16 * 1024 ** 3 }

/**
 * Plans single files, each with a destination of its own, in batches of pairs. Gives files and bytes of each share.
 * Throws Refusal when the only file of a directive cannot be copied.
 */
export async function listPairs(
  parts: Scan,
  building: Building,
  pairs: readonly Endpoints[],
): Promise<ScanNote['shares']> {
  const { transfer, user, found } = parts
  const split = splitter(transfer.share.of, limits)
  const batches = batchesIn(building.notes, transfer.share.of)
  const ranger = new Ranger(parts, building, split, batches)
  await makeAll(user, [...new Set(pairs.map(({ destination }) => dirname(destination)))])
  const sources = pairs.map(({ source }) => source)
  const destinations = pairs.map(({ destination }) => destination)
  const [from, to] = [await statPaths(user, sources), await statPaths(user, destinations)]
  for (const { source, destination, node } of pairs) {
    const file = from.get(source)
    const problem = problemWith(parts, { source, destination, node }, file, to.get(destination))
    if (problem !== undefined || !file) {
      // The only file of the directive; if there are several, the others are copied.
      if (transfer.type === 'file' && node === undefined) throw new Refusal(problem ?? source)
      addFailure(found, ofNode(node, problem ?? source))
      continue
    }
    found.largestBytes = Math.max(found.largestBytes, file.bytes)
    const ofThatNode = node === undefined ? {} : { node }
    const pair = { from: source, to: destination, bytes: file.bytes, ...ofThatNode }
    const { bytes, isSparse } = file
    const candidate = { ...{ from: source, place: destination, name: '', pair, bytes, isSparse }, ...ofThatNode }
    if (await ranger.take(candidate)) continue
    const full = split.add({ name: JSON.stringify(pair), bytes, isSparse, inode: '' })
    if (full) batches.addPairs(full)
  }
  for (const full of split.end()) batches.addPairs(full)
  await ranger.end()
  return batches.end()
}

/** Uses few commands, because each costs a process. */
async function makeAll(user: AsUser, directories: readonly string[]): Promise<void> {
  const atOnce = 200
  for (let at = 0; at < directories.length; at += atOnce) {
    await user.ok(['mkdir', '--parents', '--', ...directories.slice(at, at + atOnce)])
  }
}

function problemWith(
  { transfer }: Scan,
  { source, destination, node }: { source: string; destination: string; node: string | undefined },
  file: FileStat | undefined,
  there: FileStat | undefined,
): string | undefined {
  const name = nameOf(transfer, source, node)
  if (!file) return cannotBeStaged(name, notFound())
  if (file.kind !== 'file') return notAFile(name, file.kind)
  if (there?.kind !== 'directory') return undefined
  return destinationIsDirectory(nameOf(transfer, destination, node))
}
