import { access } from 'node:fs/promises'
import type { DesiredSwap } from '../../../model/documents/swap.js'
import type { SwapFacts } from '../../port/host.js'
import { whyNotEncrypted } from './mappings.js'
import { noLoopDevices, noSwapSupport } from './messages.js'
import { type SwapHost, mountOf } from './swapHost.js'
import { type SwapLoop, swapAreas, loopsOf } from './swapLoops.js'
import { filesIn } from './swapFiles.js'

/**
 * How far swap on this buffer is on this node: mount, files, loop devices, mappings and what the kernel swaps on.
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

/** Only checked for swap that is to be turned on. */
async function whyUnsupported(
  swap: DesiredSwap,
  loops: readonly SwapLoop[],
  host: SwapHost,
): Promise<string | undefined> {
  if (swap.wanted === 'absent' || loops.some(({ isOn }) => isOn)) return undefined
  if (!(await swapAreas(host))) return noSwapSupport()
  // The file exists before the module is loaded.
  const hasLoops = await access(`${host.root ?? ''}/dev/loop-control`).then(
    () => true,
    () => false,
  )
  if (!hasLoops) return noLoopDevices()
  return host.plaintext ? undefined : whyNotEncrypted(host.run)
}

/**
 * When swap is to be removed, files count only after the loop devices are detached. If the buffer does not answer, its
 * file is deleted with the volume.
 */
async function filesLeft(swap: DesiredSwap, attached: number, host: SwapHost) {
  if (swap.wanted === 'on') return filesIn(swap, host)
  return attached > 0 ? [] : filesIn(swap, host).catch(() => [])
}
