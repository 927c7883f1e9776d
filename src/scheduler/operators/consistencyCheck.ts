import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../../daemon/clock.js'
import { each, eachDocument, inSlices, type Work } from '../../daemon/slices.js'
import type { DifferenceView } from '../../model/api.js'
import { cutOffHosts } from '../../model/buffers.js'
import { hostKey, brickMountPath, brickRoot, type Cluster, type IgnoredReport } from '../../model/cluster.js'
import type { PlacedBrick } from '../../model/documents/buffer.js'
import type { InventoryDevice } from '../../model/documents/inventory.js'
import { describeCutOff } from '../admission/cutOff.js'
import { describeIgnored } from '../cluster/storageHosts.js'
import { hasUnreadable } from '../cluster/unreadable.js'
import { listedVolumes, servedVolumes } from '../dataplane/index.js'
import { sparesOf } from '../../model/spares.js'
import { hostsOf, volumesOf } from '../../model/volumes.js'
import { type DesiredRecord, describeRecord } from '../../model/desiredRecord.js'
import { desiredOfBuffer, type SessionSettings, desiredTransfers } from '../desired/index.js'
import { dataMissing, deviceNotListed, deviceReplaced, found, spareOf } from './messages.js'

/** The greatest age of what a host reports. */
const oldestLookSeconds = 90

/*
 * Finds where etcd, the disks, the mounts and the volumes do not agree, with the remedy for each. What a host reports is as old as its
 * last look, at most a minute and a half.
 */
export function checkCluster(cluster: Cluster, config: SessionSettings, clock: Clock): Promise<DifferenceView[]> {
  return inSlices(clock, check(cluster, config, clock.unixSeconds()))
}

/**
 * Others have their turn meanwhile, and the cluster may change. Every comparison takes both of its sides at one moment: what is claimed
 * by a buffer that was made since would otherwise be called nobody's, and a remedy would name it.
 */
export function* check(cluster: Cluster, config: SessionSettings, now: number): Work<DifferenceView[]> {
  const pieces = [
    [...cluster.invalid].map(([key, reason]) => difference(`etcd key ${key}`, found.documentUnreadable(reason))),
    ...(yield* eachDocument(cluster.buffers, (buffer) =>
      desiredDifferences(cluster, desiredOfBuffer(cluster, buffer, config)),
    )),
    ...(yield* eachDocument(cluster.sessions, (session) =>
      desiredDifferences(cluster, desiredTransfers(cluster, session)),
    )),
    sessionDifferences(cluster),
    ignoredReports(cluster),
    cutOffDifferences(cluster),
    yield* diskDifferences(cluster),
    cutLists(cluster),
    yield* volumeDifferences(cluster),
    yield* servedDifferences(cluster),
    yield* mountDifferences(cluster),
    yield* missingMounts(cluster, now),
  ]
  return pieces.flat()
}

/** Sessions whose own buffer no longer exists: the remedy is to end them. */
export function sessionsToEnd(cluster: Cluster): string[] {
  return [...cluster.sessions]
    .filter(([, { stage, buffer }]) => stage !== 'leaving' && buffer !== undefined && !cluster.buffers.has(buffer))
    .map(([key]) => key)
}

function difference(where: string, finding: { what: string; remedy: string }, safe = false): DifferenceView {
  return { where, ...finding, safe }
}

/** Compares what hosts are told with what is derived from every buffer that can be read, and from every transfer. */
function desiredDifferences(cluster: Cluster, records: readonly DesiredRecord[]): DifferenceView[] {
  const differences: DifferenceView[] = []
  for (const record of records) {
    const told = cluster.desired[record.kind].get(hostKey(record.host, record.id))
    if (told && isDeepStrictEqual({ ...told, fence: 0 }, { ...record.document, fence: 0 })) continue
    const finding = told ? found.desiredDiffers() : found.desiredMissing()
    differences.push(difference(`desired ${describeRecord(record)}`, finding, true))
  }
  return differences
}

function sessionDifferences(cluster: Cluster): DifferenceView[] {
  const ended = sessionsToEnd(cluster).map((key) => difference(`session ${key}`, found.sessionWithoutBuffer(), true))
  const withSession = new Set([...cluster.sessions.values()].map(({ buffer }) => buffer))
  const lonely = [...cluster.buffers]
    .filter(([key, { wanted }]) => wanted === 'present' && !withSession.has(key))
    .map(([key, { kind }]) =>
      difference(
        `buffer ${key}`,
        kind === 'job' ? found.jobBufferWithoutSession(key) : found.persistentWithoutSession(key),
      ),
    )
  return [...ended, ...lonely]
}

