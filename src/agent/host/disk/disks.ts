import { constants } from 'node:fs'
import { access, type FileHandle, open, readdir, readFile, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { worldWideName } from '../../../model/identity.js'
import type { DeviceContent, DeviceFacts } from '../../port.js'
import { mountedAt, type MountEntry, mountsEverywhere, mountTable } from '../exec/mounts.js'
import { type Run, runOk } from '../exec/run.js'
import { readSuperblock } from './xfs.js'

/**
 * Bytes at the start and at the end of a device that must be zero for it to be blank. All signatures that blkid knows lie
 * within; and the superblock of a first partition, which stands at 1 MiB mostly, when the partition table is lost.
 */
export const startBytes = 4 * 1024 * 1024
export const endBytes = 1024 * 1024
const superblockBytes = 4096
const partBytes = 128 * 1024

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

/** Who uses it, in words: holders (LVM, RAID, device-mapper), and mounts in any namespace but those at `ownMount`. */
export async function usersOf(
  device: BlockDevice,
  everywhere: Map<string, Set<string>>,
  ownMount?: string,
): Promise<string[]> {
  const mounts = [...(everywhere.get(device.numbers) ?? [])].filter((path) => path !== ownMount)
  return [...(await holdersOf(device)), ...mounts.map((path) => `mounted at ${path}`)]
}

/** Only a list that is not there says that nobody holds it; one that cannot be read keeps the device out of use. */
async function holdersOf({ sysfs }: BlockDevice): Promise<string[]> {
  try {
    return (await readdir(join(sysfs, 'holders'))).map((holder) => `held by ${holder}`)
  } catch (error) {
    return isMissing(error) ? [] : [`held by what cannot be listed (${(error as Error).message})`]
  }
}

/** What the device holds, read from itself. `deep` asks blkid too when both ends are zero: for the moment of formatting. */
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

export async function contentOfHandle(
  handle: FileHandle,
  device: BlockDevice,
  sizeBytes: number,
  run: Run,
  deep: boolean,
): Promise<DeviceContent> {
  if (sizeBytes === 0) return { kind: 'unreadable', reason: 'the device has no size' }
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

/** Opens it exclusively: the kernel refuses while it is mounted, held or so opened by anybody, in any namespace. */
export async function openExclusively(path: string, write: boolean): Promise<FileHandle> {
  return open(path, constants.O_EXCL | (write ? constants.O_RDWR : constants.O_RDONLY))
}

/**
 * The facts of one configured device. Without `exclusive` a user that shows nowhere (a lazy unmount) is not noticed.
 * `everywhere` and `table`: the mounts, for a look at many devices; read now when absent.
 */
export async function deviceFacts(
  path: string,
  run: Run,
  options: {
    ownMount?: string
    exclusive: boolean
    everywhere?: Map<string, Set<string>>
    table?: readonly MountEntry[]
  },
): Promise<DeviceFacts> {
  const device = await resolveDevice(path)
  if ('reason' in device) return { present: false, reason: device.reason }
  const sizeBytes = await sizeOf(device)
  const everywhere = options.everywhere ?? (await mountsEverywhere())
  // A mount at that path which only another namespace has, a container's for one, is not ours to take off.
  const table = options.table ?? (await mountTable())
  const mountedByUs = options.ownMount !== undefined && mountedAt(table, options.ownMount)?.device === device.numbers
  const busy = await usersOf(device, everywhere, mountedByUs ? options.ownMount : undefined)
  if (options.exclusive && busy.length === 0 && !mountedByUs) {
    try {
      await (await openExclusively(path, false)).close()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') {
        return { present: false, reason: (error as Error).message }
      }
      busy.push('opened exclusively or mounted out of sight')
    }
  }
  return {
    present: true,
    identity: await identityOf(device),
    sizeBytes,
    content: await contentOf(device, sizeBytes, run),
    partitions: await partitionsOf(device),
    busy,
  }
}

export async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length)
  await readInto(buffer, handle, position)
  return buffer
}

async function readInto(buffer: Buffer, handle: FileHandle, position: number): Promise<void> {
  let done = 0
  while (done < buffer.length) {
    const { bytesRead } = await handle.read(buffer, done, buffer.length - done, position + done)
    if (bytesRead === 0) throw new Error(`the device ends at byte ${position + done}`)
    done += bytesRead
  }
}

/** In parts, in one buffer, so that looking at many disks takes little memory and leaves little to collect. */
export async function isZeroAt(handle: FileHandle, position: number, length: number): Promise<boolean> {
  const buffer = Buffer.allocUnsafe(Math.min(partBytes, length))
  for (let done = 0; done < length; done += buffer.length) {
    const part = buffer.subarray(0, Math.min(buffer.length, length - done))
    await readInto(part, handle, position + done)
    if (!part.equals(zeroes.subarray(0, part.length))) return false
  }
  return true
}

export const zeroes = Buffer.alloc(startBytes)

/** What blkid's low-level probe finds, in words; undefined when nothing (its exit code 2, which alone proves nothing). */
async function probe(path: string, run: Run): Promise<string | undefined> {
  const argv = ['blkid', '-p', '-o', 'export', '--', path] as const
  const { code, stdout } = await runOk(run, argv, { timeoutMs: 30_000 }, [0, 2, 8])
  if (code === 8) return 'several signatures at once'
  return code === 0 ? describeBlkid(stdout) : undefined
}

/** Turns blkid's export format into words, with the UUID: two file systems of a kind are not the same to who adopts one. */
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

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}

function readOptional(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined)
}
