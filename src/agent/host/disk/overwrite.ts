import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { Refusal } from '../../port/host.js'
import type { BlockDevice } from './blockDevice.js'
import { endBytes, isZeroAt, startBytes } from './deviceBytes.js'
import type { Erasing } from './longWipes.js'
import { becameBlank, cannotBeOverwritten } from './messages.js'
import type { Run } from '../exec/run.js'
import type { WantedDevice, Held } from './heldDevice.js'
import { rangeOf } from './discard.js'
import { refusalOfLostWrites } from './zeroEnds.js'

/** One piece of zeros: small enough for the agent to stop soon, and for progress to be seen. */
export const pieceBytes = 256 * 1024 ** 2
const pieceMs = 600_000
const sampleBytes = 64 * 1024

/**
 * Overwrites the bytes between the ends. Checks what the device holds before each piece, and reads samples of each
 * back.
 */
export async function overwrite(
  { disk, stillHolds }: Held,
  { device, sizeBytes }: WantedDevice,
  run: Run,
  { doneBytes, progress, requireTimeLeft }: Erasing,
): Promise<'all but the ends'> {
  const end = sizeBytes - endBytes
  for (let position = Math.max(startBytes, doneBytes); position < end;) {
    requireTimeLeft()
    // Blank: somebody has zeroed its ends, and it carries no stamp any more.
    if (!(await stillHolds())) throw new Refusal(becameBlank(device))
    const length = Math.min(pieceBytes, end - position)
    const argv = ['blkdiscard', '--zeroout', ...rangeOf(position, length), disk.path] as const
    const { code, stderr } = await run(argv, { timeoutMs: pieceMs })
    if (code !== 0) throw new Error(cannotBeOverwritten(device, stderr.trim()))
    await requireZeroes(disk, device, position, length)
    position += length
    progress(position)
  }
  return 'all but the ends'
}

/** Reads samples back, because a device may report a write as done and lose it. */
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
