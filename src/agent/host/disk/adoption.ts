import { whyNotAdoptAt } from '../../../model/adoption.js'
import { brickMountPath } from '../../../model/cluster.js'
import type { DesiredAdopt } from '../../../model/documents/adopt.js'
import { type AdoptFacts, Refusal } from '../../port/host.js'
import { describeContent } from '../../plan/device.js'
import { isNotWiped, notListed } from '../../plan/messages.js'
import { deviceFacts } from './deviceFacts.js'
import { runOk } from '../exec/run.js'
import { wipe, type WipeDependencies } from './wipe.js'
import { commandMs } from './diskCommands.js'
import { type PathOf, unusedDevice } from './listedDevice.js'

/**
 * Wipes a foreign device that an operator adopted by name, if it still holds what the operator saw. `now`: unix
 * seconds, when the wipe begins. Throws Refusal when the adoption has expired or the device is another one, in use, or
 * holds something else. Begins a wipe that takes long, and does not wait for it.
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
  if (late !== undefined) throw new Refusal(isNotWiped(adopt.device, late))
  const device = await unusedDevice(adopt, pathOf)
  const isDone = await wipe(device, adopt, name, deps, (content) => describeContent(content) === adopt.expected)
  if (isDone && device.partitions.length > 0)
    await runOk(run, ['blockdev', '--rereadpt', device.path], { timeoutMs: commandMs })
}

/** What the device holds and how far its wipe is. `now`: unix seconds, which the facts repeat. */
export async function adoptFacts(
  adopt: DesiredAdopt,
  now: number,
  pathOf: PathOf,
  { run, longWipes }: WipeDependencies,
): Promise<AdoptFacts> {
  const path = pathOf(adopt.device)
  if (path === undefined) return { now, device: { present: false, reason: notListed() } }
  const wiping = longWipes.progressOf(adoptionName(adopt))
  const options = { ownMount: brickMountPath(adopt.device), exclusive: wiping === undefined }
  return {
    now,
    device: await deviceFacts(path, run, options),
    ...(wiping ? { wiping } : {}),
    ...(longWipes.isErased(adoptionName(adopt)) ? { isAllButWiped: true as const } : {}),
  }
}

/** The same for the same adoption when an operator repeats it: its wipe continues. */
function adoptionName({ device, identity, expected }: DesiredAdopt): string {
  return `adoption of ${device}, ${identity}, which holds ${expected}`
}
