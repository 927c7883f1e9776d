import { type Cluster, hostKey } from '../../model/cluster.js'
import type { Spare } from '../../model/documents/brick.js'
import type { CordonDocument } from '../../model/documents/cordon.js'
import { knowsField } from '../../model/levels.js'
import { compareNames } from '../../model/names.js'
import { isSpareReady, problemOfSpare, sparesOf } from '../../model/spares.js'
import { devicesAt, sharedDisks, takenDevices } from '../cluster/devices.js'
import { spaceOf } from '../cluster/space.js'
import type { DocumentChange } from '../commit/decision.js'
import type { PoolConfig, SchedulerConfig } from '../config.js'

/*
 * Spares: bricks of a pool that are formatted, mounted and stamped before anybody asks for one.
 *
 *   (blank) ──► being made ──► ready ──► a buffer's brick        bound, in the transaction that writes the buffer
 *                   │            │
 *                   └────────────┴──► given back ──► (blank)     wiped as its document says
 *
 * The desired document of the device says all of it. It is written where no document is (compared, together with the last id, so that
 * no placement takes the device at the same time), and is deleted when its agent has seen the device blank. Nothing else decides, so that
 * whoever dies when, the next leader goes on from the document, and the agent from the disk.
 *
 * A spare is given back when a buffer could not have it: its device or host is cordoned, no longer listed, in another pool, too small, or
 * has a problem; and when there are more than the pool wants. On a host that is away it stays, and does not count.
 */

export interface SparesContext {
  /** Unix seconds. */
  now: number
  newUuid: () => string
  config: Pick<SchedulerConfig, 'pools'>
  isLost: (host: string) => boolean
  /** Slots of a pool that requests wait for. */
  claimedSlots: (pool: string) => number
}

/** At most so many are written in one transaction. */
const maxAtOnce = 20
/** After this time a spare that its agent cannot wipe is forgotten; its device is cordoned. */
const forgetAfterSeconds = 600

/** What is to be written next; empty when spares are as the pools want them, or as far as they can be for now. */
export function changesOfSpares(cluster: Cluster, context: SparesContext): DocumentChange[] {
  const wanted = Object.values(context.config.pools).some(({ spares = 0 }) => spares > 0)
  const spares = placesOf(cluster)
  if (!wanted && spares.length === 0) return []
  const surplus = surplusOf(cluster, context)
  const ended = spares.flatMap((spare) => nextOf(cluster, spare, surplus, context))
  if (ended.length > 0) return ended.slice(0, maxAtOnce)
  const made = Object.entries(context.config.pools).flatMap(([name, pool]) => newSpares(cluster, name, pool, context))
  const changes = made.slice(0, maxAtOnce).map((make, index) => make(cluster.lastId + 1 + index))
  return changes.length === 0 ? [] : [...changes, { kind: 'lastId', lastId: cluster.lastId + changes.length }]
}

interface Place {
  host: string
  device: string
  spare: Spare
}

function placesOf(cluster: Cluster): Place[] {
  return [...sparesOf(cluster)].map(([place, spare]) => {
    const [host, device] = place.split('/') as [string, string]
    return { host, device, spare }
  })
}

function nextOf(
  cluster: Cluster,
  place: Place,
  surplus: ReadonlySet<string>,
  context: SparesContext,
): DocumentChange[] {
  const { host, device, spare } = place
  const agent = cluster.hosts.get(host)
  // An agent of an older release cannot be told.
  if (agent && !knowsField(agent, 'desired/brick', 'spare')) return []
  if (spare.wanted === 'absent')
    return isGone(cluster, place, context)
      ? [{ kind: 'brick', host, device, document: undefined }]
      : quarantine(cluster, place, context)
  if (isKept(cluster, place, surplus, context)) return []
  return [
    ...quarantine(cluster, place, context),
    { kind: 'brick', host, device, document: { ...spare, wanted: 'absent' } },
  ]
}

function isKept(
  cluster: Cluster,
  { host, device, spare }: Place,
  surplus: ReadonlySet<string>,
  { config }: SparesContext,
) {
  const pool = config.pools[spare.spare]
  if (!pool) return false
  const asked = { pool: spare.spare, granularityBytes: pool.granularityBytes, wipe: pool.wipe }
  const found = devicesAt(cluster, host, asked, takenDevices(cluster), sharedDisks(cluster))
  const availability = found.find((each) => each.device.name === device)?.availability
  // A look while it is formatted may have refused the device. If the device is bad, its agent says so of the spare.
  if (availability === 'lost' || availability === 'refused') return true
  return availability === 'free' && !surplus.has(hostKey(host, device))
}

