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
 * How a device is wiped. The ends are zeroed last, and the sector of the superblock last of all: until then the device
 * shows whose it was, and a wipe that was cut short is done again.
 *
 *   discard    discards the bytes between the ends if the device can, and otherwise leaves them
 *   zero       overwrites the bytes between the ends with zeros, piece by piece
 *   sanitize   lets the drive erase everything that it ever held (NVMe Sanitize), then zeroes the ends
 *
 * A drive that is sanitizing continues when the agent dies. It answers no read until it is done. Then it holds zeros,
 * and is blank, or something else, and is foreign: no device is given away that is not sanitized.
 */

export interface WipeDependencies {
  run: Run
  longWipes: LongWipes
}

/**
 * True when the device is blank; false when a long wipe was begun or is under way. `name`: the name of the long wipe.
 */
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
  // What a sanitized drive reads as is its maker's choice: zero the ends under the same claim.
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
