import { readdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { MountEntry } from '../exec/mounts.js'
import { type Run, runOk } from '../exec/run.js'

const listMs = 30_000

export interface AttachedLoop {
  /** As in /dev/loop7. */
  device: string
  /** Its backing file, as the kernel names it. */
  file: string
}

/** Loop devices whose backing file is in that directory, by its name. Opens no file. */
export async function loopsBelow(directory: string, sys = '/sys'): Promise<AttachedLoop[]> {
  const found = []
  for (const name of await readdir(`${sys}/block`)) {
    if (!/^loop[0-9]+$/.test(name)) continue
    const text = await readFile(`${sys}/block/${name}/loop/backing_file`, 'utf8').catch(() => undefined)
    const file = text?.replace(/( \(deleted\))?\n$/, '')
    if (file !== undefined && dirname(file) === directory) found.push({ device: `/dev/${name}`, file })
  }
  return found
}

/**
 * Loop devices whose backing file is in that mount. Compares the file system too, because another mount namespace may
 * have the same path. A client that died does not report its file system; then the path is enough.
 */
export async function loopsOn(mount: MountEntry, run: Run, sys = '/sys'): Promise<AttachedLoop[]> {
  const found = []
  for (const loop of await loopsBelow(mount.path, sys)) {
    // Without --raw, which writes the padding of the column as \x20.
    const argv = ['losetup', '--list', '--noheadings', '--output', 'BACK-MAJ:MIN', loop.device] as const
    const fileSystem = (await runOk(run, argv, { timeoutMs: listMs })).stdout.trim()
    if (fileSystem === '' || fileSystem === mount.device) found.push(loop)
  }
  return found
}
