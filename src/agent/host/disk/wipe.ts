import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { ThoroughWipe } from '../../../model/documents/wipe.js'
import { type DeviceContent, Refusal } from '../../port.js'
import { describeContent } from '../../plan/device.js'
import { type BlockDevice, identityOf, openExclusively, resolveDevice, sizeOf } from './blockDevice.js'
import { contentOfHandle } from './deviceContent.js'
import { endBytes, isZeroAt, startBytes, zeroes } from './deviceBytes.js'
import type { Erase, Erasing, LongWipes } from './longWipes.js'
import type { Run } from '../exec/run.js'
import { sanitize } from './sanitize.js'

/*
 * How a device is given back. The ends come last, whatever is done between them, and the superblock's one sector comes last of
 * all: until then the device says whose it was, and a wipe that was cut short is done again.
 *
 *   discard    what lies between the ends is discarded where the device can, and left where it cannot
 *   zero       what lies between the ends is overwritten with zeros, piece by piece
 *   sanitize   the drive itself erases all that it ever held (NVMe Sanitize); its ends are zeroed then
 *
 * A drive that is told to sanitize goes on when the agent dies. It answers no read until it is done, and then holds zeros, so
 * that it is blank, or what is neither, so that it is foreign: nothing is given away that is not sanitized.
 */
const sectorBytes = 512
const discardMs = 900_000
/** One piece of zeros: small enough for an agent that is to stop, and for a progress that moves. */
export const pieceBytes = 256 * 1024 ** 2
const pieceMs = 600_000
const sampleBytes = 64 * 1024

export interface WantedDevice {
  device: string
  identity: string
  sizeBytes: number
  wipe?: ThoroughWipe | undefined
}

export interface WipeMeans {
  run: Run
  longWipes: LongWipes
}

type MayWipe = (content: DeviceContent) => boolean

/** Of the disk that is held open. `claimed` does it while nobody else has the disk; both look at what it holds before. */
interface Held {
  disk: BlockDevice
  /** False when it is blank already. */
  stillHolds(): Promise<boolean>
  claimed(act: (claim: FileHandle) => Promise<void>): Promise<boolean>
}

/** True when the device is blank; false when a wipe that takes long was begun, or is under way. `name` stands for it. */
export async function wipe(
  device: BlockDevice,
  wanted: WantedDevice,
  name: string,
  { run, longWipes }: WipeMeans,
  mayWipe: MayWipe,
): Promise<boolean> {
  const { wipe: kind } = wanted
  if (kind !== undefined) {
    const begun: Erase = (erasing) =>
      holding(device, wanted, run, mayWipe, (held) => erase[kind](held, wanted, run, erasing))
    if (!longWipes.isErasedOrBegins(name, wanted.sizeBytes, begun)) return false
  }
  await holding(device, wanted, run, mayWipe, async ({ disk, stillHolds, claimed }) => {
    if (!(await stillHolds())) return
    if (kind === undefined) await discard(disk, wanted.sizeBytes, run)
    await claimed((claim) => zeroEnds(claim, wanted))
  })
  longWipes.forget(name)
  return true
}

type EraseHeld = (held: Held, wanted: WantedDevice, run: Run, erasing: Erasing) => ReturnType<Erase>

const erase: Record<ThoroughWipe, EraseHeld> = {
  zero: overwrite,
  // What such a drive reads as then is its maker's choice: the ends are zeroed under the same claim.
  sanitize: async ({ disk, claimed }, wanted, run, { progress, insistOnTime }) => {
    await claimed(async (claim) => {
      await sanitize(disk, wanted.device, run, (share) => {
        progress(Math.floor(share * wanted.sizeBytes))
        insistOnTime()
      })
      await zeroEnds(claim, wanted)
    })
    return 'blank'
  },
}

/**
 * blkdiscard claims the disk itself, so our claim ends before each of its runs: one may outlive the agent, and as long as it
 * runs nobody else may have the disk.
 */
async function holding<T>(
  device: BlockDevice,
  wanted: WantedDevice,
  run: Run,
  mayWipe: MayWipe,
  act: (held: Held) => Promise<T>,
): Promise<T> {
  const pin = await open(device.path, constants.O_RDONLY)
  try {
    const disk = { ...device, path: await pinnedPath(pin, device, wanted) }
    const claimed: Held['claimed'] = async (act) => {
      const claim = await openExclusively(disk.path, true)
      try {
        const content = await contentOfHandle(claim, disk, wanted.sizeBytes, run, true)
        if (content.kind === 'blank') return false
        if (!mayWipe(content)) throw new Refusal(`device ${wanted.device} holds ${describeContent(content)}`)
        await act(claim)
        return true
      } finally {
        await claim.close()
      }
    }
    return await act({ disk, claimed, stillHolds: () => claimed(() => Promise.resolve()) })
  } finally {
    await pin.close()
  }
}

