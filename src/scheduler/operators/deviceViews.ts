import { each, eachDocument, sorted, type Work } from '../../daemon/slices.js'
import type { DeviceView } from '../../model/api.js'
import { hostKey, type Cluster } from '../../model/cluster.js'
import type { InventoryDevice } from '../../model/documents/inventory.js'
import { compareNames } from '../../model/names.js'
import type { PoolRequest } from '../../model/space.js'
import { isSpareReady, problemOfSpare, sparesOf } from '../../model/spares.js'
import { describeWiping, whyNotWipe } from '../../model/wipes.js'
import { devicesAt, hostsWithDevices, type Places, sharedDisks, takenDevices } from '../cluster/devices.js'
import type { SchedulerConfig } from '../config.js'
import { cordonOf } from './cordons.js'
import * as messages from './messages.js'

/** Every device of every host, as it is in its host's turn. */
export function* devicesView(cluster: Cluster, config: SchedulerConfig): Work<DeviceView[]> {
  const owners = new Map<string, string>()
  yield* eachDocument(cluster.buffers, ({ bricks, released }, key) => {
    for (const { host, device } of [...bricks, ...released]) owners.set(hostKey(host, device), key)
  })
  const known = { owners, taken: takenDevices(cluster), shared: sharedDisks(cluster) }
  const hosts = yield* sorted(hostsWithDevices(cluster), compareNames)
  const ofHosts = yield* each(hosts, (host) => devicesOfHost(cluster, config, host, known))
  return ofHosts.flat()
}

/** In the order of their names, whatever their pools. */
function devicesOfHost(
  cluster: Cluster,
  config: SchedulerConfig,
  host: string,
  {
    owners,
    taken,
    shared,
  }: { owners: ReadonlyMap<string, string>; taken: Places; shared: ReadonlyMap<string, string> },
): DeviceView[] {
  const listed = [cluster.inventories, cluster.ignored].flatMap((from) => from.get(host)?.devices ?? [])
  const views = [...new Set(listed.map(({ pool }) => pool))].flatMap((pool) => {
    const configured = config.pools[pool]
    const asked = { pool, granularityBytes: configured?.granularityBytes ?? 0, wipe: configured?.wipe }
    return devicesAt(cluster, host, asked, taken, shared).map(({ device, availability, alsoAt }): DeviceView => {
      const cordon = cordonOf(cluster, host, device.name)
      const unknownPool = configured ? undefined : messages.unknownPool(pool)
      return {
        host,
        device: device.name,
        pool,
        sizeBytes: device.sizeBytes,
        identity: device.identity,
        availability: unknownPool ? 'refused' : availability,
        buffer: owners.get(hostKey(host, device.name)) ?? null,
        reason:
          unknownPool ??
          sameDisk(device.identity, alsoAt) ??
          whyNotFree(availability, device, asked) ??
          wipingOf(cluster, host, device.name) ??
          spareOf(cluster, hostKey(host, device.name)) ??
          cordon,
        wipes: wipesOf(device),
      }
    })
  })
  return views.sort((a, b) => compareNames(a.device, b.device))
}

function sameDisk(identity: string, alsoAt: string | undefined): string | undefined {
  return alsoAt === undefined ? undefined : messages.sameDisk(alsoAt, identity)
}

function whyNotFree(
  availability: string,
  device: InventoryDevice,
  { granularityBytes, wipe }: PoolRequest,
): string | undefined {
  if (availability === 'too small') return messages.deviceTooSmall(device.sizeBytes, granularityBytes)
  if (availability === 'foreign' && device.stamp) return messages.unclaimedBrick(device.stamp.uuid)
  if (availability === 'taken') return undefined
  return device.reason ?? (availability === 'refused' ? whyNotWipe(device, wipe) : undefined)
}

function wipingOf(cluster: Cluster, host: string, device: string): string | undefined {
  const { brick, adopt } = cluster.observed
  const wiping = brick.get(hostKey(host, device))?.wiping ?? adopt.get(hostKey(host, device))?.wiping
  return wiping && describeWiping(wiping)
}

function spareOf(cluster: Cluster, place: string): string | undefined {
  const spare = sparesOf(cluster).get(place)
  if (!spare) return undefined
  const problem = problemOfSpare(cluster, place, spare)
  if (spare.wanted === 'absent') return messages.spareLeaving(problem)
  return isSpareReady(cluster, place, spare) ? messages.spareReady() : messages.spareMaking(problem)
}

function wipesOf({ wipes }: InventoryDevice): DeviceView['wipes'] {
  return wipes ? { discard: wipes.discard, zero: true, sanitize: wipes.sanitize, reason: wipes.reason ?? null } : null
}
