import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { DeviceContent, DeviceFacts, DeviceState } from '../../port/host.js'
import { mountedAt, type MountEntry, mountsEverywhere, mountTable } from '../exec/mounts.js'
import type { Run } from '../exec/run.js'
import {
  type BlockDevice,
  resolveDevice,
  identityOf,
  sizeOf,
  partitionsOf,
  openExclusively,
  isMissing,
} from './blockDevice.js'
import { contentOf } from './deviceContent.js'
import { heldBy, holdersUnknown, mountedAtPath, openedExclusively } from './messages.js'

interface StateOptions {
  /** Without it a hidden user (a lazy unmount) is not noticed. */
  exclusive: boolean
  ownMount?: string
  /** The mounts, if they were read for several devices; read now when absent. */
  everywhere?: Map<string, Set<string>>
  table?: readonly MountEntry[]
}

/** The facts of one configured device. `content`: what it is known to hold; read from the device when absent. */
export async function deviceFacts(
  path: string,
  run: Run,
  { content, ...options }: StateOptions & { content?: DeviceContent },
): Promise<DeviceFacts> {
  const device = await resolveDevice(path)
  if ('reason' in device) return { present: false, reason: device.reason }
  const state = await deviceState(device, options)
  if (!state.present) return state
  return { ...state, content: content ?? (await contentOf(device, state.sizeBytes, run)) }
}

/** The same without what it holds, which somebody else looks at under a claim. */
export async function deviceState(device: BlockDevice, options: StateOptions): Promise<DeviceState> {
  const sizeBytes = await sizeOf(device)
  const everywhere = options.everywhere ?? (await mountsEverywhere())
  // A mount at that path in another namespace only, for example a container's, is not one that the agent may unmount.
  const table = options.table ?? (await mountTable())
  const mountedByUs = options.ownMount !== undefined && mountedAt(table, options.ownMount)?.device === device.numbers
  const busy = await usersOf(device, everywhere, mountedByUs ? options.ownMount : undefined)
  if (options.exclusive && busy.length === 0 && !mountedByUs) {
    try {
      await (await openExclusively(device.path, false)).close()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') {
        return { present: false, reason: (error as Error).message }
      }
      busy.push(openedExclusively())
    }
  }
  const [identity, partitions] = [await identityOf(device), await partitionsOf(device)]
  return { present: true, identity, sizeBytes, partitions, busy }
}

/** Who uses the device: holders (LVM, RAID, device-mapper), and mounts in any namespace except those at `ownMount`. */
export async function usersOf(
  device: BlockDevice,
  everywhere: Map<string, Set<string>>,
  ownMount?: string,
): Promise<string[]> {
  const mounts = [...(everywhere.get(device.numbers) ?? [])].filter((path) => path !== ownMount)
  return [...(await holdersOf(device)), ...mounts.map(mountedAtPath)]
}

/** A missing list means that nobody holds the device; a list that cannot be read counts as a holder. */
async function holdersOf({ sysfs }: BlockDevice): Promise<string[]> {
  try {
    return (await readdir(join(sysfs, 'holders'))).map(heldBy)
  } catch (error) {
    return isMissing(error) ? [] : [holdersUnknown((error as Error).message)]
  }
}
