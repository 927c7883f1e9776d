import type { DesiredSwap } from '../../../model/documents/swap.js'
import { mountedAt, mountTable } from '../exec/mounts.js'
import type { Run } from '../exec/run.js'
import { isMountOf } from '../../plan/dataplane/index.js'

export interface SwapHost {
  /** This host's name. */
  self: string
  run: Run
  /** Swap may be in plain text. */
  plaintext: boolean
  /** The directory that contains `/proc` and `/sys`. */
  root?: string
}

/** For fast commands. */
export const commandMs = 30_000

/** The mount of the volume's directory with this swap; undefined while nothing or something else is mounted there. */
export async function mountOf(swap: DesiredSwap, { root = '' }: SwapHost) {
  const { path, volume, directory, export: name } = swap
  const found = mountedAt(await mountTable('self', `${root}/proc`), path)
  const wanted = { volume, directory, direct: name === undefined ? undefined : { export: name } }
  return found && isMountOf(wanted, found) ? found : undefined
}

/** Whether this is the name of a swap file of this host: its own name and a number. */
export function isOurName(name: string, self: string): boolean {
  return name.startsWith(`${self}.`) && /^[0-9]{1,3}$/.test(name.slice(self.length + 1))
}

/** The path of sysfs. */
export function sysOf({ root = '' }: SwapHost): string {
  return `${root}/sys`
}
