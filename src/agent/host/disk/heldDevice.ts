import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { ThoroughWipe } from '../../../model/documents/wipe.js'
import { type DeviceContent, Refusal } from '../../port/host.js'
import { describeContent } from '../../plan/device.js'
import { deviceHolds, isAnotherDisk } from '../../plan/messages.js'
import { type BlockDevice, identityOf, openExclusively, resolveDevice, sizeOf } from './blockDevice.js'
import { contentOfHandle } from './deviceContent.js'
import type { Run } from '../exec/run.js'

export interface WantedDevice {
  device: string
  identity: string
  sizeBytes: number
  wipe?: ThoroughWipe | undefined
}

/** A disk that is held open. Both functions first check what it holds. */
export interface Held {
  disk: BlockDevice
  /** False when the disk is blank already. Throws Refusal when it holds data that may not be wiped. */
  stillHolds(): Promise<boolean>
  /**
   * Runs `act` with the disk opened exclusively, and returns true; returns false, without `act`, when the disk is blank
   * already. Throws Refusal when it holds data that may not be wiped, EBUSY when somebody else uses it.
   */
  claimed(act: (claim: FileHandle) => Promise<void>): Promise<boolean>
}

/** Whether a device with this content may be wiped; not called for a blank device. */
export type MayWipe = (content: DeviceContent) => boolean

/**
 * Holds the disk open while `act` runs. blkdiscard opens it exclusively itself, so our claim ends before each run: a
 * run may outlive the agent, and keeps the disk from others until it ends.
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
        if (!mayWipe(content)) throw new Refusal(deviceHolds(wanted.device, describeContent(content)))
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
 * A path to the disk that is open, which stays valid while it is open: the name, and even the number, may belong to
 * another disk by now. Checks again that the open disk has the recorded identity and size.
 */
export async function pinnedPath(handle: FileHandle, device: BlockDevice, wanted: WantedDevice): Promise<string> {
  const path = `/proc/${process.pid}/fd/${handle.fd}`
  const held = await resolveDevice(path)
  const isTheSame =
    !('reason' in held) &&
    held.numbers === device.numbers &&
    (await identityOf(held)) === wanted.identity &&
    (await sizeOf(held)) === wanted.sizeBytes
  if (!isTheSame) throw new Refusal(isAnotherDisk(wanted.device))
  return path
}
