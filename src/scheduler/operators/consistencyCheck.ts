import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../../daemon/clock.js'
import { yieldToEventLoop } from '../../daemon/yieldToEventLoop.js'
import type { DifferenceView } from '../../model/api.js'
import { cutOffHosts } from '../../model/buffers.js'
import { hostKey, brickMountPath, brickRoot, type Cluster } from '../../model/cluster.js'
import type { PlacedBrick } from '../../model/documents/buffer.js'
import type { InventoryDevice } from '../../model/documents/inventory.js'
import { describeCutOff } from '../admission/cutOff.js'
import { describeIgnored } from '../cluster/storageHosts.js'
import { listedVolumes } from '../dataplane/index.js'
import { type DesiredRecord, describeRecord } from '../../model/desiredRecord.js'
import { desiredOfBuffer, type SessionSettings, desiredTransfers } from '../desired/index.js'

/** What hosts saw may be so old. */
const oldestLookSeconds = 90

/*
 * Where etcd, the disks, the mounts and the volumes do not tell the same story, and the remedy for each. What hosts
 * saw is as old as their last look, up to a minute and a half.
 */
export async function checkCluster(cluster: Cluster, config: SessionSettings, clock: Clock): Promise<DifferenceView[]> {
  const found: DifferenceView[] = []
  for (const piece of piecesOfCheck(cluster, config, clock.unixSeconds())) {
    found.push(...piece)
    await yieldToEventLoop(clock)
  }
  return found
}

/** Each piece is of one moment, and small enough that everything else may wait for it; the cluster may change between two. */
export function* piecesOfCheck(cluster: Cluster, config: SessionSettings, now: number): Generator<DifferenceView[]> {
  yield [...cluster.invalid].map(([key, reason]) =>
    difference(`etcd key ${key}`, `it cannot be read: ${reason}`, 'fix the document, or delete the key'),
  )
  yield* piecesOf(cluster.buffers, (buffer) => desiredDifferences(cluster, desiredOfBuffer(cluster, buffer, config)))
  yield* piecesOf(cluster.sessions, (session) => desiredDifferences(cluster, desiredTransfers(cluster, session)))
  yield sessionDifferences(cluster)
  yield ignoredReports(cluster)
  yield cutOffDifferences(cluster)
  yield diskDifferences(cluster)
  yield cutLists(cluster)
  yield volumeDifferences(cluster)
  yield mountDifferences(cluster)
  yield missingMounts(cluster, now)
}

const pieceSize = 200

/** Of those that stand when their piece begins. */
function* piecesOf<T>(
  documents: ReadonlyMap<string, T>,
  differencesOf: (document: T) => DifferenceView[],
): Generator<DifferenceView[]> {
  const keys = [...documents.keys()]
  for (let start = 0; start < keys.length; start += pieceSize) {
    yield keys.slice(start, start + pieceSize).flatMap((key) => {
      const document = documents.get(key)
      return document === undefined ? [] : differencesOf(document)
    })
  }
}

/** Sessions whose own buffer is gone: only their end resolves it. */
export function sessionsToEnd(cluster: Cluster): string[] {
  return [...cluster.sessions]
    .filter(([, { stage, buffer }]) => stage !== 'leaving' && buffer !== undefined && !cluster.buffers.has(buffer))
    .map(([key]) => key)
}

function difference(where: string, what: string, remedy: string, safe = false): DifferenceView {
  return { where, what, remedy, safe }
}

/** Hosts are told what is wanted of every buffer that can be read, and of every transfer. */
function desiredDifferences(cluster: Cluster, records: readonly DesiredRecord[]): DifferenceView[] {
  const found: DifferenceView[] = []
  for (const record of records) {
    const told = cluster.desired[record.kind].get(hostKey(record.host, record.id))
    if (told && isDeepStrictEqual({ ...told, fence: 0 }, { ...record.document, fence: 0 })) continue
    const what = told ? 'the host is told something else' : 'the host is not told'
    found.push(difference(`desired ${describeRecord(record)}`, what, 'the leader writes it again', true))
  }
  return found
}

