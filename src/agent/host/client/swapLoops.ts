import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { DesiredSwap } from '../../../model/documents/swap.js'
import { type AttachedLoop, loopsOn } from '../disk/loops.js'
import { type Mapping, mappingOn } from './mappings.js'
import { notAttached } from './messages.js'
import type { MountEntry } from '../exec/mounts.js'
import { type SwapHost, mountOf, sysOf, isOurName } from './swapHost.js'

export interface SwapLoop extends AttachedLoop {
  mapping?: Mapping
  isOn: boolean
}

/** The loop devices of this swap; none while its buffer is not mounted. */
export async function ownLoops(swap: DesiredSwap, host: SwapHost): Promise<SwapLoop[]> {
  return loopsOf(await mountOf(swap, host), host)
}

/** The loop device of this swap. Throws while there is none. */
export async function attachedLoop(swap: DesiredSwap, host: SwapHost): Promise<SwapLoop> {
  const loop = (await ownLoops(swap, host))[0]
  if (!loop) throw new Error(notAttached(swap.path))
  return loop
}

/** The loop devices that are attached to our files in that mount. */
export async function loopsOf(mounted: MountEntry | undefined, host: SwapHost): Promise<SwapLoop[]> {
  if (!mounted) return []
  const areas = await swapAreas(host)
  const found = []
  for (const loop of await loopsOn(mounted, host.run, sysOf(host))) {
    if (!isOurName(basename(loop.file), host.self)) continue
    const mapping = await mappingOn(loop.device, sysOf(host))
    found.push({ ...loop, ...(mapping ? { mapping } : {}), isOn: isSwappedOn(loop, mapping, areas) })
  }
  return found
}

/**
 * Whether swap is on, on the loop device itself (in plain text) or on its mapping, for which /proc/swaps uses either
 * name.
 */
export function isSwappedOn(
  { device }: AttachedLoop,
  mapping: Mapping | undefined,
  areas: Set<string> | undefined,
): boolean {
  const names = [basename(device), ...(mapping ? [mapping.kernelName, mapping.name] : [])]
  return names.some((name) => areas?.has(name) ?? false)
}

/**
 * Base names of the block devices that swap is on, `loop7`; undefined if the kernel does not support swap. Source:
 * proc(5).
 */
export async function swapAreas({ root = '' }: SwapHost): Promise<Set<string> | undefined> {
  const text = await readFile(`${root}/proc/swaps`, 'utf8').catch(() => undefined)
  return text === undefined ? undefined : parseSwaps(text)
}

/** Base names of the devices in the text of /proc/swaps, as in `loop7` or `dm-3`. Source: proc(5). */
export function parseSwaps(text: string): Set<string> {
  const lines = text.split('\n').slice(1)
  return new Set(lines.flatMap((line) => (line === '' ? [] : [basename(line.split(/\s/)[0]!)])))
}
