import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Init } from '../common/init.js'
import { must, run } from '../common/run.js'

/*
 * The swap of a host ends with its power. The swap of a lab host belongs to the machine and would stay on, on a mount whose client
 * is dead: every process of the machine that was swapped out there would be lost.
 *
 * INVARIANTS: a loop device is touched only if its backing file is a swap file of this host, in a place in the folder of this host,
 * on a file system that this host has mounted, or that no longer answers because its client is dead.
 */
export async function endSwaps(host: string, dir: string, init: Init | undefined): Promise<void> {
  for (const device of await swapsOf(host, dir, init)) {
    if (isOn(device)) await must(['swapoff', device])
    for (const mapping of mappingsOn(device)) {
      if (mapping.names.some(isOn)) await must(['swapoff', mapping.device])
      await must(['dmsetup', 'remove', '--retry', mapping.device])
    }
    await must(['losetup', '--detach', device])
  }
}

async function swapsOf(host: string, dir: string, init: Init | undefined): Promise<string[]> {
  const found: string[] = []
  for (const name of readdirSync('/sys/block').filter((name) => /^loop[0-9]+$/.test(name))) {
    const file = backingFile(name)
    if (file === undefined || !isSwapFileOf(host, file) || !existsSync(join(dir, dirname(file)))) continue
    const fileSystem = await fileSystemOf(`/dev/${name}`)
    if (fileSystem === '' || isMounted(fileSystem, init)) found.push(`/dev/${name}`)
  }
  return found
}

/** The path that the kernel shows, from the root of the host. */
function backingFile(loop: string): string | undefined {
  try {
    return readFileSync(`/sys/block/${loop}/loop/backing_file`, 'utf8').replace(/( \(deleted\))?\n$/, '')
  } catch {
    return undefined
  }
}

function isSwapFileOf(host: string, file: string): boolean {
  const name = basename(file)
  return (
    basename(dirname(file)) === 'swap' && name.startsWith(`${host}.`) && /^[0-9]+$/.test(name.slice(host.length + 1))
  )
}

/** `major:minor`; empty if the client is dead. */
async function fileSystemOf(device: string): Promise<string> {
  const argv = ['losetup', '--list', '--noheadings', '--output', 'BACK-MAJ:MIN', device]
  return (await run(argv, { timeoutMs: 30_000 })).stdout.trim()
}

function isMounted(fileSystem: string, init: Init | undefined): boolean {
  if (!init) return false
  const table = readFileSync(`/proc/${init.pid}/mountinfo`, 'utf8').split('\n')
  return table.some((line) => line.split(' ')[2] === fileSystem)
}

/** The mappings that encrypt the swap on a loop device. /proc/swaps shows either of the two names. */
function mappingsOn(loop: string): { device: string; names: string[] }[] {
  return readdirSync(`/sys/block/${basename(loop)}/holders`).map((holder) => {
    const name = readFileSync(`/sys/block/${holder}/dm/name`, 'utf8').trim()
    return { device: `/dev/${holder}`, names: [holder, name] }
  })
}

/** Compares only file names: the `/dev` of the machine and that of the host differ. */
function isOn(device: string): boolean {
  const lines = readFileSync('/proc/swaps', 'utf8').split('\n').slice(1)
  return lines.some((line) => basename(line.split(/\s/)[0] ?? '') === basename(device))
}