function sessionDifferences(cluster: Cluster): DifferenceView[] {
  const ended = sessionsToEnd(cluster).map((key) =>
    difference(`session ${key}`, 'the buffer that it made is gone', 'end the session', true),
  )
  const withSession = new Set([...cluster.sessions.values()].map(({ buffer }) => buffer))
  const lonely = [...cluster.buffers]
    .filter(([key, { wanted }]) => wanted === 'present' && !withSession.has(key))
    .map(([key, { kind }]) =>
      difference(
        `buffer ${key}`,
        'no session made it, so Slurm does not see it',
        kind === 'job'
          ? `bbctl show ${key} says how to mount it, if something on it is to be saved; then bbctl destroy ${key}`
          : `bbctl create, or create_persistent, as it was made: that gives it a session and keeps its data; or bbctl destroy ${key}`,
      ),
    )
  return [...ended, ...lonely]
}

function ignoredReports(cluster: Cluster): DifferenceView[] {
  return [...cluster.ignored].map(([host, report]) => {
    const remedy = `name it in storageHosts, if it is to be a storage host; else take that out of its agent.yaml, or delete the key inventory/${host} of a host that is gone`
    return difference(`host ${host}`, describeIgnored(report), remedy)
  })
}

function cutOffDifferences(cluster: Cluster): DifferenceView[] {
  return cutOffHosts(cluster).map((found) => {
    const { host, mount } = found
    const remedy = `on ${host}: end what uses ${mount.path}, or restart the node; its agent unmounts it within a minute then`
    return difference(`host ${host}`, describeCutOff(cluster, found), remedy)
  })
}

function diskDifferences(cluster: Cluster): DifferenceView[] {
  const placed = [...cluster.buffers].flatMap(([key, { bricks, released, wanted, builtAt }]) =>
    [...bricks, ...released].map((brick) => ({ key, brick, holdsData: wanted === 'present' && builtAt !== undefined })),
  )
  const byUuid = new Map(placed.map((owned) => [owned.brick.uuid, owned]))
  const missing = placed.flatMap(({ key, brick, holdsData }) => {
    const seen = cluster.ignored.get(brick.host) ?? cluster.inventories.get(brick.host)
    const problem = seen && brickProblem(seen.devices, brick, holdsData)
    if (problem === undefined) return []
    const remedy = 'bring the disk back, or destroy the buffer when its users have saved what they can'
    return [difference(`brick ${hostKey(brick.host, brick.device)} of ${key}`, problem, remedy)]
  })
  const orphans = devices(cluster).flatMap(({ host, device }) => {
    const owned = device.stamp && byUuid.get(device.stamp.uuid)
    if (!device.stamp || (owned?.brick.host === host && owned.brick.device === device.name)) return []
    const place = hostKey(host, device.name)
    const what = owned
      ? `it carries the brick of ${owned.key} that was made on ${hostKey(owned.brick.host, owned.brick.device)}`
      : `it carries the brick ${device.stamp.uuid}, which no buffer claims`
    const remedy = owned
      ? 'put the disk back to its name'
      : `bbctl restore a backup that knows it, or bbctl adopt ${place}, which wipes it`
    return [difference(`device ${place}`, what, remedy)]
  })
  return [...missing, ...orphans]
}

function brickProblem(listed: readonly InventoryDevice[], brick: PlacedBrick, holdsData: boolean): string | undefined {
  const device = listed.find(({ name }) => name === brick.device)
  if (!device) return 'the host lists no such device any more'
  if (device.identity !== brick.identity)
    return `the device is another: ${device.identity || 'it has no serial number'}`
  if (holdsData && device.state === 'blank') return 'the device is blank, and should hold data'
  return undefined
}

