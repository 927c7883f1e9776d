import { access } from 'node:fs/promises'
import type { DesiredSwap } from '../../../model/documents/swap.js'
import type { SwapFacts } from '../../port/host.js'
import { whyNotEncrypted } from './mappings.js'
import { type SwapHost, mountOf } from './swapHost.js'
import { type SwapLoop, swapAreas, loopsOf } from './swapLoops.js'
import { filesIn } from './swapFiles.js'

/**
 * How far swap on this buffer has come on this node: mount, files, loop devices, mappings and what the kernel swaps on.
 */
export async function swapFacts(swap: DesiredSwap, host: SwapHost): Promise<SwapFacts> {
  const mounted = await mountOf(swap, host)
  const loops = await loopsOf(mounted, host)
  const unsupported = await whyUnsupported(swap, loops, host)
  return {
    ...(unsupported === undefined ? {} : { unsupported }),
    mustEncrypt: !host.plaintext,
    isMounted: mounted !== undefined,
    files: mounted ? await filesLeft(swap, loops.length, host) : [],
    loops: loops.map(({ device, isOn, mapping }) => ({
      device,
      isOn,
      ...(mapping ? { mapping: mapping.isWhole ? 'whole' : 'begun' } : {}),
    })),
  }
}

/** What is on stays, and what has to go needs nothing. */
async function whyUnsupported(
  swap: DesiredSwap,
  loops: readonly SwapLoop[],
  host: SwapHost,
): Promise<string | undefined> {
  if (swap.wanted === 'absent' || loops.some(({ isOn }) => isOn)) return undefined
  if (!(await swapAreas(host))) return 'the kernel of this node has no swap (CONFIG_SWAP)'
  // It is there before its module is loaded.
  const hasLoops = await access(`${host.root ?? ''}/dev/loop-control`).then(
    () => true,
    () => false,
  )
  if (!hasLoops) return 'this node has no loop devices to swap on (/dev/loop-control is missing: modprobe loop)'
  return host.plaintext ? undefined : whyNotEncrypted(host.run)
}

/**
 * A file that is to go is no reason to wait: first comes what is attached to it, and where the buffer does not answer, the file
 * goes with the volume.
 */
async function filesLeft(swap: DesiredSwap, attached: number, host: SwapHost) {
  if (swap.wanted === 'on') return filesIn(swap, host)
  return attached > 0 ? [] : filesIn(swap, host).catch(() => [])
}
