import type { ThoroughWipe } from '../../../model/documents/wipe.js'
import type { BlockDevice } from './blockDevice.js'
import type { Erase, Erasing, LongWipes } from './longWipes.js'
import type { Run } from '../exec/run.js'
import { sanitize } from './sanitize.js'
import { type WantedDevice, type MayWipe, type Held, withHeldDevice } from './heldDevice.js'
import { zeroEnds } from './zeroEnds.js'
import { discard } from './discard.js'
import { overwrite } from './overwrite.js'

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

export interface WipeDependencies {
  run: Run
  longWipes: LongWipes
}

/** True when the device is blank; false when a wipe that takes long was begun, or is under way. `name` stands for it. */
export async function wipe(
  device: BlockDevice,
  wanted: WantedDevice,
  name: string,
  { run, longWipes }: WipeDependencies,
  mayWipe: MayWipe,
): Promise<boolean> {
  const { wipe: kind } = wanted
  if (kind !== undefined) {
    const begun: Erase = (erasing) =>
      withHeldDevice(device, wanted, run, mayWipe, (held) => erase[kind](held, wanted, run, erasing))
    if (!longWipes.isErasedOrBegins(name, wanted.sizeBytes, begun)) return false
  }
  await withHeldDevice(device, wanted, run, mayWipe, async ({ disk, stillHolds, claimed }) => {
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
  sanitize: async ({ disk, claimed }, wanted, run, { progress, requireTimeLeft }) => {
    await claimed(async (claim) => {
      await sanitize(disk, wanted.device, run, (share) => {
        progress(Math.floor(share * wanted.sizeBytes))
        requireTimeLeft()
      })
      await zeroEnds(claim, wanted)
    })
    return 'blank'
  },
}
