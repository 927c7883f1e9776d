import type { Spare } from './documents/brick.js'
import type { BufferDocument } from './documents/buffer.js'
import type { CordonDocument } from './documents/cordon.js'
import type { Desired, DesiredKind, SessionKind } from './documents/desired.js'
import type { HostDocument } from './documents/host.js'
import type { InventoryDevice, InventoryDocument } from './documents/inventory.js'
import type { DesiredMount, MountView } from './documents/mount.js'
import type { Observed } from './documents/observed.js'
import type { SessionDocument } from './documents/session.js'
import { archivedName } from './names.js'
import type { PoolRequest, PoolSpace } from './space.js'

/**
 * The whole cluster as the scheduler knows it: the documents of etcd by their names, nothing derived.
 * Planners read it and never write it.
 */
export interface Cluster {
  /** Hosts that are alive: their agent holds its lease. */
  hosts: ReadonlyMap<string, HostDocument>
  /** The last documents of hosts, also of those that are away; without it, they are not known. */
  lastSeen?: ReadonlyMap<string, HostDocument>
  inventories: ReadonlyMap<string, InventoryDocument>
  /** What hosts report that only storage hosts may report, for hosts that the configuration does not name as such. */
  ignored: ReadonlyMap<string, IgnoredReport>
  /** By `host` or `host/device`. */
  cordons: ReadonlyMap<string, CordonDocument>
  /** By the key's name, which for an archived buffer is `name~id`. */
  buffers: ReadonlyMap<string, BufferDocument>
  sessions: ReadonlyMap<string, SessionDocument>
  /** By `at(host, id)`, as are the observed. */
  desired: { readonly [K in DesiredKind]: ReadonlyMap<string, Desired[K]> }
  observed: { readonly [K in DesiredKind]: ReadonlyMap<string, Observed[K]> }
  lastId: number
  /** Keys whose documents do not match their schema: their content is unknown, so no decision may rely on its absence. */
  invalid: ReadonlyMap<string, string>
  /** Kept by the scheduler's cache; without it the functions below search the whole cluster. */
  index?: ClusterIndex
}

/** It is in none of the other maps. */
export interface IgnoredReport {
  isStorage: boolean
  devices: readonly InventoryDevice[]
  stagePaths: readonly string[]
}

/** Answers that the scheduler's cache keeps up to date, instead of a search through the whole cluster. */
export interface ClusterIndex {
  /** Sessions that made or use the buffer of this key. */
  sessionsUsing(bufferKey: string): readonly SessionDocument[]
  /** Documents of that kind that hosts are told for the session with that id. */
  desiredOf<K extends SessionKind>(kind: K, sessionId: number): readonly { host: string; document: Desired[K] }[]
  /** By `hostKey(host, device)`: named by some buffer's document. */
  claimedDevices: Pick<ReadonlySet<string>, 'has'>
  /** Each place of a disk that several hosts see, with the other places. */
  sharedDisks: ReadonlyMap<string, string>
  /** Names of the volumes of all buffers, former ones too. */
  volumeNames: Pick<ReadonlySet<string>, 'has'>
  /** What the pool has for that request. */
  spaceOf(request: PoolRequest): PoolSpace
  /** By `hostKey(host, device)`. */
  spares: ReadonlyMap<string, Spare>
  /** Of the session with that id. */
  mountsOf(sessionId: number): MountCounts
}

/** How far the hosts are with the mounts and the swap of a session. */
export interface MountCounts {
  /** Reports of a mount that stands. */
  mounted: number
  /** Reports of swap that is on. */
  swapping: number
  /** Reports that a host cannot mount, unmount or swap. */
  problems: number
  /** By `hostKey(host, mountId)`: what a host was told to mount, or reports on, and does not report as unmounted. */
  left: ReadonlyMap<string, { host: string; buffer: number }>
}

/** The desired documents of a session, also for buffers that no longer exist. In no particular order. */
export function desiredOf<K extends SessionKind>(
  cluster: Cluster,
  kind: K,
  session: { id: number },
): readonly { host: string; document: Desired[K] }[] {
  if (cluster.index) return cluster.index.desiredOf(kind, session.id)
  const all = cluster.desired[kind] as ReadonlyMap<string, Desired[K]>
  return [...all]
    .filter(([, document]) => document.session.id === session.id)
    .map(([key, document]) => ({ host: key.split('/')[0]!, document }))
}

