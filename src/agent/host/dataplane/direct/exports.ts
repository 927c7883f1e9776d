import { chmod, lchown, lstat, mkdir, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { BrickExport } from '../../../../model/documents/direct.js'
import { Refusal } from '../../../port/host.js'
import type { Run } from '../../exec/run.js'
import { markDirectory, markFresh } from './brickDirectory.js'
import { exportsOverlap, notADirectory } from './messages.js'

/*
 * The directories of a brick that clients mount, each the root of a file system of its own. What is above them is root's alone, so
 * that no link of a user can lead root astray; what is in them belongs to clients, and is never looked at.
 *
 * A directory is made under another name, with its owner, its mode and its mark, and then renamed: one that has its name and
 * GlusterFS's own directory in it is whole. What its owner changes of it later stays as the owner wants it; but one that is
 * shared with a group, as its set-group-id bit says, has that group and mode, also when it was made before it was shared.
 */

/** What is made in a directory with it belongs to the directory's group. */
const setGroupId = 0o2000

/** Those of the exports' directories that are whole on every brick. `bricks`: the bricks' own directories. */
export async function exportsMade(bricks: readonly string[], exports: readonly BrickExport[]): Promise<string[]> {
  if (bricks.length === 0) return []
  const made = await Promise.all(
    exports.map(async (each) => {
      const found = await Promise.all(bricks.map((brick) => isMade(brick, each)))
      return found.every(Boolean) ? [each.directory] : []
    }),
  )
  return made.flat()
}

/**
 * Makes those that are missing on one brick, and gives those that are shared to their group. `id`: what GlusterFS compares before it serves them. Throws Refusal when one
 * lies in another, or something else is in the way; ForeignDirectory when the brick's own carries another id. May be repeated.
 */
export async function makeExports(brick: string, id: string, exports: readonly BrickExport[], run: Run): Promise<void> {
  requireApart(exports)
  const missing = []
  for (const each of exports) {
    const path = join(brick, each.directory)
    if (!(await isWhole(path))) missing.push(each)
    else if (!(await isShared(path, each))) await own(path, each)
  }
  const whole = missing.find(({ directory }) => directory === '/')
  if (whole) {
    await own(brick, whole)
    return markDirectory(brick, id, run)
  }
  for (const { directory } of missing) await makeParents(brick, dirname(directory))
  for (const each of missing) await makeFresh(join(brick, each.directory), each)
  const paths = missing.map(({ directory }) => join(brick, directory))
  await markFresh(paths.map(freshPath), id, run)
  for (const path of paths) await rename(freshPath(path), path)
  for (const parent of new Set(paths.map((path) => dirname(path)))) await syncDirectory(parent)
}

async function isMade(brick: string, wanted: BrickExport): Promise<boolean> {
  const path = join(brick, wanted.directory)
  return (await isWhole(path)) && (await isShared(path, wanted))
}

/** With the group that it should be shared with, if any. */
async function isShared(path: string, { gid, mode }: BrickExport): Promise<boolean> {
  if ((mode & setGroupId) === 0) return true
  const found = await lstat(path)
  return found.gid === gid && (found.mode & 0o7777) === mode
}

/** The one that GlusterFS keeps its own names in is made last. */
async function isWhole(directory: string): Promise<boolean> {
  return lstat(join(directory, '.glusterfs')).then(
    (found) => found.isDirectory(),
    () => false,
  )
}

function requireApart(exports: readonly BrickExport[]): void {
  const directories = new Set(exports.map(({ directory }) => directory))
  for (const directory of directories) {
    for (let at = directory; at !== '/';) {
      at = dirname(at)
      if (directories.has(at)) throw new Refusal(exportsOverlap(directory, at))
    }
  }
}

/** Others may pass through them, and list nothing: the places of swap files not even that. */
async function makeParents(brick: string, directory: string): Promise<void> {
  let at = brick
  for (const name of directory.split('/').filter((part) => part !== '')) {
    at = join(at, name)
    const found = await lstat(at).catch(() => undefined)
    if (found && !found.isDirectory()) throw new Refusal(notADirectory(at))
    if (found) continue
    await mkdir(at, { mode: 0o700 })
    if (name !== 'swap') await chmod(at, 0o711)
  }
}

async function makeFresh(path: string, owner: BrickExport): Promise<void> {
  const fresh = freshPath(path)
  await rm(fresh, { recursive: true, force: true })
  await mkdir(fresh, { mode: 0o700 })
  await own(fresh, owner)
}

async function own(path: string, { uid, gid, mode }: BrickExport): Promise<void> {
  await lchown(path, uid, gid)
  await chmod(path, mode)
}

/** No host's name begins so. */
function freshPath(path: string): string {
  return join(dirname(path), `.new-${basename(path)}`)
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
