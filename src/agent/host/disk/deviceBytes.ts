import type { FileHandle } from 'node:fs/promises'

/**
 * Bytes at the start and at the end of a device that must be zero for it to be blank. They contain all signatures that
 * blkid knows, and the superblock of a first partition, mostly at 1 MiB, for a device that has lost its partition
 * table.
 */
export const startBytes = 4 * 1024 * 1024
export const endBytes = 1024 * 1024
const partBytes = 1024 * 1024

export const zeroes = Buffer.alloc(startBytes)

/** Exactly `length` bytes from `position` on. Throws at the end of the device. */
export async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length)
  await readInto(buffer, handle, position)
  return buffer
}

async function readInto(buffer: Buffer, handle: FileHandle, position: number): Promise<void> {
  let done = 0
  while (done < buffer.length) {
    const { bytesRead } = await handle.read(buffer, done, buffer.length - done, position + done)
    if (bytesRead === 0) throw new Error(`unexpected end of the device at byte ${position + done}`)
    done += bytesRead
  }
}

/** Whether these bytes are zero. Reads in parts into one buffer, so that many disks take little memory. */
export async function isZeroAt(handle: FileHandle, position: number, length: number): Promise<boolean> {
  const buffer = Buffer.allocUnsafe(Math.min(partBytes, length))
  for (let done = 0; done < length; done += buffer.length) {
    const part = buffer.subarray(0, Math.min(buffer.length, length - done))
    await readInto(part, handle, position + done)
    if (!part.equals(zeroes.subarray(0, part.length))) return false
  }
  return true
}