/** What a host could not list is not missing: the check says what it has not seen. */
function cutLists(cluster: Cluster): DifferenceView[] {
  return alive(cluster).flatMap(([host, { cut = [] }]) =>
    cut.map((list) =>
      difference(
        `host ${host}`,
        `it has more ${list} than its inventory lists: those that are not listed are not checked`,
        `on ${host}: ${list === 'volumes' ? listedVolumes.listVolumes : 'findmnt'}`,
      ),
    ),
  )
}

function volumeDifferences(cluster: Cluster): DifferenceView[] {
  const claimed = new Set<string>()
  for (const { volume, formerVolumes } of cluster.buffers.values()) {
    claimed.add(volume)
    for (const former of formerVolumes) claimed.add(former.volume)
  }
  const seen = new Map<string, string[]>()
  for (const [host, { volumes }] of alive(cluster)) {
    for (const volume of volumes ?? []) seen.set(volume, [...(seen.get(volume) ?? []), host])
  }
  const orphans = [...seen]
    .filter(([volume]) => !claimed.has(volume))
    .map(([volume, hosts]) =>
      difference(
        listedVolumes.nameOf(volume),
        `no buffer claims it; seen by ${hosts.join(', ')}`,
        listedVolumes.remove(volume, hosts[0]!),
      ),
    )
  const missing = [...cluster.buffers].flatMap(([key, { volume, builtAt, wanted, bricks, dataPlane }]) => {
    // Its hosts look at what they serve themselves.
    if (dataPlane === 'direct') return []
    const told = bricks.flatMap(({ host }) => (cluster.hosts.has(host) && cluster.inventories.get(host)) || [])
    const isTold = told.some(({ volumes, cut }) => volumes && !cut?.includes('volumes'))
    if (builtAt === undefined || wanted === 'absent' || !isTold || seen.has(volume)) return []
    return [difference(`buffer ${key}`, listedVolumes.notFound(volume), 'its primary makes it again: bbctl show')]
  })
  return [...orphans, ...missing]
}

function mountDifferences(cluster: Cluster): DifferenceView[] {
  const bricks = new Set<string>()
  for (const { bricks: own, released } of cluster.buffers.values()) {
    for (const { host, device } of [...own, ...released]) bricks.add(`${host}:${brickMountPath(device)}`)
  }
  const wanted = new Set([...cluster.desired.mount].map(([key, { path }]) => `${key.split('/')[0]!}:${path}`))
  return alive(cluster).flatMap(([host, { mounts }]) =>
    (mounts ?? [])
      .filter(({ path }) => !(path.startsWith(`${brickRoot}/`) ? bricks : wanted).has(`${host}:${path}`))
      .map(({ path, source }) =>
        difference(`mount ${path} on ${host}`, `of ${source}: no buffer claims it`, `on ${host}: umount ${path}`),
      ),
  )
}

/** Bricks that should be mounted and are not: those that were there at their host's last look, whenever that was. */
function missingMounts(cluster: Cluster, now: number): DifferenceView[] {
  return [...cluster.buffers].flatMap(([key, { bricks, wanted, builtAt }]) => {
    if (wanted === 'absent' || builtAt === undefined || now - builtAt < oldestLookSeconds) return []
    return bricks.flatMap(({ host, device }) => {
      const { mounts, cut } = (cluster.hosts.has(host) && cluster.inventories.get(host)) || {}
      if (!mounts || cut?.includes('mounts') || mounts.some(({ path }) => path === brickMountPath(device))) return []
      const where = `mount ${brickMountPath(device)} on ${host}`
      const remedy = `its agent mounts it at its next look, within a minute; else bbctl show ${key} says why not`
      return [difference(where, `the brick of ${key} is not mounted`, remedy)]
    })
  })
}

function alive(cluster: Cluster) {
  return [...cluster.inventories].filter(([host]) => cluster.hosts.has(host))
}

function devices(cluster: Cluster): { host: string; device: InventoryDevice }[] {
  return [...cluster.inventories].flatMap(([host, { devices }]) => devices.map((device) => ({ host, device })))
}
