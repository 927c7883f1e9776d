import { printSize } from '../../model/capacity.js'
import { type Cluster, hostKey } from '../../model/cluster.js'
import type { PlacedBrick } from '../../model/documents/buffer.js'
import type { InventoryDevice } from '../../model/documents/inventory.js'
import type { DeviceAvailability, DeviceCounts, HostSpace, PoolRequest } from '../../model/space.js'
import { slotsOf, spaceOf } from '../cluster/space.js'
import * as messages from './messages.js'

export interface PlaceRequest extends PoolRequest {
  count: number
  /** How many bricks of this buffer each host has already: a replacement goes to another host if possible. */
  beside?: ReadonlyMap<string, number>
  /** How many of the free slots may be taken while others wait for some. */
  leftOf?: (free: number) => number
}

/** `mayCome`: the pool has that many slots, counting those that are taken or on lost hosts. */
export type NoPlace = { refused: string; mayCome: boolean }

/**
 * Chooses devices on as many hosts as possible, as evenly as possible, the least loaded host first (by the share of its slots that
 * are taken). Among them those with a spare come first, whose uuid is then the brick's. The bricks are interleaved over the hosts, and equal clusters give equal answers. The refusal says what is free
 * and why the rest is not.
 */
export function placeBricks(
  cluster: Cluster,
  request: PlaceRequest,
  newUuid: () => string,
): { bricks: PlacedBrick[] } | NoPlace {
  const { counts, hosts: withFree } = spaceOf(cluster, request)
  const left = request.leftOf?.(counts.free) ?? counts.free
  if (left < request.count)
    return { refused: refusal(request, counts, counts.free - left), mayCome: mayCome(request, counts) }
  const bricks: PlacedBrick[] = []
  for (let hosts = loadsOf(withFree, request.beside); bricks.length < request.count; hosts = hosts.filter(hasFree)) {
    for (const host of nextRound(hosts).slice(0, request.count - bricks.length)) {
      const { name, identity, sizeBytes } = take(host)
      // A free device that has a document is a spare.
      const uuid = cluster.desired.brick.get(hostKey(host.name, name))?.uuid ?? newUuid()
      bricks.push({ host: host.name, device: name, identity, sizeBytes, uuid })
    }
  }
  return { bricks }
}

interface HostLoad {
  name: string
  free: readonly InventoryDevice[]
  spares: number
  next: number
  picked: number
  used: number
  slots: number
}

/** The hosts with the fewest bricks of this buffer, each of which gets one: those with a spare first, the smallest share taken, by name. */
function nextRound(hosts: HostLoad[]): HostLoad[] {
  const fewest = hosts.reduce((least, { picked }) => Math.min(least, picked), Infinity)
  // The sort is stable, and finds most of the order of the round before: cheap for ten thousand bricks too.
  return hosts
    .filter(({ picked }) => picked === fewest)
    .sort((a, b) => Number(hasSpare(b)) - Number(hasSpare(a)) || a.used * b.slots - b.used * a.slots)
}

function hasSpare({ next, spares }: HostLoad): boolean {
  return next < spares
}

function take(host: HostLoad): InventoryDevice {
  host.picked++
  host.used++
  return host.free[host.next++]!
}

function hasFree({ free, next }: HostLoad): boolean {
  return next < free.length
}

function loadsOf(hosts: readonly HostSpace[], beside: ReadonlyMap<string, number> | undefined): HostLoad[] {
  return hosts.map((space) => ({
    name: space.host,
    free: space.free,
    spares: space.spares,
    next: 0,
    picked: beside?.get(space.host) ?? 0,
    used: space.counts.taken,
    slots: slotsOf(space),
  }))
}

function mayCome({ count }: PlaceRequest, counts: Readonly<DeviceCounts>): boolean {
  return counts.free + counts.taken + counts.lost >= count
}

/** Says what is free, and why the rest of the pool is not: `4 TB are cordoned, 1 TB is on lost hosts`. */
function refusal(
  { pool, granularityBytes, count }: PlaceRequest,
  counts: Readonly<DeviceCounts>,
  kept: number,
): string {
  const size = (slots: number) => printSize(slots * granularityBytes)
  const reasons: [DeviceAvailability, string][] = [
    ['cordoned', 'cordoned'],
    ['lost', 'on lost hosts'],
    ['foreign', 'on devices that are not blank'],
    ['refused', 'on devices that are refused'],
  ]
  const away = reasons
    .filter(([availability]) => counts[availability] > 0)
    .map(
      ([availability, where]) => `${size(counts[availability])} ${counts[availability] === 1 ? 'is' : 'are'} ${where}`,
    )
  const small = counts['too small']
  if (small > 0) away.push(`${small} ${small === 1 ? 'device is' : 'devices are'} smaller than ${size(1)}`)
  if (kept > 0) away.unshift(messages.reservedForEarlier(size(kept), kept))
  return messages.notEnoughFree(pool, size(counts.free), size(count), away)
}
