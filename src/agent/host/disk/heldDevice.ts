import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { ThoroughWipe } from '../../../model/documents/wipe.js'
import { type DeviceContent, Refusal } from '../../port.js'
import { describeContent } from '../../plan/device.js'
import { type BlockDevice, identityOf, openExclusively, resolveDevice, sizeOf } from './blockDevice.js'
import { contentOfHandle } from './deviceContent.js'
import type { Run } from '../exec/run.js'

export interface WantedDevice {
  device: string
  identity: string
  sizeBytes: number
  wipe?: ThoroughWipe | undefined
}

/** Of the disk that is held open. `claimed` does it while nobody else has the disk; both look at what it holds before. */
export interface Held {
  disk: BlockDevice
  /** False when it is blank already. Throws Refusal when it holds what may not be wiped. */
  stillHolds(): Promise<boolean>
  /**
   * Runs `act` while nobody else has the disk, and says true; false, without `act`, when it is blank already. Throws
   * Refusal when it holds what may not be wiped, EBUSY when somebody has it.
   */
  claimed(act: (claim: FileHandle) => Promise<void>): Promise<boolean>
}

/** Whether a device that holds this may be wiped; not asked of a blank one. */
export type MayWipe = (content: DeviceContent) => boolean

/**
 * blkdiscard claims the disk itself, so our claim ends before each of its runs: one may outlive the agent, and as long as it
 * runs nobody else may have the disk.
 */
export async function withHeldDevice<T>(
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
