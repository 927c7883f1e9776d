import type { FileHandle } from 'node:fs/promises'
import { Refusal } from '../../port/host.js'
import { endBytes, isZeroAt, startBytes, zeroes } from './deviceBytes.js'
import type { WantedDevice } from './heldDevice.js'
import { losesWrites } from './messages.js'

const sectorBytes = 512

/**
 * Zeroes both ends of a disk that the caller has claimed, and reads them back. Throws Refusal when they are not zero
 * then. May be repeated.
 */
export async function zeroEnds(claim: FileHandle, { device, sizeBytes }: WantedDevice): Promise<void> {
  const ranges = wipeRanges(sizeBytes)
  for (const { position, length } of ranges) {
    await claim.write(zeroes, 0, length, position)
    await claim.sync()
  }
  for (const { position, length } of ranges) {
    if (!(await isZeroAt(claim, position, length))) throw refusalOfLostWrites(device)
  }
}

/**
 * The ranges that a wipe zeroes, in order, each synced before the next: the end, then the start without its first
 * sector, then that sector, which is the superblock. A write of one sector is atomic; a longer one may be cut short.
 */
export function wipeRanges(sizeBytes: number): { position: number; length: number }[] {
  const start = Math.min(startBytes, sizeBytes)
  return [
    { position: Math.max(sectorBytes, sizeBytes - endBytes), length: Math.min(endBytes, sizeBytes - sectorBytes) },
    { position: sectorBytes, length: start - sectorBytes },
    { position: 0, length: sectorBytes },
  ]
}

/** The Refusal for a disk that loses writes. */
export function refusalOfLostWrites(device: string): Refusal {
  return new Refusal(losesWrites(device))
}
