import { mkdir, rmdir } from 'node:fs/promises'
import { transferRoot } from '../../../model/cluster.js'
import type { DesiredTransfer } from '../../../model/documents/transfer.js'
import { closeBrickRoot } from '../disk/brickMount.js'
import { answers } from '../client/bufferMount.js'
import { mountedAt, mountTable } from '../exec/mounts.js'
import { makePassable } from '../exec/passable.js'
import { type Run, runOk } from '../exec/run.js'
import { volumeNotMounted } from './messages.js'
import { transferPathsOf } from './paths.js'

const commandMs = 30_000

/** Whether the transfer's volume is mounted here. dead: its client process has ended or does not answer. */
export async function mountState(transfer: DesiredTransfer, run: Run): Promise<'absent' | 'alive' | 'dead'> {
  const { mount } = transferPathsOf(transfer)
  const found = mountedAt(await mountTable(), mount)
  if (!found) return 'absent'
  return (await answers(mount, run)) ? 'alive' : 'dead'
}

/** Mounts the transfer's volume at a directory that exists; throws when it cannot. */
export type MountAt = (transfer: DesiredTransfer, path: string) => Promise<unknown>

/**
 * Mounts the buffer for this transfer only, after unmounting what is mounted there. Throws Error when the buffer is
 * not mounted afterwards or does not answer. May be repeated.
 */
export async function mountVolume(transfer: DesiredTransfer, run: Run, mountAt: MountAt): Promise<void> {
  const { mount } = transferPathsOf(transfer)
  await unmountVolume(transfer, run)
  await closeBrickRoot()
  // Users may pass through it, but not list it: only its owner may enter the mount below.
  await makePassable(transferRoot, '711', run)
  await mkdir(mount, { recursive: true, mode: 0o700 })
  await mountAt(transfer, mount)
  if ((await mountState(transfer, run)) !== 'alive') {
    throw new Error(volumeNotMounted(transfer.volume, mount))
  }
}

/** Unmounts, not lazily: throws CommandError while the mount is in use. May be repeated. */
export async function unmountVolume(transfer: DesiredTransfer, run: Run): Promise<void> {
  const { mount } = transferPathsOf(transfer)
  if (mountedAt(await mountTable(), mount)) await runOk(run, ['umount', '--', mount], { timeoutMs: commandMs })
  await rmdir(mount).catch(() => {})
}
