import { basename } from 'node:path'
import type { DesiredSwap } from '../../../model/documents/swap.js'
import { Refusal } from '../../port/host.js'
import { closeMapping, mappingDevice, mappingOn, openMapping } from './mappings.js'
import { runOk } from '../exec/run.js'
import { commandMs, type SwapHost, sysOf } from './swapHost.js'
import { type SwapLoop, swapAreas, ownLoops, attachedLoop, isSwappedOn } from './swapLoops.js'
import { filesIn } from './swapFiles.js'

/*
 * Swap on a buffer: a file of root's in a directory of root's, on a loop device, because the kernel takes no swap file of a
 * FUSE file system, and on that a mapping that encrypts it, unless the host's settings allow swap in clear. Nothing is
 * remembered: the mount table, the files, /sys/block and /proc/swaps tell what is done. The buffer is touched by child
 * processes alone, for it may hang.
 *
 * INVARIANTS: nothing is made but in the very mount that is named; no loop device is touched but one whose backing file is one
 * of ours on it (`isOurName`).
 */

/** What is in use is read back into memory; killed after so long, it begins again where it stood. */
const swapoffMs = 120_000

/**
 * Gives the file a loop device, with direct I/O: what the kernel swaps out must not pass through its page cache once
 * more. A file that is attached keeps its device. Throws Error when there is no whole file.
 */
export async function attachSwap(swap: DesiredSwap, host: SwapHost): Promise<void> {
  const { run } = host
  const file = (await filesIn(swap, host)).find(({ isWhole }) => isWhole)
  if (!file) throw new Error(`${swap.path} holds no swap file`)
  const options = ['--find', '--nooverlap', '--direct-io=on'] as const
  await runOk(run, ['losetup', ...options, '--', file.path], { timeoutMs: commandMs })
}

/**
 * With a key that nobody knows, and a new one whenever this is done anew. Nothing is done where it is encrypted or on.
 * Throws Refusal when the kernel refuses.
 */
export async function encryptSwap(swap: DesiredSwap, host: SwapHost): Promise<void> {
  const { device, isOn, mapping } = await attachedLoop(swap, host)
  if (isOn || mapping?.isWhole) return
  await openMapping(device, host.run)
  if (!(await mappingOn(device, sysOf(host)))?.isWhole)
    throw new Error(`swap on ${device} is not encrypted although cryptsetup said so`)
}

/**
 * mkswap and swapon with the document's priority; nothing when it is on. Throws Refusal when the kernel refuses swapon,
 * for it will not answer otherwise in a moment; Error when it should be encrypted and is not.
 */
export async function enableSwap(swap: DesiredSwap, host: SwapHost): Promise<void> {
  const loop = await attachedLoop(swap, host)
  if (loop.isOn) return
  if (!host.plaintext && !loop.mapping?.isWhole) throw new Error(`swap on ${loop.device} is not encrypted`)
  const device = areaOf(loop)
  await runOk(host.run, ['mkswap', '--', device], { timeoutMs: commandMs })
  const argv = ['swapon', '--priority', String(swap.priority), '--', device] as const
  const { code, stderr } = await host.run(argv, { timeoutMs: commandMs })
  if (code !== 0) throw new Refusal(`the kernel of this node refuses swap on ${device}: ${stderr.trim()}`)
}

/**
 * swapoff, which may take minutes. /proc/swaps tells, not the exit code: another swapoff, of an agent that was killed,
 * may be at it still. Throws Error while it is on: what is in it must fit into memory.
 */
export async function disableSwap(swap: DesiredSwap, host: SwapHost): Promise<void> {
  for (const loop of (await ownLoops(swap, host)).filter(({ isOn }) => isOn)) {
    const device = areaOf(loop, await swapAreas(host))
    const end = await host.run(['swapoff', '--', device], { timeoutMs: swapoffMs }).then(
      ({ stderr }) => stderr.trim(),
      (error: Error) => error.message,
    )
    if (isSwappedOn(loop, loop.mapping, await swapAreas(host)))
      throw new Error(`swap on ${device} is still on, what is in it must fit into the node's memory first: ${end}`)
  }
}

/**
 * Takes the mapping off. The key goes with it: what is in the file is then nobody's to read. Throws Error while swap is
 * on it.
 */
export async function closeSwap(swap: DesiredSwap, host: SwapHost): Promise<void> {
  for (const { device, isOn, mapping } of await ownLoops(swap, host)) {
    if (isOn) throw new Error(`swap on ${device} is still on`)
    if (mapping) await closeMapping(device, host.run)
    if (await mappingOn(device, sysOf(host)))
      throw new Error(`the encryption of ${device} cannot be closed: it is in use`)
  }
}

/**
 * Detaches the loop devices of this host's files. Detaching what is in use succeeds, and happens later, so it is looked
 * at again. Throws Error while one is left.
 */
export async function detachSwap(swap: DesiredSwap, host: SwapHost): Promise<void> {
  for (const { device, isOn, mapping } of await ownLoops(swap, host)) {
    if (isOn) throw new Error(`swap on ${device} is still on`)
    if (mapping) throw new Error(`the encryption of ${device} is still open`)
    await runOk(host.run, ['losetup', '--detach', device], { timeoutMs: commandMs })
  }
  const left = await ownLoops(swap, host)
  if (left.length > 0)
    throw new Error(`${left.map(({ device }) => device).join(', ')} cannot be detached: it is in use`)
}

/** What is swapped on: the mapping, unless there is none, or the loop device itself is on. */
function areaOf({ device, mapping }: SwapLoop, areas?: Set<string>): string {
  return mapping && !areas?.has(basename(device)) ? mappingDevice(device) : device
}
