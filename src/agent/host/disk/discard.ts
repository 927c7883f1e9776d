import type { BlockDevice } from './blockDevice.js'
import { endBytes, startBytes } from './deviceBytes.js'
import type { Run } from '../exec/run.js'

const discardMs = 900_000

/** Between the ends, which tell what the device holds until they are zeroed; a device that cannot is no error. */
export async function discard(device: BlockDevice, sizeBytes: number, run: Run): Promise<void> {
  const between = sizeBytes - startBytes - endBytes
  if (between <= 0) return
  const { code, stderr } = await run(['blkdiscard', ...rangeOf(startBytes, between), device.path], {
    timeoutMs: discardMs,
  })
  if (code !== 0 && !/not supported|Operation not permitted/i.test(stderr))
    throw new Error(`blkdiscard of ${device.path} failed: ${stderr.trim()}`)
}

/** Arguments of blkdiscard for that range, in bytes. */
export function rangeOf(position: number, length: number): string[] {
  return ['--offset', String(position), '--length', String(length)]
}
