import { hostKey, type Cluster } from '../../model/cluster.js'
import type { InventoryDevice } from '../../model/documents/inventory.js'
import type { ThoroughWipe } from '../../model/documents/wipe.js'
import { worldWideName } from '../../model/identity.js'
import { whyNotWipe } from '../../model/wipes.js'

/**
 * free: may be given to a buffer. Every other availability says why not, the strongest reason first: a device that is
 * taken on a lost host is taken.
 */
export const deviceAvailabilities = ['taken', 'refused', 'too small', 'lost', 'cordoned', 'foreign', 'free'] as const
export type DeviceAvailability = (typeof deviceAvailabilities)[number]

export interface DeviceStatus {
  host: string
  device: InventoryDevice
  availability: DeviceAvailability
  /** Where else the same disk is, when its WWN stands in the inventories of several hosts. */
  alsoAt?: string
}

/** What a device is wanted for. */
export interface PoolRequest {
  pool: string
  granularityBytes: number
  /** The wipe that it must support. */
  wipe?: ThoroughWipe | undefined
}

/** Every device of a pool with its availability; of hosts that are no longer storage hosts, those that are still taken. */
export function devicesOf(
  cluster: Cluster,
  asked: PoolRequest,
  taken: ReadonlySet<string> = takenDevices(cluster),
  shared: ReadonlyMap<string, string> = sharedDisks(cluster),
): DeviceStatus[] {
  const found: DeviceStatus[] = []
  const { pool } = asked
  for (const [host, { devices }] of cluster.inventories) {
    for (const device of devices) {
      if (device.pool !== pool) continue
      const alsoAt = shared.get(hostKey(host, device.name))
      const availability = availabilityOf(cluster, host, device, asked, taken, alsoAt !== undefined)
      found.push({ host, device, availability, ...(alsoAt === undefined ? {} : { alsoAt }) })
    }
  }
  for (const [host, { devices }] of cluster.ignored) {
    for (const device of devices) {
      if (device.pool === pool && taken.has(hostKey(host, device.name)))
        found.push({ host, device, availability: 'taken' })
    }
  }
  return found
}

/**
 * Devices that belong to a buffer, as `at(host, device)`. A desired brick counts even when no buffer is known to be its
 * owner: the buffer's document may be one that could not be read.
 */
export function takenDevices(cluster: Cluster): Set<string> {
  // guard: desired-taken
  const taken = new Set<string>(cluster.desired.brick.keys())
  for (const { bricks, released } of cluster.buffers.values()) {
    for (const { host, device } of bricks) taken.add(hostKey(host, device))
    // guard: released-taken
    for (const { host, device } of released) taken.add(hostKey(host, device))
  }
  return taken
}

/**
 * Disks that two hosts see (two ports, NVMe over fabrics, shared SAS): each place, with the other places. They are unusable until only one
 * host's configuration lists them, because neither host knows whether the other has formatted or mounted the disk.
 */
export function sharedDisks(cluster: Cluster): Map<string, string> {
  const places = new Map<string, string[]>()
  for (const [host, { devices }] of cluster.inventories) {
    for (const { name, identity } of devices) {
      const disk = worldWideName(identity)
      if (disk === undefined) continue
      const seen = places.get(disk)
      if (seen) seen.push(hostKey(host, name))
      else places.set(disk, [hostKey(host, name)])
    }
  }
  const shared = new Map<string, string>()
  for (const all of places.values()) {
    for (const place of all.length > 1 ? all : []) shared.set(place, all.filter((other) => other !== place).join(', '))
  }
  return shared
}

function availabilityOf(
  cluster: Cluster,
  host: string,
  device: InventoryDevice,
  { granularityBytes, wipe }: PoolRequest,
  taken: ReadonlySet<string>,
  isShared: boolean,
): DeviceAvailability {
  const place = hostKey(host, device.name)
  // guard: device-taken
  if (taken.has(place)) return 'taken'
  if (device.state === 'refused' || isShared) return 'refused'
  if (device.sizeBytes < granularityBytes) return 'too small'
  if (whyNotWipe(device, wipe) !== undefined) return 'refused'
  if (!cluster.hosts.has(host)) return 'lost'
  if (cluster.cordons.has(host) || cluster.cordons.has(place)) return 'cordoned'
  return device.state === 'blank' ? 'free' : 'foreign'
}