function ignoredReports(cluster: Cluster): DifferenceView[] {
  return [...cluster.ignored].map(([host, report]) =>
    difference(`host ${host}`, found.hostIgnored(host, describeIgnored(report))),
  )
}

function cutOffDifferences(cluster: Cluster): DifferenceView[] {
  return cutOffHosts(cluster).map((cutOff) => {
    const { host, mount } = cutOff
    return difference(`host ${host}`, found.mountDisconnected(host, mount.path, describeCutOff(cluster, cutOff)))
  })
}

function* diskDifferences(cluster: Cluster): Work<DifferenceView[]> {
  const placed = [...cluster.buffers].flatMap(([key, { bricks, released, wanted, builtAt }]) =>
    [...bricks, ...released].map((brick) => ({ key, brick, holdsData: wanted === 'present' && builtAt !== undefined })),
  )
  for (const [place, spare] of sparesOf(cluster))
    placed.push({ key: spareOf(spare.spare), brick: { ...spare, host: place.split('/')[0]! }, holdsData: false })
  const [listed, inventories] = [
    devices(cluster),
    new Map<string, Pick<IgnoredReport, 'devices'>>([...cluster.inventories, ...cluster.ignored]),
  ]
  const allRead = areAllRead(cluster)
  const byUuid = new Map(placed.map((owned) => [owned.brick.uuid, owned]))
  const missing = yield* each(placed, ({ key, brick, holdsData }) => {
    const seen = inventories.get(brick.host)
    const problem = seen && brickProblem(seen.devices, brick, holdsData)
    if (problem === undefined) return []
    return [difference(`brick ${hostKey(brick.host, brick.device)} of ${key}`, found.brickMissing(problem))]
  })
  const orphans = yield* each(listed, ({ host, device }) => {
    const owned = device.stamp && byUuid.get(device.stamp.uuid)
    if (!device.stamp || (owned?.brick.host === host && owned.brick.device === device.name)) return []
    if (!owned && !allRead) return []
    const place = hostKey(host, device.name)
    const finding = owned
      ? found.brickElsewhere(owned.key, hostKey(owned.brick.host, owned.brick.device))
      : found.brickUnclaimed(device.stamp.uuid, place)
    return [difference(`device ${place}`, finding)]
  })
  return [...missing, ...orphans].flat()
}

function brickProblem(listed: readonly InventoryDevice[], brick: PlacedBrick, holdsData: boolean): string | undefined {
  const device = listed.find(({ name }) => name === brick.device)
  if (!device) return deviceNotListed()
  if (device.identity !== brick.identity) return deviceReplaced(device.identity)
  return holdsData && device.state === 'blank' ? dataMissing() : undefined
}

/** Lists that were too long for the inventory: the check says what it has not seen, and reports nothing of it as missing. */
function cutLists(cluster: Cluster): DifferenceView[] {
  return alive(cluster).flatMap(([host, { cut = [] }]) =>
    cut.map((list) =>
      difference(
        `host ${host}`,
        found.listTruncated(host, list, list === 'volumes' ? listedVolumes.listVolumes : 'findmnt'),
      ),
    ),
  )
}

function* volumeDifferences(cluster: Cluster): Work<DifferenceView[]> {
  const claimed = new Set<string>()
  for (const buffer of cluster.buffers.values()) for (const volume of volumesOf(buffer)) claimed.add(volume)
  const seen = new Map<string, string[]>()
  const [buffers, inventories] = [[...cluster.buffers], new Map(alive(cluster))]
  for (const [host, { volumes }] of inventories) {
    for (const volume of volumes ?? []) {
      const hosts = seen.get(volume)
      if (hosts) hosts.push(host)
      else seen.set(volume, [host])
    }
    yield
  }
  const orphans = [...seen]
    .filter(([volume]) => !claimed.has(volume) && areAllRead(cluster))
    .map(([volume, hosts]) =>
      difference(listedVolumes.nameOf(volume), found.volumeUnclaimed(hosts, listedVolumes.remove(volume, hosts[0]!))),
    )
  const missing = yield* each(buffers, ([key, { volume, builtAt, wanted, bricks, dataPlane }]) => {
    // Its hosts check for themselves what they serve.
    if (dataPlane === 'direct') return []
    const told = bricks.flatMap(({ host }) => inventories.get(host) ?? [])
    const isTold = told.some(({ volumes, cut }) => volumes && !cut?.includes('volumes'))
    if (builtAt === undefined || wanted === 'absent' || !isTold || seen.has(volume)) return []
    return [difference(`buffer ${key}`, found.volumeMissing(listedVolumes.notFound(volume)))]
  })
  return [...orphans, ...missing.flat()]
}

