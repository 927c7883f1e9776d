import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { Refusal } from '../../port.js'
import type { BlockDevice } from './blockDevice.js'
import { endBytes, isZeroAt, startBytes } from './deviceBytes.js'
import type { Erasing } from './longWipes.js'
import type { Run } from '../exec/run.js'
import type { WantedDevice, Held } from './heldDevice.js'
import { rangeOf } from './discard.js'
import { refusalOfLostWrites } from './zeroEnds.js'

/** One piece of zeros: small enough for an agent that is to stop, and for a progress that moves. */
export const pieceBytes = 256 * 1024 ** 2
const pieceMs = 600_000
const sampleBytes = 64 * 1024

/** Between the ends. What the device holds is looked at before each piece; samples of each are read back. */
export async function overwrite(
  { disk, stillHolds }: Held,
  { device, sizeBytes }: WantedDevice,
  run: Run,
  { doneBytes, progress, requireTimeLeft }: Erasing,
): Promise<'all but the ends'> {
  const end = sizeBytes - endBytes
  for (let position = Math.max(startBytes, doneBytes); position < end;) {
    requireTimeLeft()
    // Blank: somebody has zeroed its ends, and it is nobody's now.
    if (!(await stillHolds())) throw new Refusal(`device ${device} came to be blank while it was overwritten`)
    const length = Math.min(pieceBytes, end - position)
    const argv = ['blkdiscard', '--zeroout', ...rangeOf(position, length), disk.path] as const
    const { code, stderr } = await run(argv, { timeoutMs: pieceMs })
    if (code !== 0) throw new Error(`device ${device} cannot be overwritten with zeros: ${stderr.trim()}`)
    await requireZeroes(disk, device, position, length)
    position += length
    progress(position)
  }
  return 'all but the ends'
}

/** Samples: that the kernel or the device says so is not that it is so. */
async function requireZeroes(disk: BlockDevice, device: string, position: number, length: number): Promise<void> {
  const handle = await open(disk.path, constants.O_RDONLY)
  try {
    const sample = Math.min(sampleBytes, length)
    for (const from of [position, position + length - sample])
      if (!(await isZeroAt(handle, from, sample))) throw refusalOfLostWrites(device)
  } finally {
    await handle.close()
  }
}
