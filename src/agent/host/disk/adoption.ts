import { whyNotAdoptAt } from '../../../model/adoption.js'
import { brickMountPath } from '../../../model/cluster.js'
import type { DesiredAdopt } from '../../../model/documents/adopt.js'
import { type AdoptFacts, Refusal } from '../../port.js'
import { describeContent } from '../../plan/device.js'
import { deviceFacts } from './deviceFacts.js'
import { runOk } from '../exec/run.js'
import { wipe, type WipeDependencies } from './wipe.js'
import { commandMs } from './diskCommands.js'
import { type PathOf, notListed, unusedDevice } from './listedDevice.js'

/**
 * Wipes a foreign device that an operator gave to us by name, if it still holds what the operator saw. `now`: unix
 * seconds, when the wipe begins. Throws Refusal when the adoption has ended or the device is another one, in use, or
 * holds something else. A wipe that takes long is begun, and not waited for.
 */
export async function adoptDevice(
  adopt: DesiredAdopt,
  now: number,
  pathOf: PathOf,
  deps: WipeDependencies,
): Promise<void> {
  const { run, longWipes } = deps
  const name = adoptionName(adopt)
  const late = longWipes.isErased(name) ? undefined : whyNotAdoptAt(now, adopt.until)
  if (late !== undefined) throw new Refusal(`device ${adopt.device} is not wiped: ${late}`)
  const device = await unusedDevice(adopt, pathOf, run)
  const isDone = await wipe(device, adopt, name, deps, (content) => describeContent(content) === adopt.expected)
  if (isDone && device.partitions.length > 0)
    await runOk(run, ['blockdev', '--rereadpt', device.path], { timeoutMs: commandMs })
}

/** What the device holds and how far its wipe is. `now`: unix seconds, which come back in the facts. */
export async function adoptFacts(
  adopt: DesiredAdopt,
  now: number,
  pathOf: PathOf,
  { run, longWipes }: WipeDependencies,
): Promise<AdoptFacts> {
  const path = pathOf(adopt.device)
  if (path === undefined) return { now, device: notListed }
  const wiping = longWipes.progressOf(adoptionName(adopt))
  const options = { ownMount: brickMountPath(adopt.device), exclusive: wiping === undefined }
  return {
    now,
    device: await deviceFacts(path, run, options),
    ...(wiping ? { wiping } : {}),
    ...(longWipes.isErased(adoptionName(adopt)) ? { isAllButWiped: true as const } : {}),
  }
}

/** The same word of an operator, given again, goes on with the same wipe. */
function adoptionName({ device, identity, expected }: DesiredAdopt): string {
  return `adoption of ${device}, ${identity}, which holds ${expected}`
}
