import { Refusal } from '../../port/host.js'
import { whyNotTheDevice } from '../../plan/device.js'
import { cannotBeUsed, deviceIsInUse, notListed } from '../../plan/messages.js'
import { type BlockDevice, resolveDevice } from './blockDevice.js'
import { deviceState } from './deviceFacts.js'
import type { WantedDevice } from './heldDevice.js'

/** The configured path of the device with that name; undefined when the configuration does not list it. */
export type PathOf = (device: string) => string | undefined

/**
 * The device as it is now. Throws Refusal when the configuration does not list it, or it is not a whole block device.
 */
export async function listedDevice(name: string, pathOf: PathOf): Promise<BlockDevice> {
  const path = pathOf(name)
  if (path === undefined) throw new Refusal(cannotBeUsed(name, notListed()))
  const device = await resolveDevice(path)
  if ('reason' in device) throw new Refusal(cannotBeUsed(name, device.reason))
  return device
}

/** The device, if it has the recorded identity and size. Throws Refusal when it is another one, or in use. */
export async function unusedDevice(
  wanted: WantedDevice,
  pathOf: PathOf,
): Promise<BlockDevice & { partitions: string[] }> {
  const device = await listedDevice(wanted.device, pathOf)
  const facts = await deviceState(device, { exclusive: true })
  const wrong = whyNotTheDevice(facts, wanted)
  if (wrong !== undefined || !facts.present) throw new Refusal(wrong ?? 'absent')
  if (facts.busy.length > 0) throw new Refusal(deviceIsInUse(wanted.device, facts.busy))
  return { ...device, partitions: facts.partitions }
}
