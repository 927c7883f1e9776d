import { hostKey, type Cluster } from '../../model/cluster.js'
import type { BufferDocument } from '../../model/documents/buffer.js'
import type { InventoryDevice } from '../../model/documents/inventory.js'
import { worldWideName } from '../../model/identity.js'
import { compareNames } from '../../model/names.js'
import type { DeviceAvailability, PoolRequest } from '../../model/space.js'
import { isSpare, spareToBind } from '../../model/spares.js'
import { whyNotWipe } from '../../model/wipes.js'

export interface DeviceStatus {
  host: string
  device: InventoryDevice
  availability: DeviceAvailability
  /** Where else the same disk is, when its WWN stands in the inventories of several hosts. */
  alsoAt?: string
}

/** Of `hostKey(host, device)`. */
export type Places = Pick<ReadonlySet<string>, 'has'>

/** Every device of a pool with its availability; of hosts that are no longer storage hosts, those that are still taken. */
export function devicesOf(cluster: Cluster, asked: PoolRequest): DeviceStatus[] {
  const taken = takenDevices(cluster)
  const shared = sharedDisks(cluster)
  return hostsWithDevices(cluster).flatMap((host) => devicesAt(cluster, host, asked, taken, shared))
}

export function hostsWithDevices(cluster: Cluster): string[] {
  return [...new Set([...cluster.inventories.keys(), ...cluster.ignored.keys()])]
}

/** The same of one host. */
export function devicesAt(
  cluster: Cluster,
  host: string,
  asked: PoolRequest,
  taken: Places,
  shared: ReadonlyMap<string, string>,
): DeviceStatus[] {
  const found: DeviceStatus[] = []
  for (const device of cluster.inventories.get(host)?.devices ?? []) {
    if (device.pool !== asked.pool) continue
    const alsoAt = shared.get(hostKey(host, device.name))
    const availability = availabilityOf(cluster, host, device, asked, taken, alsoAt !== undefined)
    found.push({ host, device, availability, ...(alsoAt === undefined ? {} : { alsoAt }) })
  }
  for (const device of cluster.ignored.get(host)?.devices ?? []) {
    if (device.pool === asked.pool && taken.has(hostKey(host, device.name)))
      found.push({ host, device, availability: 'taken' })
  }
  return found
}

/**
 * Devices that belong to a buffer. Spares are not among them. A desired brick counts even when no buffer is known to be its owner: the buffer's document may
 * be one that could not be read.
 */
export function takenDevices(cluster: Cluster): Places {
  const claimed = cluster.index?.claimedDevices ?? new Set([...cluster.buffers.values()].flatMap(claimedBy))
  return {
    has: (place) => {
      const told = cluster.desired.brick.get(place)
      // guard: desired-taken
      const isDesired = told !== undefined && !isSpare(told)
      return isDesired || claimed.has(place)
    },
  }
}

/** The devices that a buffer's document names. */
export function claimedBy({ bricks, released }: BufferDocument): string[] {
  const places = bricks.map(({ host, device }) => hostKey(host, device))
  // guard: released-taken
  places.push(...released.map(({ host, device }) => hostKey(host, device)))
  return places
}

/**
 * Disks that two hosts see (two ports, NVMe over fabrics, shared SAS): each place, with the other places. They are unusable until only one
 * host's configuration lists them, because neither host knows whether the other has formatted or mounted the disk.
 */
export function sharedDisks(cluster: Cluster): ReadonlyMap<string, string> {
  if (cluster.index) return cluster.index.sharedDisks
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
    for (const place of all.length > 1 ? all : []) shared.set(place, otherPlaces(all, place))
  }
  return shared
}

/** For people. */
export function otherPlaces(all: Iterable<string>, place: string): string {
  return [...all]
    .filter((other) => other !== place)
    .sort(compareNames)
    .join(', ')
}

function availabilityOf(
  cluster: Cluster,
  host: string,
  device: InventoryDevice,
  { granularityBytes, wipe }: PoolRequest,
  taken: Places,
  isShared: boolean,
): DeviceAvailability {
  const place = hostKey(host, device.name)
  // guard: device-taken
  if (taken.has(place)) return 'taken'
  const isToBind = spareToBind(cluster, host, device) !== undefined
  if (!isToBind && cluster.desired.brick.has(place)) return 'taken'
  if (device.state === 'refused' || isShared) return 'refused'
  if (device.sizeBytes < granularityBytes) return 'too small'
  if (whyNotWipe(device, wipe) !== undefined) return 'refused'
  if (!cluster.hosts.has(host)) return 'lost'
  if (cluster.cordons.has(host) || cluster.cordons.has(place)) return 'cordoned'
  return device.state === 'blank' || isToBind ? 'free' : 'foreign'
}
