import type { BlockDevice } from './blockDevice.js'
import { endBytes, startBytes } from './deviceBytes.js'
import { discardFailed } from './messages.js'
import type { Run } from '../exec/run.js'

const discardMs = 900_000

/**
 * Discards the bytes between the ends, which show what the device holds until they are zeroed. Does nothing if the
 * device cannot discard.
 */
export async function discard(device: BlockDevice, sizeBytes: number, run: Run): Promise<void> {
  const between = sizeBytes - startBytes - endBytes
  if (between <= 0) return
  const { code, stderr } = await run(['blkdiscard', ...rangeOf(startBytes, between), device.path], {
    timeoutMs: discardMs,
  })
  if (code !== 0 && !/not supported|Operation not permitted/i.test(stderr))
    throw new Error(discardFailed(device.path, stderr.trim()))
}

/** Arguments of blkdiscard for that range, in bytes. */
export function rangeOf(position: number, length: number): string[] {
  return ['--offset', String(position), '--length', String(length)]
}
