import { type Cluster, hostKey } from '../../model/cluster.js'
import { compareNames } from '../../model/names.js'
import { isSpare, isSpareReady } from '../../model/spares.js'
import type { DeviceCounts, HostSpace, PoolRequest, PoolSpace } from '../../model/space.js'
import { devicesAt, hostsWithDevices, type Places, sharedDisks, takenDevices } from './devices.js'

/** What a pool has, and which hosts have something free of it. */
export function spaceOf(cluster: Cluster, request: PoolRequest): PoolSpace {
  return cluster.index?.spaceOf(request) ?? countSpace(cluster, request)
}

/** The same, from all devices. */
export function countSpace(cluster: Cluster, request: PoolRequest): PoolSpace {
  const space = new Space()
  const taken = takenDevices(cluster)
  const shared = sharedDisks(cluster)
  for (const host of hostsWithDevices(cluster)) space.replace(spaceAt(cluster, host, request, taken, shared))
  return space
}

export function noDevices(): DeviceCounts {
  return { taken: 0, refused: 0, 'too small': 0, lost: 0, cordoned: 0, foreign: 0, free: 0 }
}

/** The spaces of a few requests. What a host has is counted again when it is asked for after something of it has changed. */
export class Spaces {
  /** The one that was asked for last is the last. */
  private readonly spaces = new Map<string, { space: Space; stale: Set<string> }>()

  constructor(private readonly cluster: Cluster) {}

  of(request: PoolRequest): PoolSpace {
    const { pool, granularityBytes, wipe = '' } = request
    const name = [pool, granularityBytes, wipe].join('/')
    const kept = this.spaces.get(name) ?? this.begin()
    this.spaces.delete(name)
    this.spaces.set(name, kept)
    this.refresh(request, kept)
    return kept.space
  }

  /** Something of that host, or of one of its devices, has changed. */
  touch(host: string): void {
    for (const { stale } of this.spaces.values()) stale.add(host)
  }

  private begin() {
    for (const oldest of this.spaces.keys()) {
      if (this.spaces.size < maxSpaces) break
      this.spaces.delete(oldest)
    }
    return { space: new Space(), stale: new Set(hostsWithDevices(this.cluster)) }
  }

  private refresh(request: PoolRequest, { space, stale }: { space: Space; stale: Set<string> }): void {
    if (stale.size === 0) return
    const taken = takenDevices(this.cluster)
    const shared = sharedDisks(this.cluster)
    for (const host of stale) space.replace(spaceAt(this.cluster, host, request, taken, shared))
    stale.clear()
  }
}

/** Pools have one granularity, and buffers may remember an earlier one. */
const maxSpaces = 32

function spaceAt(
  cluster: Cluster,
  host: string,
  request: PoolRequest,
  taken: Places,
  shared: ReadonlyMap<string, string>,
): HostSpace {
  const counts = noDevices()
  const spares = []
  const blank = []
  for (const { device, availability } of devicesAt(cluster, host, request, taken, shared)) {
    counts[availability]++
    if (availability !== 'free') continue
    const place = hostKey(host, device.name)
    const told = cluster.desired.brick.get(place)
    if (isSpare(told) && isSpareReady(cluster, place, told)) spares.push(device)
    else blank.push(device)
  }
  for (const devices of [spares, blank]) devices.sort((a, b) => compareNames(a.name, b.name))
  return { host, counts, free: [...spares, ...blank], spares: spares.length }
}

class Space implements PoolSpace {
  readonly counts = noDevices()
  readonly hosts: HostSpace[] = []
  private readonly byHost = new Map<string, HostSpace>()

  replace(after: HostSpace): void {
    const before = this.byHost.get(after.host)
    if (before) this.count(before, -1)
    if (before && before.free.length > 0) this.hosts.splice(this.placeOf(before), 1)
    this.count(after, 1)
    if (after.free.length > 0) this.hosts.splice(this.placeOf(after), 0, after)
    this.byHost.set(after.host, after)
  }

  private count({ counts }: HostSpace, by: 1 | -1): void {
    for (const [availability, count] of Object.entries(counts) as [keyof DeviceCounts, number][])
      this.counts[availability] += by * count
  }

  /** Where it is in `hosts`, or is to be put. */
  private placeOf(space: HostSpace): number {
    let [from, to] = [0, this.hosts.length]
    while (from < to) {
      const middle = (from + to) >> 1
      if (compareLoads(this.hosts[middle]!, space) < 0) from = middle + 1
      else to = middle
    }
    return from
  }
}

/** By the share of the slots that are taken, then by name. */
function compareLoads(a: HostSpace, b: HostSpace): number {
  return a.counts.taken * slotsOf(b) - b.counts.taken * slotsOf(a) || compareNames(a.host, b.host)
}

/** Those that can be used or are. */
export function slotsOf({ counts }: HostSpace): number {
  return counts.free + counts.taken
}