export async function zeroEnds(claim: FileHandle, { device, sizeBytes }: WantedDevice): Promise<void> {
  const ranges = wipeRanges(sizeBytes)
  for (const { position, length } of ranges) {
    await claim.write(zeroes, 0, length, position)
    await claim.sync()
  }
  for (const { position, length } of ranges) {
    if (!(await isZeroAt(claim, position, length))) throw keepsNothing(device)
  }
}

/**
 * What a wipe zeroes, in order, each synced before the next: the end, then the start but for its first sector, then that
 * sector, which is the superblock. A write of one sector is done or not; a longer one may be cut short half-way.
 */
export function wipeRanges(sizeBytes: number): { position: number; length: number }[] {
  const start = Math.min(startBytes, sizeBytes)
  return [
    { position: Math.max(sectorBytes, sizeBytes - endBytes), length: Math.min(endBytes, sizeBytes - sectorBytes) },
    { position: sectorBytes, length: start - sectorBytes },
    { position: 0, length: sectorBytes },
  ]
}

/** Between the ends, which tell what the device holds until they are zeroed; a device that cannot is no error. */
async function discard(device: BlockDevice, sizeBytes: number, run: Run): Promise<void> {
  const between = sizeBytes - startBytes - endBytes
  if (between <= 0) return
  const { code, stderr } = await run(['blkdiscard', ...rangeOf(startBytes, between), device.path], {
    timeoutMs: discardMs,
  })
  if (code !== 0 && !/not supported|Operation not permitted/i.test(stderr))
    throw new Error(`blkdiscard of ${device.path} failed: ${stderr.trim()}`)
}

/** Between the ends. What the device holds is looked at before each piece; samples of each are read back. */
async function overwrite(
  { disk, stillHolds }: Held,
  { device, sizeBytes }: WantedDevice,
  run: Run,
  { doneBytes, progress, insistOnTime }: Erasing,
): Promise<'all but the ends'> {
  const end = sizeBytes - endBytes
  for (let position = Math.max(startBytes, doneBytes); position < end;) {
    insistOnTime()
    // Blank: somebody has zeroed its ends, and it is nobody's now.
    if (!(await stillHolds())) throw new Refusal(`device ${device} came to be blank while it was overwritten`)
    const length = Math.min(pieceBytes, end - position)
    const argv = ['blkdiscard', '--zeroout', ...rangeOf(position, length), disk.path] as const
    const { code, stderr } = await run(argv, { timeoutMs: pieceMs })
    if (code !== 0) throw new Error(`device ${device} cannot be overwritten with zeros: ${stderr.trim()}`)
    await insistOnZeroes(disk, device, position, length)
    position += length
    progress(position)
  }
  return 'all but the ends'
}

function rangeOf(position: number, length: number): string[] {
  return ['--offset', String(position), '--length', String(length)]
}

/** Samples: that the kernel or the device says so is not that it is so. */
async function insistOnZeroes(disk: BlockDevice, device: string, position: number, length: number): Promise<void> {
  const handle = await open(disk.path, constants.O_RDONLY)
  try {
    const sample = Math.min(sampleBytes, length)
    for (const from of [position, position + length - sample])
      if (!(await isZeroAt(handle, from, sample))) throw keepsNothing(device)
  } finally {
    await handle.close()
  }
}

function keepsNothing(device: string): Refusal {
  return new Refusal(`device ${device} does not keep what is written to it`)
}

/**
 * A path to the very disk that is open, which the kernel keeps as long as it is: a name, and even its number, may be
 * another disk's by now. That it is the recorded one is asked again, of what is open.
 */
export async function pinnedPath(handle: FileHandle, device: BlockDevice, wanted: WantedDevice): Promise<string> {
  const path = `/proc/${process.pid}/fd/${handle.fd}`
  const held = await resolveDevice(path)
  const isTheSame =
    !('reason' in held) &&
    held.numbers === device.numbers &&
    (await identityOf(held)) === wanted.identity &&
    (await sizeOf(held)) === wanted.sizeBytes
  if (!isTheSame) throw new Refusal(`device ${wanted.device} is another disk now`)
  return path
}
