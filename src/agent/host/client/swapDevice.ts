import { basename } from 'node:path'
import type { DesiredSwap } from '../../../model/documents/swap.js'
import { Refusal } from '../../port/host.js'
import {
  encryptionInUse,
  encryptionMissing,
  encryptionOpen,
  loopsInUse,
  noSwapFile,
  notEncrypted,
  swapIsOn,
  swapoffFailed,
  swapRefused,
} from './messages.js'
import { closeMapping, mappingDevice, mappingOn, openMapping } from './mappings.js'
import { runOk } from '../exec/run.js'
import { commandMs, type SwapHost, sysOf } from './swapHost.js'
import { type SwapLoop, swapAreas, ownLoops, attachedLoop, isSwappedOn } from './swapLoops.js'
import { filesIn } from './swapFiles.js'

/*
 * Swap on a buffer: a file of root's in a directory of root's; on it a loop device, because the kernel does not swap on
 * a file of a FUSE file system; and on that a mapping that encrypts it, unless the host's settings allow swap in plain
 * text. Nothing is remembered: the mount table, the files, /sys/block and /proc/swaps show what is done. Only child
 * processes touch the buffer, because it may hang.
 *
 * INVARIANTS: files are created only in the mount that is named; only loop devices whose backing file is one of ours on
 * it are touched (`isOurName`).
 */

/** swapoff reads swapped memory back. When it is killed after so long, the next swapoff continues. */
const swapoffMs = 120_000

/**
 * Gives the file a loop device, with direct I/O, so that swapped pages do not pass through the page cache again. A file
 * that is attached keeps its device. Throws Error when there is no complete file.
 */
export async function attachSwap(swap: DesiredSwap, host: SwapHost): Promise<void> {
  const { run } = host
  const file = (await filesIn(swap, host)).find(({ isWhole }) => isWhole)
  if (!file) throw new Error(noSwapFile(swap.path))
  const options = ['--find', '--nooverlap', '--direct-io=on'] as const
  await runOk(run, ['losetup', ...options, '--', file.path], { timeoutMs: commandMs })
}

/**
 * Encrypts swap with a new key that is stored nowhere. Does nothing if it is encrypted or on. Throws Refusal when the
 * kernel refuses.
 */
export async function encryptSwap(swap: DesiredSwap, host: SwapHost): Promise<void> {
  const { device, isOn, mapping } = await attachedLoop(swap, host)
  if (isOn || mapping?.isWhole) return
  await openMapping(device, host.run)
  if (!(await mappingOn(device, sysOf(host)))?.isWhole) throw new Error(encryptionMissing(device))
}

/**
 * Runs mkswap, and swapon with the document's priority; does nothing when swap is on. Throws Refusal when the kernel
 * refuses swapon, because a retry does not help; Error when swap should be encrypted and is not.
 */
export async function enableSwap(swap: DesiredSwap, host: SwapHost): Promise<void> {
  const loop = await attachedLoop(swap, host)
  if (loop.isOn) return
  if (!host.plaintext && !loop.mapping?.isWhole) throw new Error(notEncrypted(loop.device))
  const device = areaOf(loop)
  await runOk(host.run, ['mkswap', '--', device], { timeoutMs: commandMs })
  const argv = ['swapon', '--priority', String(swap.priority), '--', device] as const
  const { code, stderr } = await host.run(argv, { timeoutMs: commandMs })
  if (code !== 0) throw new Refusal(swapRefused(device, stderr.trim()))
}

/**
 * Runs swapoff, which may take minutes. Checks /proc/swaps, not the exit code: a swapoff of an agent that was killed
 * may still be running. Throws Error while swap is on: its contents must fit into memory.
 */
export async function disableSwap(swap: DesiredSwap, host: SwapHost): Promise<void> {
  for (const loop of (await ownLoops(swap, host)).filter(({ isOn }) => isOn)) {
    const device = areaOf(loop, await swapAreas(host))
    const end = await host.run(['swapoff', '--', device], { timeoutMs: swapoffMs }).then(
      ({ stderr }) => stderr.trim(),
      (error: Error) => error.message,
    )
    if (isSwappedOn(loop, loop.mapping, await swapAreas(host))) throw new Error(swapoffFailed(device, end))
  }
}

/**
 * Removes the mapping and with it the key, so that nobody can read what is in the file. Throws Error while swap is on
 * it.
 */
export async function closeSwap(swap: DesiredSwap, host: SwapHost): Promise<void> {
  for (const { device, isOn, mapping } of await ownLoops(swap, host)) {
    if (isOn) throw new Error(swapIsOn(device))
    if (mapping) await closeMapping(device, host.run)
    if (await mappingOn(device, sysOf(host))) throw new Error(encryptionInUse(device))
  }
}

/**
 * Detaches the loop devices of this host's files. Detaching a device that is in use succeeds, but takes effect later,
 * so it is checked afterwards. Throws Error while one is left.
 */
export async function detachSwap(swap: DesiredSwap, host: SwapHost): Promise<void> {
  for (const { device, isOn, mapping } of await ownLoops(swap, host)) {
    if (isOn) throw new Error(swapIsOn(device))
    if (mapping) throw new Error(encryptionOpen(device))
    await runOk(host.run, ['losetup', '--detach', device], { timeoutMs: commandMs })
  }
  const left = await ownLoops(swap, host)
  if (left.length > 0) throw new Error(loopsInUse(left.map(({ device }) => device)))
}

/** The device that swap is on: the mapping if there is one, unless the loop device itself is on. */
function areaOf({ device, mapping }: SwapLoop, areas?: Set<string>): string {
  return mapping && !areas?.has(basename(device)) ? mappingDevice(device) : device
}
