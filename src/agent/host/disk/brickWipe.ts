import type { DesiredBrick } from '../../../model/documents/brick.js'
import { mayWipe } from '../../plan/device.js'
import { wipe, type WipeDependencies } from './wipe.js'
import { type PathOf, unusedDevice } from './listedDevice.js'

/**
 * Wipes the device in the way that its document names. Our uuid stays until the very last write, which zeroes the
 * sector of the superblock, so that a wipe that is cut short is done again. Begins a wipe that takes long, and does not
 * wait for it. Throws Refusal when the device does not carry this brick's stamp, is in use, or loses writes.
 */
export async function wipeBrick(brick: DesiredBrick, pathOf: PathOf, deps: WipeDependencies): Promise<void> {
  const device = await unusedDevice(brick, pathOf)
  await wipe(device, brick, brick.uuid, deps, (content) => mayWipe(content, brick.uuid))
}
