import type { DesiredSwap } from '../../../model/documents/swap.js'
import { mountedAt, mountTable } from '../exec/mounts.js'
import type { Run } from '../exec/run.js'
import { isMountOf } from '../../plan/dataplane/index.js'

export interface SwapHost {
  /** This host's name. */
  self: string
  run: Run
  /** Swap may be in clear. */
  plaintext: boolean
  /** Where the kernel shows itself: `/proc` and `/sys` below it. */
  root?: string
}

/** For commands that take moments. */
export const commandMs = 30_000

/** The mount of the directory of the volume that this swap lies in; undefined while nothing or something else is mounted there. */
export async function mountOf(swap: DesiredSwap, { root = '' }: SwapHost) {
  const { path, volume, directory, export: name } = swap
  const found = mountedAt(await mountTable('self', `${root}/proc`), path)
  const wanted = { volume, directory, direct: name === undefined ? undefined : { export: name } }
  return found && isMountOf(wanted, found) ? found : undefined
}

/** Whether a file name is one of a swap file of this host: its own name and a number. */
export function isOurName(name: string, self: string): boolean {
  return name.startsWith(`${self}.`) && /^[0-9]{1,3}$/.test(name.slice(self.length + 1))
}

/** Where sysfs is. */
export function sysOf({ root = '' }: SwapHost): string {
  return `${root}/sys`
}
