import { printSize } from '../../model/capacity.js'
import type { Cluster } from '../../model/cluster.js'
import type { PlacedBrick } from '../../model/documents/buffer.js'
import type { InventoryDevice } from '../../model/documents/inventory.js'
import { compareNames } from '../../model/names.js'
import * as messages from './messages.js'
import {
  type PoolRequest,
  devicesOf,
  type DeviceAvailability,
  type DeviceStatus,
  takenDevices,
} from '../cluster/devices.js'

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
 * are taken). The bricks are interleaved over the hosts, and equal clusters give equal answers. The refusal says what is free
 * and why the rest is not.
 */
export function placeBricks(
  cluster: Cluster,
  request: PlaceRequest,
  newUuid: () => string,
): { bricks: PlacedBrick[] } | NoPlace {
  const devices = devicesOf(cluster, request, takenDevices(cluster))
  const free = devices.filter(({ availability }) => availability === 'free').length
  const left = request.leftOf?.(free) ?? free
  if (left < request.count)
    return { refused: refusal(request, devices, free - left), mayCome: mayCome(request, devices) }
  const bricks: PlacedBrick[] = []
  for (let hosts = hostsByName(devices, request.beside); bricks.length < request.count; hosts = hosts.filter(hasFree)) {
    for (const host of nextRound(hosts).slice(0, request.count - bricks.length)) {
      const { name, identity, sizeBytes } = take(host)
      bricks.push({ host: host.name, device: name, identity, sizeBytes, uuid: newUuid() })
    }
  }
  return { bricks }
}

interface HostLoad {
  name: string
  /** Sorted by name when the first is taken. */
  free: InventoryDevice[]
  next: number
  picked: number
  used: number
  slots: number
}

/** The hosts with the fewest bricks of this buffer, each of which gets one: the smallest share taken first, then by name. */
function nextRound(hosts: HostLoad[]): HostLoad[] {
  const fewest = hosts.reduce((least, { picked }) => Math.min(least, picked), Infinity)
  // The sort is stable, and finds most of the order of the round before: cheap for ten thousand bricks too.
  return hosts.filter(({ picked }) => picked === fewest).sort((a, b) => a.used * b.slots - b.used * a.slots)
}

function take(host: HostLoad): InventoryDevice {
  if (host.next === 0) host.free.sort((a, b) => compareNames(a.name, b.name))
  host.picked++
  host.used++
  return host.free[host.next++]!
}

function hasFree({ free, next }: HostLoad): boolean {
  return next < free.length
}

function hostsByName(devices: DeviceStatus[], beside: ReadonlyMap<string, number> | undefined): HostLoad[] {
  const loads = new Map<string, HostLoad>()
  for (const { host, device, availability } of devices) {
    let load = loads.get(host)
    if (!load) loads.set(host, (load = emptyLoad(host, beside?.get(host) ?? 0)))
    if (availability === 'free') load.free.push(device)
    if (availability === 'free' || availability === 'taken') load.slots++
    if (availability === 'taken') load.used++
  }
  return [...loads.values()].filter(hasFree).sort((a, b) => compareNames(a.name, b.name))
}

function emptyLoad(name: string, picked: number): HostLoad {
  return { name, free: [], next: 0, picked, used: 0, slots: 0 }
}

function mayCome({ count }: PlaceRequest, devices: DeviceStatus[]): boolean {
  return devices.filter(({ availability }) => ['free', 'taken', 'lost'].includes(availability)).length >= count
}

/** Says what is free, and why the rest of the pool is not: `4 TB are cordoned, 1 TB is on lost hosts`. */
function refusal({ pool, granularityBytes, count }: PlaceRequest, devices: DeviceStatus[], kept: number): string {
  const size = (slots: number) => printSize(slots * granularityBytes)
  const slots = (availability: DeviceAvailability) =>
    devices.filter((device) => device.availability === availability).length
  const reasons: [DeviceAvailability, string][] = [
    ['cordoned', 'cordoned'],
    ['lost', 'on lost hosts'],
    ['foreign', 'on devices that are not blank'],
    ['refused', 'on devices that are refused'],
  ]
  const away = reasons
    .filter(([availability]) => slots(availability) > 0)
    .map(([availability, where]) => `${size(slots(availability))} ${slots(availability) === 1 ? 'is' : 'are'} ${where}`)
  const small = slots('too small')
  if (small > 0) away.push(`${small} ${small === 1 ? 'device is' : 'devices are'} smaller than ${size(1)}`)
  if (kept > 0) away.unshift(messages.reservedForEarlier(size(kept), kept))
  return messages.notEnoughFree(pool, size(slots('free')), size(count), away)
}
