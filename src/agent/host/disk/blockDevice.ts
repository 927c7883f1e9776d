import { constants } from 'node:fs'
import { access, type FileHandle, open, readdir, readFile, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { worldWideName } from '../../../model/identity.js'

/** A device node, resolved through its numbers: names are not to be trusted. */
export interface BlockDevice {
  path: string
  /** `major:minor`. */
  numbers: string
  /** The kernel's directory of it, as in /sys/devices/…/nvme0n1. */
  sysfs: string
}

/** The block device behind a path, or why it is none that may be used whole. */
export async function resolveDevice(path: string): Promise<BlockDevice | { reason: string; isMissing?: true }> {
  let status
  try {
    status = await stat(path)
  } catch (error) {
    if (isMissing(error)) return { reason: `${path}: no such device`, isMissing: true }
    return { reason: `${path}: ${(error as Error).message}` }
  }
  if (!status.isBlockDevice()) return { reason: `${path} is no block device` }
  const numbers = `${(status.rdev >> 8) & 0xfff}:${(status.rdev & 0xff) | ((status.rdev >> 12) & 0xfff00)}`
  let sysfs
  try {
    sysfs = await realpath(`/sys/dev/block/${numbers}`)
  } catch {
    return { reason: `${path}: the kernel has no device ${numbers}` }
  }
  if (await exists(join(sysfs, 'partition'))) return { reason: `${path} is a partition of ${basename(dirname(sysfs))}` }
  return { path, numbers, sysfs }
}

/** `wwn:…`, `serial:…` or `loop:<backing file>`, whichever there is first; empty when there is none. */
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
 * What no other disk has: its identity, but a serial number only beside the model, for makers count each on their own and
 * some adapters give every disk the same. Empty when there is none.
 */
export async function uniqueNameOf(device: BlockDevice, identity: string): Promise<string> {
  if (identity.startsWith('loop:')) return identity
  if (!identity.startsWith('serial:')) return worldWideName(identity) ?? ''
  const model = (await readOptional(join(device.sysfs, 'device/model')))?.trim()
  return model ? `${identity} of ${model}` : ''
}

/** In bytes, as the kernel says. Source: sysfs, which counts sectors of 512 bytes. */
export async function sizeOf({ sysfs }: BlockDevice): Promise<number> {
  return Number(await readFile(join(sysfs, 'size'), 'utf8')) * 512
}

/** Names of its partitions, as the kernel knows them: it names each after its disk. */
export async function partitionsOf({ sysfs }: BlockDevice): Promise<string[]> {
  const found = []
  for (const name of await readdir(sysfs)) {
    if (name.startsWith(basename(sysfs)) && (await exists(join(sysfs, name, 'partition')))) found.push(name)
  }
  return found
}

/**
 * Opens it exclusively: the kernel refuses (EBUSY) while it is mounted, held or so opened by anybody, in any namespace.
 * The caller closes it.
 */
export async function openExclusively(path: string, write: boolean): Promise<FileHandle> {
  return open(path, constants.O_EXCL | (write ? constants.O_RDWR : constants.O_RDONLY))
}

/** Throws when that cannot be told: a partition that cannot be looked at is not a whole disk. */
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