/**
 * What hosts serve by themselves, or have left of it, of volumes that no buffer has on that host. A port that a buffer has there
 * by now is not among what is left.
 */
function* servedDifferences(cluster: Cluster): Work<DifferenceView[]> {
  if (!areAllRead(cluster)) return []
  const claimed = new Set<string>()
  const taken = new Set<string>()
  for (const buffer of cluster.buffers.values()) {
    for (const host of hostsOf(buffer)) claimed.add(hostKey(host, buffer.volume))
    for (const { host, at } of [...buffer.bricks, ...buffer.released]) if (at) taken.add(`${host}:${at.port}`)
  }
  const differences = yield* each(alive(cluster), ([host, { served = [] }]) =>
    served
      .filter(({ volume }) => !claimed.has(hostKey(host, volume)))
      .map((each) => ({ ...each, ports: each.ports.filter((port) => !taken.has(`${host}:${port}`)) }))
      .filter(({ devices, ports }) => devices.length + ports.length > 0)
      .map((each) =>
        difference(servedVolumes.nameOf(each.volume, host), {
          what: servedVolumes.found(each),
          remedy: servedVolumes.remove(host, each),
        }),
      ),
  )
  return differences.flat()
}

function* mountDifferences(cluster: Cluster): Work<DifferenceView[]> {
  const bricks = new Set<string>()
  for (const { bricks: own, released } of cluster.buffers.values()) {
    for (const { host, device } of [...own, ...released]) bricks.add(`${host}:${brickMountPath(device)}`)
  }
  for (const place of sparesOf(cluster).keys()) {
    const [host, device] = place.split('/') as [string, string]
    bricks.add(`${host}:${brickMountPath(device)}`)
  }
  const wanted = new Set([...cluster.desired.mount].map(([key, { path }]) => `${key.split('/')[0]!}:${path}`))
  const allRead = areAllRead(cluster)
  const differences = yield* each(alive(cluster), ([host, { mounts }]) =>
    (mounts ?? [])
      .filter(({ path }) => {
        const isBrick = path.startsWith(`${brickRoot}/`)
        return !(isBrick ? bricks : wanted).has(`${host}:${path}`) && (!isBrick || allRead)
      })
      .map(({ path, source }) => difference(`mount ${path} on ${host}`, found.mountUnclaimed(host, path, source))),
  )
  return differences.flat()
}

/** Bricks that should be mounted and were not at the last look of a host, unless they were built after it. */
function* missingMounts(cluster: Cluster, now: number): Work<DifferenceView[]> {
  const differences = yield* eachDocument(cluster.buffers, ({ bricks, wanted, builtAt }, key) => {
    if (wanted === 'absent' || builtAt === undefined || now - builtAt < oldestLookSeconds) return []
    return bricks.flatMap(({ host, device }) => {
      const { mounts, cut } = (cluster.hosts.has(host) && cluster.inventories.get(host)) || {}
      if (!mounts || cut?.includes('mounts') || mounts.some(({ path }) => path === brickMountPath(device))) return []
      return [difference(`mount ${brickMountPath(device)} on ${host}`, found.brickNotMounted(key))]
    })
  })
  return differences.flat()
}

/**
 * Each buffer's document can be read. Otherwise what no buffer claims may be of one that cannot, with data or a job on it: to
 * remove it is no remedy.
 */
function areAllRead(cluster: Cluster): boolean {
  return !hasUnreadable(cluster, ['buffers'])
}

function alive(cluster: Cluster) {
  return [...cluster.inventories].filter(([host]) => cluster.hosts.has(host))
}

function devices(cluster: Cluster): { host: string; device: InventoryDevice }[] {
  return [...cluster.inventories].flatMap(([host, { devices }]) => devices.map((device) => ({ host, device })))
}
