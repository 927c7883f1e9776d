import { Refusal } from '../../port.js'
import { whyNotTheDevice } from '../../plan/device.js'
import { type BlockDevice, resolveDevice } from './blockDevice.js'
import { deviceFacts } from './deviceFacts.js'
import type { Run } from '../exec/run.js'
import type { WantedDevice } from './heldDevice.js'

/** The configured path of a device of that name; undefined when the configuration lists none. */
export type PathOf = (device: string) => string | undefined

export const notListed = { present: false, reason: 'the configuration does not list it' } as const

/** The device as it is now. Throws Refusal when the configuration does not list it, or it cannot be used whole. */
export async function listedDevice(name: string, pathOf: PathOf): Promise<BlockDevice> {
  const path = pathOf(name)
  if (path === undefined) throw new Refusal(`device ${name}: ${notListed.reason}`)
  const device = await resolveDevice(path)
  if ('reason' in device) throw new Refusal(`device ${name}: ${device.reason}`)
  return device
}

/** The device with the recorded identity and size. Throws Refusal when it is another one, or in use. */
export async function unusedDevice(
  wanted: WantedDevice,
  pathOf: PathOf,
  run: Run,
): Promise<BlockDevice & { partitions: string[] }> {
  const device = await listedDevice(wanted.device, pathOf)
  const facts = await deviceFacts(device.path, run, { exclusive: true })
  const wrong = whyNotTheDevice(facts, wanted)
  if (wrong !== undefined || !facts.present) throw new Refusal(wrong ?? 'absent')
  if (facts.busy.length > 0) throw new Refusal(`device ${wanted.device} is in use: ${facts.busy.join(', ')}`)
  return { ...device, partitions: facts.partitions }
}
