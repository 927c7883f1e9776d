import { isDeepStrictEqual } from 'node:util'
import type { Log } from '../../daemon/log.js'
import { hostKey } from '../../model/cluster.js'
import type { DesiredBrick } from '../../model/documents/brick.js'
import { isSpare } from '../../model/spares.js'
import { toLevel, refusedFields } from '../../model/levels.js'
import { keys, parseKey } from '../../store/keys.js'
import type { Compare, Write } from '../../store/store.js'
import type { ClusterCache } from '../cluster/cache.js'
import { hasUnreadable } from '../cluster/unreadable.js'
import { type DesiredRecord, describeRecord } from '../../model/desiredRecord.js'

/** What is written to `desired/` in one transaction. */
export interface DesiredUpdate {
  /** The key, or the first of them. */
  name: string
  compares: Compare[]
  writes: Write[]
}

/**
 * What must be written so that `desired/` says what is wanted: records that are missing or differ (by more than the fence),
 * and the owner's keys that are wanted no more. `owned`: the keys in etcd that are this owner's.
 *
 * A volume goes from one host to another in one change, and only from a host that is away still: one that has just come back may
 * be making or starting it at this moment.
 */
export function differenceOf(
  cache: ClusterCache,
  fence: number,
  records: DesiredRecord[],
  owned: ReadonlySet<string>,
  log: Log,
): DesiredUpdate[] {
  const wanted = new Set<string>()
  const untold = new Set<string>()
  const updates = new Map<string, DesiredUpdate>()
  const ofHosts = new Set(
    records.flatMap((record) =>
      isOfHosts(record.document) ? [keys.desired(record.host, record.kind, record.id)] : [],
    ),
  )
  const groupOf = (key: string) => {
    const volume = ofHosts.has(key) ? undefined : movingVolume(cache, key)
    return volume ? `volume/${volume.id}` : key
  }
  const add = (key: string, write: Write, more: Compare[] = []) => {
    const update = updates.get(groupOf(key)) ?? { name: key, compares: [], writes: [] }
    update.compares.push(compareOf(cache, key), ...more)
    update.writes.push(write)
    updates.set(groupOf(key), update)
  }
  for (const whole of records) {
    const key = keys.desired(whole.host, whole.kind, whole.id)
    wanted.add(key)
    const record = asToldTo(cache, whole, log)
    if (record && isSame(cache, record)) continue
    if (record && mayWrite(cache, record, log)) add(key, { put: key, value: { ...record.document, fence } })
    else untold.add(groupOf(key))
  }
  for (const key of owned) {
    if (!wanted.has(key) && !untold.has(groupOf(key))) add(key, { delete: key }, stillAway(cache, key))
  }
  return [...updates.values()]
}

/** For a volume: the host that was told of it must still be away. For other keys: nothing to compare. */
function stillAway(cache: ClusterCache, key: string): Compare[] {
  const volume = movingVolume(cache, key)
  return !volume || cache.hosts.has(volume.host) ? [] : [{ key: keys.host(volume.host), modRevision: 0 }]
}

/** A volume that one host at a time is told of, whose keys are written together; undefined for any other key. */
function movingVolume(cache: ClusterCache, key: string): { host: string; id: string } | undefined {
  const parsed = parseKey(key)
  if (parsed?.collection !== 'desired' || parsed.kind !== 'volume') return undefined
  return isOfHosts(cache.desired.volume.get(hostKey(parsed.host, parsed.id))) ? undefined : parsed
}

/** A volume that each of its hosts is told of, for itself. */
function isOfHosts(document: object | undefined): boolean {
  return document !== undefined && 'type' in document && document.type === 'direct'
}

/** The record in the form of the host's release; undefined when that release must not get it. */
function asToldTo(cache: ClusterCache, record: DesiredRecord, log: Log): DesiredRecord | undefined {
  const level = cache.levelOf(record.host)
  const kind = `desired/${record.kind}` as const
  const refused = level === undefined ? [] : refusedFields(record.document, kind, level)
  if (level !== undefined && refused.length === 0) {
    return { ...record, document: toLevel(record.document, kind, level) } as DesiredRecord
  }
  log.error('a desired document cannot be written for the older release of a host', {
    wanted: describeRecord(record),
    refused,
  })
  return undefined
}

function isSame(cache: ClusterCache, { host, kind, id, document }: DesiredRecord): boolean {
  const current = cache.desired[kind].get(hostKey(host, id))
  return current !== undefined && isDeepStrictEqual({ ...current, fence: 0 }, { ...document, fence: 0 })
}

/**
 * Checks invariant 1 again before the write: a device is given only to the buffer whose document names it, and a volume's key is
 * taken over only from a buffer that no longer exists.
 */
function mayWrite(cache: ClusterCache, record: DesiredRecord, log: Log): boolean {
  const { host, kind, id, document } = record
  if (!('buffer' in document) || 'session' in document) return true
  const current =
    kind === 'brick' ? cache.desired.brick.get(hostKey(host, id)) : cache.desired.volume.get(hostKey(host, id))
  // A spare becomes the buffer's brick in the transaction that writes the buffer, and in no other.
  if (isSpareOf(record, cache.desired.brick.get(hostKey(host, id)))) return false
  const isOurs = kind !== 'brick' || cache.index.ownerOf(host, id) === document.buffer.id
  const isTaken =
    current !== undefined &&
    current.buffer.id !== document.buffer.id &&
    (kind === 'brick'
      ? isSpare(cache.desired.brick.get(hostKey(host, id))) || mayBeNamed(cache, host, id, current.buffer.id)
      : isKnown(cache, current.buffer.id))
  if (isOurs && !isTaken) return true
  log.error('two buffers claim the same place: nothing is written', {
    wanted: describeRecord(record),
    buffer: document.buffer.name,
    holder: current?.buffer.name,
  })
  return false
}

function isSpareOf({ document }: DesiredRecord, told: DesiredBrick | undefined): boolean {
  return document.kind === 'brick' && isSpare(told) && told.uuid === document.uuid
}

/** True when the other buffer still names the device, or cannot be read and so may name it. */
function mayBeNamed(cache: ClusterCache, host: string, device: string, id: number): boolean {
  const found = cache.bufferById(id)
  if (!found) return mayBeUnread(cache)
  const { buffer } = found
  return [...buffer.bricks, ...buffer.released].some((brick) => brick.host === host && brick.device === device)
}

function isKnown(cache: ClusterCache, id: number): boolean {
  return cache.index.bufferKey(id) !== undefined || mayBeUnread(cache)
}

/** Some buffer's or session's document cannot be read: an id that seems unknown may be in it. */
export function mayBeUnread(cache: ClusterCache): boolean {
  return hasUnreadable(cache, ['buffers', 'sessions'])
}

function compareOf(cache: ClusterCache, key: string): Compare {
  return { key, modRevision: cache.revisionOf(key) }
}
