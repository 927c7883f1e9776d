import type { DesiredBrick } from '../../../model/documents/brick.js'
import { mayWipe } from '../../plan/device.js'
import { wipe, type WipeMeans } from './wipe.js'
import { type PathOf, unusedDevice } from './listedDevice.js'

/** A wipe cut short leaves our uuid until its very last write, which zeroes the superblock's one sector, and is done again. */
export async function wipeBrick(brick: DesiredBrick, pathOf: PathOf, means: WipeMeans): Promise<void> {
  const device = await unusedDevice(brick, pathOf, means.run)
  await wipe(device, brick, brick.uuid, means, (content) => mayWipe(content, brick.uuid))
}
