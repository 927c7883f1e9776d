import { constants } from 'node:fs'
import { access, type FileHandle, open, readdir, readFile, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { worldWideName } from '../../../model/identity.js'
import { isPartitionOf, noSuchDevice, notABlockDevice, unknownToKernel } from './messages.js'

/** A device node, resolved through its numbers, because a name may lead to another disk later. */
export interface BlockDevice {
  path: string
  /** `major:minor`. */
  numbers: string
  /** The kernel's directory of the device, as in /sys/devices/…/nvme0n1. */
  sysfs: string
}

/** The block device behind a path, or the reason why it is not a whole block device. */
export async function resolveDevice(path: string): Promise<BlockDevice | { reason: string; isMissing?: true }> {
  let status
  try {
    status = await stat(path)
  } catch (error) {
    if (isMissing(error)) return { reason: noSuchDevice(path), isMissing: true }
    return { reason: `${path}: ${(error as Error).message}` }
  }
  if (!status.isBlockDevice()) return { reason: notABlockDevice(path) }
  const numbers = `${(status.rdev >> 8) & 0xfff}:${(status.rdev & 0xff) | ((status.rdev >> 12) & 0xfff00)}`
  let sysfs
  try {
    sysfs = await realpath(`/sys/dev/block/${numbers}`)
  } catch {
    return { reason: unknownToKernel(path, numbers) }
  }
  if (await exists(join(sysfs, 'partition'))) return { reason: isPartitionOf(path, basename(dirname(sysfs))) }
  return { path, numbers, sysfs }
}

/** The first that exists of `wwn:…`, `serial:…` and `loop:<backing file>`; empty when there is none. */
export async function identityOf({ sysfs }: BlockDevice): Promise<string> {
  for (const [file, kind] of [
    ['wwid', 'wwn'],
    ['device/wwid', 'wwn'],
    ['device/serial', 'serial'],
    ['serial', 'serial'],
    ['loop/backing_file', 'loop'],
  ] as const) {
    const value = (await readOptional(join(sysfs, file)))?.trim()
    if (value) return `${kind}:${value}`.slice(0, 512)
  }
  return ''
}

/**
 * A name that no other disk has: the identity, but a serial number only together with the model, because each maker
 * counts separately and some adapters give every disk the same number. Empty when there is none.
 */
export async function uniqueNameOf(device: BlockDevice, identity: string): Promise<string> {
  if (identity.startsWith('loop:')) return identity
  if (!identity.startsWith('serial:')) return worldWideName(identity) ?? ''
  const model = (await readOptional(join(device.sysfs, 'device/model')))?.trim()
  return model ? `${identity} of ${model}` : ''
}

/** The size in bytes. Source: sysfs, which counts sectors of 512 bytes. */
export async function sizeOf({ sysfs }: BlockDevice): Promise<number> {
  return Number(await readFile(join(sysfs, 'size'), 'utf8')) * 512
}

/**
 * Other text than before if the kernel has written or discarded anything on it since, or has attached or resized a disk.
 * Undefined where that cannot be known. It counts what has reached the driver: not what other hosts write to a shared disk,
 * nor what is sent past the block layer (`nvme format`). Source: the kernel's ABI/stable/sysfs-block, `stat` and `diskseq`.
 */
export async function writesSeen({ sysfs }: BlockDevice): Promise<string | undefined> {
  const files = ['diskseq', 'size', 'stat'].map((name) => readOptional(join(sysfs, name)))
  const [sequence, size, stat] = await Promise.all(files)
  const counts = stat?.trim().split(/\s+/) ?? []
  // Reads and writes have four counts each, then come three of the queue, then four of discards.
  if (sequence === undefined || size === undefined || counts.length < 15) return undefined
  return [sequence.trim(), size.trim(), ...counts.slice(4, 7), ...counts.slice(11, 14)].join(' ')
}

/** Names of its partitions, which the kernel names after the disk. */
export async function partitionsOf({ sysfs }: BlockDevice): Promise<string[]> {
  const found = []
  for (const name of await readdir(sysfs)) {
    if (name.startsWith(basename(sysfs)) && (await exists(join(sysfs, name, 'partition')))) found.push(name)
  }
  return found
}

/**
 * Opens the device exclusively: the kernel refuses (EBUSY) while it is mounted, held or opened exclusively in any
 * namespace. The caller closes it.
 */
export async function openExclusively(path: string, write: boolean): Promise<FileHandle> {
  return open(path, constants.O_EXCL | (write ? constants.O_RDWR : constants.O_RDONLY))
}

/** Throws when that is unknown, so that a partition is never taken for a whole disk. */
async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

/** The error says that there is no such file or device. */
export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}

function readOptional(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined)
}