/** The host as it is, or as it was when it was last alive: nothing is to change for a host that is away for a moment. */
export function lastKnown({ hosts, lastSeen }: Cluster, host: string): HostDocument | undefined {
  return hosts.get(host) ?? lastSeen?.get(host)
}

/**
 * The name in etcd of a buffer's document (`buffers/<key>`): the buffer's own name, or `name~id` when it was moved
 * aside.
 */
export function bufferKey(cluster: Cluster, buffer: BufferDocument): string {
  return cluster.buffers.get(buffer.name)?.id === buffer.id ? buffer.name : archivedName(buffer.name, buffer.id)
}

/** The name in etcd of a session's document (`sessions/<key>`): its token, or `token~id` when it was archived. */
export function sessionKey(cluster: Cluster, session: SessionDocument): string {
  return cluster.sessions.get(session.token)?.id === session.id
    ? session.token
    : archivedName(session.token, session.id)
}

/** The buffers that a session made or uses, by the keys of their documents; those that are gone are left out. */
export function sessionBuffers(cluster: Cluster, session: SessionDocument): { key: string; buffer: BufferDocument }[] {
  const keys = [...(session.buffer === undefined ? [] : [session.buffer]), ...session.uses]
  return keys.flatMap((key) => {
    const buffer = cluster.buffers.get(key)
    return buffer ? [{ key, buffer }] : []
  })
}

/** Key of the maps in `Cluster.desired` and `Cluster.observed`: `<host>/<id>`. */
export function hostKey(host: string, id: string): string {
  return `${host}/${id}`
}

/**
 * The id of a desired and observed mount: `<session id>.<buffer id>`, and for modes other than striped `.<mode>` behind
 * it.
 */
export function mountId(sessionId: number, bufferId: number, view: MountView = 'striped'): string {
  return view === 'striped' ? `${sessionId}.${bufferId}` : `${sessionId}.${bufferId}.${view}`
}

/** The same, of a mount's document. */
export function mountIdOf({ session, buffer, view }: Pick<DesiredMount, 'session' | 'buffer' | 'view'>): string {
  return mountId(session.id, buffer.id, view)
}

/** The id of a desired and observed swap: `<session id>.<buffer id>`. */
export function swapId(sessionId: number, bufferId: number): string {
  return `${sessionId}.${bufferId}`
}

/**
 * The id of a desired and observed transfer: `<session id>.<n>`. `n`: the number of a transfer in its session, from 1.
 */
export function transferId(sessionId: number, n: number): string {
  return `${sessionId}.${n}`
}

export const brickRoot = '/data/glusterfs'

/**
 * Volumes are mounted here for transfers, each separately. Users must be able to pass through it, so it is not below /run/burstbuffer,
 * which they must not enter.
 */
export const transferRoot = '/run/burstbuffer-transfers'

/** Absolute path at which a brick's device is mounted on its host. */
export function brickMountPath(device: string): string {
  return `${brickRoot}/${device}`
}

/** Absolute path of the directory in a mounted brick that is exported. */
export function brickPath(device: string, directory: string): string {
  return `${brickRoot}/${device}/${directory}`
}

/** A cluster without hosts, buffers or sessions, of its own maps: to be filled, and for tests. */
export function emptyCluster(): Cluster {
  return {
    hosts: new Map(),
    inventories: new Map(),
    ignored: new Map(),
    cordons: new Map(),
    buffers: new Map(),
    sessions: new Map(),
    desired: emptyByKind<Desired>(),
    observed: emptyByKind<Observed>(),
    lastId: 0,
    invalid: new Map(),
  }
}

export type ByKind<D extends Record<DesiredKind, unknown>> = { readonly [K in DesiredKind]: Map<string, D[K]> }

/** An empty map for each kind of desired document. */
export function emptyByKind<D extends Record<DesiredKind, unknown>>(): ByKind<D> {
  return {
    brick: new Map(),
    volume: new Map(),
    mount: new Map(),
    peer: new Map(),
    adopt: new Map(),
    transfer: new Map(),
    swap: new Map(),
  }
}
