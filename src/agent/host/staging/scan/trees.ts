import { type Listed, splitter } from './split.js'
import { Ranger } from './ranged.js'
import { batchesIn } from './batches.js'
import { linkedIn } from './hardlinks.js'
import { isNotes, notesMark, type Endpoints, treeOf } from '../paths.js'
import type { Notes } from '../notes.js'
import type { Building, Scan } from './scanParts.js'
import type { AsUser } from '../user.js'
import { type Entry, type PassOver, walk } from './walk.js'
import { deviceFile } from '../messages.js'
import { addFailure, ofNode, type ScanNote } from '../noteFormats.js'

/** Where there are more large files, they keep all hosts busy as they are. */
const maxLarge = 5_000
const batchLimits = { files: 2_000, bytes: 16 * 1024 ** 3 }

/**
 * Plans directory trees, in batches of names. Trees with one source are walked once. Gives files and bytes of each
 * share; files that cannot be read are counted as failed.
 */
export async function listTrees(
  parts: Scan,
  building: Building,
  trees: readonly Endpoints[],
): Promise<ScanNote['shares']> {
  const { transfer } = parts
  const split = splitter(transfer.share.of, batchLimits)
  const batches = batchesIn(building.notes, transfer.share.of)
  const ranger = new Ranger(parts, building, split, batches)
  const numbers = new Set(trees.map(({ node }) => treeOf(transfer, node)))
  for (const number of numbers) {
    const copies = trees.filter(({ node }) => treeOf(transfer, node) === number)
    const nodes = copies.map(({ node }) => node)
    const write: Parameters<typeof planTree>[2]['write'] = (full) => batches.write(full, nodes)
    await planTree(parts, copies, { split, write, building, ranger, lists: `directories.${number}` })
  }
  await ranger.end()
  return batches.end()
}

interface TreeParts {
  split: ReturnType<typeof splitter>
  write: (full: NonNullable<ReturnType<ReturnType<typeof splitter>['add']>>) => Promise<void>
  building: Building
  ranger: Ranger
  /** The prefix of the names of its lists of directories. */
  lists: string
}

async function planTree(
  { transfer, user, found, onFound }: Scan,
  copies: readonly Endpoints[],
  { split, write, building, ranger, lists }: TreeParts,
): Promise<void> {
  const [{ source, destination, node }] = copies as [Endpoints]
  const whose = copies.length === 1 ? node : undefined
  const fail = (words: string) => addFailure(found, ofNode(whose, words))
  const destinations = copies.map(({ destination }) => destination)
  const directories = directoriesAt(user, building.notes, lists, destinations)
  const linked = linkedIn(user, building.directory)
  const onEntry = ({ type, name, bytes, ...file }: Entry) => {
    if (type === 'd') return directories.add(name)
    if (!'flps'.includes(type)) {
      fail(deviceFile(name))
      return undefined
    }
    if (type === 'f') found.largestBytes = Math.max(found.largestBytes, bytes)
    found.files++
    const { inode, isSparse } = file
    const listed = { name, bytes: type === 'f' || type === 'l' ? bytes : 0, inode, isSparse }
    if (type === 'f' && file.links > 1) return linked.add(listed)
    if (type === 'f' && ranger.isLarge(bytes)) return onLarge(listed)
    return onFile(listed)
  }
  const onFile = (file: Listed) => {
    const full = split.add(file)
    return full && writeFull(full)
  }
  const writeFull = async (full: Parameters<typeof write>[0]) => {
    await write(full)
    onFound({ files: found.files, bytes: split.shares.reduce((sum, share) => sum + share.bytes, 0) })
  }
  // Directories are created in groups: that of a large file may not exist yet.
  const large: Listed[] = []
  const onLarge = (file: Listed) => {
    if (copies.length > 1 || large.length >= maxLarge) return onFile(file)
    large.push(file)
    return undefined
  }
  const rangeAll = async () => {
    for (const { name, bytes, isSparse = false, ...file } of large) {
      const candidate = {
        from: source,
        place: destination,
        name,
        bytes,
        isSparse,
        ...(node === undefined ? {} : { node }),
      }
      if (!(await ranger.take(candidate))) await onFile({ name, bytes, isSparse, ...file })
    }
  }
  await walk(user, source, onEntry, fail, {
    isOwn: (name) => isNotes(transfer, source, name),
    directories: transfer.direction === 'out' ? await notesOfOthers(user, source, transfer.uid) : [],
  })
  await linked.each(onFile)
  await directories.end()
  await rangeAll()
  for (const full of split.end()) await write(full)
}

/**
 * The notes of transfers into the same buffer, which come and go while it is copied out. Notes of this user are known
 * by a file in them; notes of other users by their name and mode, because nobody else may read them.
 */
async function notesOfOthers(user: AsUser, root: string, uid: number): Promise<PassOver['directories']> {
  const closed = ['-type', 'd', '-name', '.burstbuffer-[0-9]*.[0-9]*', '-perm', '-700', '!', '-perm', '/077']
  const whose = ['(', '!', '-uid', String(uid), '-o', '-exec', 'test', '-e', `{}/${notesMark}`, ';', ')']
  const argv = ['find', '-P', root, '-mindepth', '1', '-maxdepth', '1', ...closed, ...whose, '-printf', '%i %f\\0']
  const { stdout } = await user.run(argv as unknown as [string])
  const found = stdout.toString('latin1').split('\0')
  return found.flatMap((record) => {
    const [, inode, name] = /^(\d+) (\.burstbuffer-\d+\.\d+)$/.exec(record) ?? []
    return inode === undefined || name === undefined ? [] : [{ inode, name }]
  })
}

/**
 * Creates directories before the copy, so that no two runs of rsync create the same one. Their modes and times are set
 * last, when they are full. Until then only their owner may enter them, because files may rely on a closed directory
 * for protection.
 */
function directoriesAt(user: AsUser, notes: Notes, lists: string, destinations: readonly string[]) {
  const atOnce = 2_000
  let names: string[] = []
  let written = 0
  const make = async () => {
    if (names.length === 0) return
    const stdin = Buffer.from(names.map((name) => `./${name}\0`).join(''), 'latin1')
    await notes.draftList(`${lists}.${written++}`, stdin)
    names = []
    for (const destination of destinations) {
      const each = (...argv: string[]): [string, ...string[]] => {
        return ['env', `--chdir=${destination}`, 'xargs', '--null', ...argv]
      }
      await user.ok(each('mkdir', '--parents', '--mode=700', '--'), { stdin })
      // Existing directories may be closed to their owner; some may belong to another user.
      await user.run(each('chmod', '--quiet', 'u+rwx', '--'), { stdin })
    }
  }
  return {
    add: (name: string) => {
      names.push(name)
      return names.length >= atOnce ? make() : undefined
    },
    end: make,
  }
}