/** Those that are more than their pools want: first those that are not ready. */
function surplusOf(cluster: Cluster, context: SparesContext): ReadonlySet<string> {
  const all = Object.entries(context.config.pools).flatMap(([pool, { spares = 0 }]) => {
    const counted = [...sparesOf(cluster)].filter(([place, spare]) => counts(place, spare, pool, context))
    const rank = ([place, spare]: [string, Spare]) => Number(!isSpareReady(cluster, place, spare))
    counted.sort((a, b) => rank(a) - rank(b) || compareNames(a[0], b[0]))
    return counted.slice(spares).map(([place]) => place)
  })
  return new Set(all)
}

function counts(place: string, spare: Spare, pool: string, { isLost }: SparesContext): boolean {
  return spare.spare === pool && spare.wanted === 'present' && !isLost(hostOf(place))
}

function isGone(cluster: Cluster, { host, device, spare }: Place, { now }: SparesContext): boolean {
  const place = hostKey(host, device)
  const observed = cluster.observed.brick.get(place)
  if (observed?.uuid === spare.uuid && observed.state === 'absent') return true
  const cordon = cluster.cordons.get(place)
  const isGivenUp = observed?.state === 'leaving' && problemOfSpare(cluster, place, spare) !== undefined
  return isGivenUp && cordon !== undefined && now - cordon.when >= forgetAfterSeconds
}

/** No new bricks on a device of which its agent has given up the spare. */
function quarantine(cluster: Cluster, { host, device, spare }: Place, { now }: SparesContext): DocumentChange[] {
  const why = problemOfSpare(cluster, hostKey(host, device), spare)
  if (why === undefined || cluster.cordons.has(hostKey(host, device))) return []
  const document: CordonDocument = { v: 1, host, device, kind: 'quarantine', why, who: 'scheduler', when: now }
  return [{ kind: 'cordon', host, device, document }]
}

/** One for each host at a time: those with the fewest spares first, and none that makes bricks just now. */
function newSpares(
  cluster: Cluster,
  pool: string,
  { spares = 0, granularityBytes, dataPlane, wipe }: PoolConfig,
  context: SparesContext,
): ((id: number) => DocumentChange)[] {
  const present = [...sparesOf(cluster)].filter(([place, spare]) => counts(place, spare, pool, context))
  const missing = spares - present.length
  if (missing <= 0 || context.claimedSlots(pool) > 0) return []
  // A document that cannot be read may be of a blank device.
  if ([...cluster.invalid.keys()].some((key) => /^(buffers|desired)\//.test(key))) return []
  const { hosts } = spaceOf(cluster, { pool, granularityBytes, wipe })
  const blank = hosts.flatMap(({ host, free }) => {
    const device = free.find(({ name }) => !cluster.desired.brick.has(hostKey(host, name)))
    return device && knowsField(cluster.hosts.get(host)!, 'desired/brick', 'spare') ? [{ host, device }] : []
  })
  const busy = blank.length > 0 ? hostsMaking(cluster) : new Set()
  const spared = new Map<string, number>()
  for (const [place] of present) spared.set(hostOf(place), (spared.get(hostOf(place)) ?? 0) + 1)
  return blank
    .filter(({ host }) => !busy.has(host))
    .sort((a, b) => (spared.get(a.host) ?? 0) - (spared.get(b.host) ?? 0))
    .slice(0, missing)
    .map(({ host, device: { name: device, identity, sizeBytes } }) => {
      const uuid = context.newUuid()
      return (id: number): DocumentChange => ({
        kind: 'brick',
        host,
        device,
        document: {
          ...({ v: 1, kind: 'brick', buffer: { id, name: 'spare' }, device, identity, sizeBytes, uuid } as const),
          ...({ directory: 'brick', uid: 0, gid: 0, mode: 0o700, spare: pool, wanted: 'present' } as const),
          ...(dataPlane === undefined ? {} : { dataPlane }),
          ...(wipe === undefined ? {} : { wipe }),
        },
      })
    })
}

/** Hosts that are making bricks, for a buffer or ahead. */
function hostsMaking(cluster: Cluster): Set<string> {
  const making = [...sparesOf(cluster)].filter(
    ([place, spare]) => spare.wanted === 'present' && !isSpareReady(cluster, place, spare),
  )
  const forming = [...cluster.observed.brick].filter(([, { state }]) => state === 'forming')
  return new Set([...making, ...forming].map(([place]) => hostOf(place)))
}

function hostOf(place: string): string {
  return place.split('/')[0]!
}
