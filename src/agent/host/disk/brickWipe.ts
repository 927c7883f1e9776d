import type { DesiredBrick } from '../../../model/documents/brick.js'
import { mayWipe } from '../../plan/device.js'
import { wipe, type WipeDependencies } from './wipe.js'
import { type PathOf, unusedDevice } from './listedDevice.js'

/**
 * Wipes the device by the kind that its document names. A wipe cut short leaves our uuid until its very last write,
 * which zeroes the superblock's one sector, and is done again. A wipe that takes long is begun, and not waited for.
 * Throws Refusal when the device does not carry this brick's stamp, is in use, or does not keep what is written.
 */
export async function wipeBrick(brick: DesiredBrick, pathOf: PathOf, deps: WipeDependencies): Promise<void> {
  const device = await unusedDevice(brick, pathOf, deps.run)
  await wipe(device, brick, brick.uuid, deps, (content) => mayWipe(content, brick.uuid))
}
