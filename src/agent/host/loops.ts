import { readdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'

export interface AttachedLoop {
  /** As in /dev/loop7. */
  device: string
  /** Its backing file, as the kernel names it. */
  file: string
}

/** Loop devices whose backing file lies in that directory, by its name; no file is touched. */
export async function loopsBelow(directory: string): Promise<AttachedLoop[]> {
  const found = []
  for (const name of await readdir('/sys/block')) {
    if (!/^loop[0-9]+$/.test(name)) continue
    const text = await readFile(`/sys/block/${name}/loop/backing_file`, 'utf8').catch(() => undefined)
    const file = text?.replace(/( \(deleted\))?\n$/, '')
    if (file !== undefined && dirname(file) === directory) found.push({ device: `/dev/${name}`, file })
  }
  return found
}
