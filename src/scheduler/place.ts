import { printSize } from '../model/capacity.js'
import type { Cluster } from '../model/cluster.js'
import type { PlacedBrick } from '../model/documents.js'
import { devicesOf, type Standing, type StandingDevice, takenDevices } from './devices.js'

export interface PlaceRequest {
  pool: string
  granularityBytes: number
  count: number
  /** Hosts that have bricks of this buffer already, with how many: a replacement goes elsewhere when it can. */
  beside?: ReadonlyMap<string, number>
}

/**
 * Which devices? As many different hosts as possible, then as evenly over them as possible, the least loaded first (by
 * the share of its slots that are taken). The bricks come interleaved over the hosts, and equal clusters give equal
 * answers. The refusal says what is free and why the rest is not.
 */
export function placeBricks(
  cluster: Cluster,
  request: PlaceRequest,
  newUuid: () => string,
): { bricks: PlacedBrick[] } | { refused: string } {
  const devices = devicesOf(cluster, request.pool, request.granularityBytes, takenDevices(cluster))
  const free = devices.filter(({ standing }) => standing === 'free').length
  if (free < request.count) return { refused: refusal(request, devices) }
  const hosts = byHost(devices, request.beside)
  const bricks: PlacedBrick[] = []
  while (bricks.length < request.count) {
    const host = hosts.pop()
    const { name, identity, sizeBytes } = host.free[host.next++]!
    bricks.push({ host: host.name, device: name, identity, sizeBytes, uuid: newUuid() })
    host.picked++
    host.used++
    if (host.next < host.free.length) hosts.push(host)
  }
  return { bricks }
}

interface HostLoad {
  name: string
  free: { name: string; identity: string; sizeBytes: number }[]
  next: number
  picked: number
  used: number
  slots: number
}

function byHost(devices: StandingDevice[], beside: ReadonlyMap<string, number> | undefined): Heap {
  const loads = new Map<string, HostLoad>()
  for (const { host, device, standing } of devices) {
    let load = loads.get(host)
    if (!load) loads.set(host, (load = emptyLoad(host, beside?.get(host) ?? 0)))
    if (standing === 'free') load.free.push(device)
    if (standing === 'free' || standing === 'taken') load.slots++
    if (standing === 'taken') load.used++
  }
  const heap = new Heap()
  for (const load of loads.values()) {
    if (load.free.length === 0) continue
    load.free.sort((a, b) => compareNames(a.name, b.name))
    heap.push(load)
  }
  return heap
}

function emptyLoad(name: string, picked: number): HostLoad {
  return { name, free: [], next: 0, picked, used: 0, slots: 0 }
}

/** Fewest bricks of this buffer, then the smallest share taken, then the name. */
function comesBefore(a: HostLoad, b: HostLoad): boolean {
  if (a.picked !== b.picked) return a.picked < b.picked
  const difference = a.used * b.slots - b.used * a.slots
  if (difference !== 0) return difference < 0
  return compareNames(a.name, b.name) < 0
}

/** nvme2n1 before nvme10n1. Intl's own numeric collation is a hundred times slower. */
export function compareNames(a: string, b: string): number {
  const [as, bs] = [a.match(/\d+|\D+/g) ?? [], b.match(/\d+|\D+/g) ?? []]
  for (let i = 0; i < Math.min(as.length, bs.length); i++) {
    const [x, y] = [as[i]!, bs[i]!]
    if (x === y) continue
    const [nx, ny] = [Number(x), Number(y)]
    if (!Number.isNaN(nx) && !Number.isNaN(ny) && nx !== ny) return nx - ny
    return x < y ? -1 : 1
  }
  return as.length - bs.length
}

class Heap {
  private readonly loads: HostLoad[] = []

  push(load: HostLoad): void {
    let at = this.loads.push(load) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!comesBefore(this.loads[at]!, this.loads[parent]!)) return
      this.swap(at, parent)
      at = parent
    }
  }

  pop(): HostLoad {
    const top = this.loads[0]!
    const last = this.loads.pop()!
    if (this.loads.length === 0) return top
    this.loads[0] = last
    for (let at = 0; ;) {
      let first = at
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < this.loads.length && comesBefore(this.loads[child]!, this.loads[first]!)) first = child
      }
      if (first === at) return top
      this.swap(at, first)
      at = first
    }
  }

  private swap(a: number, b: number): void {
    ;[this.loads[a], this.loads[b]] = [this.loads[b]!, this.loads[a]!]
  }
}

/** `pool dedicated_nvme has 2 TB free, 3 TB asked; 4 TB are cordoned, 1 TB is on lost hosts` */
function refusal({ pool, granularityBytes, count }: PlaceRequest, devices: StandingDevice[]): string {
  const size = (slots: number) => printSize(slots * granularityBytes)
  const slots = (standing: Standing) => devices.filter((device) => device.standing === standing).length
  const reasons: [Standing, string][] = [
    ['cordoned', 'cordoned'],
    ['lost', 'on lost hosts'],
    ['foreign', 'on devices that are not blank'],
    ['refused', 'on devices that are refused'],
  ]
  const away = reasons
    .filter(([standing]) => slots(standing) > 0)
    .map(([standing, where]) => `${size(slots(standing))} ${slots(standing) === 1 ? 'is' : 'are'} ${where}`)
  const small = slots('too small')
  if (small > 0) away.push(`${small} ${small === 1 ? 'device is' : 'devices are'} smaller than ${size(1)}`)
  const short = `pool ${pool} has ${size(slots('free'))} free, ${size(count)} asked`
  return away.length > 0 ? `${short}; ${away.join(', ')}` : short
}
