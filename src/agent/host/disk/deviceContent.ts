import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { DeviceContent } from '../../port/host.js'
import { type Run, runOk } from '../exec/run.js'
import { readSuperblock } from './xfs.js'
import { startBytes, endBytes, readAt, isZeroAt } from './deviceBytes.js'
import type { BlockDevice } from './blockDevice.js'

const superblockBytes = 4096

/** What the device holds, read from the device. `deep` also asks blkid when both ends are zero: before formatting. */
export async function contentOf(
  device: BlockDevice,
  sizeBytes: number,
  run: Run,
  deep = false,
): Promise<DeviceContent> {
  let handle: FileHandle
  try {
    handle = await open(device.path, constants.O_RDONLY)
  } catch (error) {
    return { kind: 'unreadable', reason: (error as Error).message }
  }
  try {
    return await contentOfHandle(handle, device, sizeBytes, run, deep)
  } catch (error) {
    return { kind: 'unreadable', reason: (error as Error).message }
  } finally {
    await handle.close()
  }
}

/** The same for a device that is open, so that the inspected device is the one that is written to. */
export async function contentOfHandle(
  handle: FileHandle,
  device: BlockDevice,
  sizeBytes: number,
  run: Run,
  deep: boolean,
): Promise<DeviceContent> {
  if (sizeBytes === 0) return { kind: 'unreadable', reason: 'its size is 0 bytes' }
  const superblock = readSuperblock(await readAt(handle, 0, Math.min(superblockBytes, sizeBytes)))
  if (superblock) return { kind: 'xfs', ...superblock }
  const end = Math.min(endBytes, sizeBytes)
  const zero =
    (await isZeroAt(handle, 0, Math.min(startBytes, sizeBytes))) && (await isZeroAt(handle, sizeBytes - end, end))
  if (zero && !deep) return { kind: 'blank' }
  const found = await probe(device.path, run)
  if (found !== undefined) return { kind: 'other', what: found }
  return zero ? { kind: 'blank' } : { kind: 'other', what: 'data without a signature' }
}

/** What blkid's low-level probe finds, in words; undefined for nothing (exit code 2, which alone proves nothing). */
async function probe(path: string, run: Run): Promise<string | undefined> {
  const argv = ['blkid', '-p', '-o', 'export', '--', path] as const
  const { code, stdout } = await runOk(run, argv, { timeoutMs: 30_000 }, [0, 2, 8])
  if (code === 8) return 'several signatures at once'
  return code === 0 ? describeBlkid(stdout) : undefined
}

/**
 * Turns blkid's export format into words, with the UUID, because an adoption must tell two file systems of a kind
 * apart.
 */
export function describeBlkid(text: string): string {
  const values = new Map(
    text.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
  const type = values.get('TYPE')
  const table = values.get('PTTYPE')
  const uuid = values.get('UUID_SUB') ?? values.get('UUID') ?? values.get('PTUUID')
  const which = uuid === undefined ? '' : ` ${uuid}`
  if (type === 'LVM2_member') return `an LVM physical volume${which}`
  if (type) return values.get('USAGE') === 'raid' ? `a RAID member (${type})${which}` : `a signature of ${type}${which}`
  return table ? `a partition table (${table})${which}` : 'a signature that blkid knows'
}
