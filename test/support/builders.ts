import type { Account } from '../../src/scheduler/users/accounts.js'
import { hostKey, type Cluster, emptyCluster, mountId } from '../../src/model/cluster.js'
import type { ObservedBrick } from '../../src/model/documents/brick.js'
import type { BufferDocument, PlacedBrick } from '../../src/model/documents/buffer.js'
import type { CordonDocument } from '../../src/model/documents/cordon.js'
import type { Desired, DesiredKind } from '../../src/model/documents/desired.js'
import type { HostDocument } from '../../src/model/documents/host.js'
import type { InventoryDevice, InventoryDocument } from '../../src/model/documents/inventory.js'
import type { MountView, ObservedMount } from '../../src/model/documents/mount.js'
import type { Observed } from '../../src/model/documents/observed.js'
import type { SessionDocument, SessionTransfer } from '../../src/model/documents/session.js'
import type { ObservedSwap } from '../../src/model/documents/swap.js'
import type { ObservedTransfer } from '../../src/model/documents/transfer.js'
import type { ObservedVolume } from '../../src/model/documents/volume.js'
import { ourLevels } from '../../src/model/levels.js'

export const pool = 'dedicated_nvme'
export const terabyte = 1e12
export const alice = { uid: 20001, gid: 20001 }
export const bob = { uid: 20002, gid: 20002 }
/** What the name service says of both, by uid. */
export const accountEntries: [number, Account][] = [
  [alice.uid, { name: 'alice', gid: alice.gid }],
  [bob.uid, { name: 'bob', gid: bob.gid }],
]

export interface Hosted {
  host: HostDocument
  inventory: InventoryDocument
  alive: boolean
}

/** A storage host with blank devices nvme1n1, nvme2n1, … of 1 TB. */
export function aHost(
  name: string,
  options: {
    devices?: number | Partial<InventoryDevice>[]
    roles?: HostDocument['roles']
    alive?: boolean
    boot?: string
    brickPorts?: HostDocument['brickPorts']
  } = {},
): Hosted {
  const { devices = 2, roles = ['storage'], alive = true, boot, brickPorts } = options
  const listed = typeof devices === 'number' ? Array.from({ length: devices }, () => ({})) : devices
  return {
    host: {
      v: 1,
      host: name,
      roles,
      addresses: [name],
      versions: { documents: ourLevels },
      startedAt: 1,
      ...(boot ? { boot } : {}),
      ...(brickPorts ? { brickPorts } : {}),
    },
    inventory: { v: 1, host: name, devices: listed.map((device, index) => aDevice(name, index + 1, device)) },
    alive,
  }
}

export function aDevice(host: string, number: number, parts: Partial<InventoryDevice> = {}): InventoryDevice {
  const name = parts.name ?? `nvme${number}n1`
  return {
    name,
    path: `/dev/${name}`,
    pool,
    identity: `serial:${host}-${name}`,
    sizeBytes: terabyte,
    state: 'blank',
    ...parts,
  }
}

/** `gluster1/nvme1n1` as it was placed; its uuid ends in `uuid`, by default a number made from the place. */
export function aBrick(place: string, uuid?: number): PlacedBrick {
  const [host, device] = place.split('/') as [string, string]
  const number = uuid ?? [...place].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) % 1e9, 7)
  return { host, device, identity: `serial:${host}-${device}`, sizeBytes: terabyte, uuid: aUuid(number) }
}

export function aUuid(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`
}

/** Uuids that are different and the same in every run. */
export function uuids(): () => string {
  let number = 5000
  return () => aUuid(number++)
}

export function aBuffer(
  parts: Partial<Omit<BufferDocument, 'bricks' | 'released'>> & { bricks?: string[]; released?: string[] } = {},
): BufferDocument {
  const { bricks = ['gluster1/nvme1n1'], released = [], ...rest } = parts
  const name = rest.name ?? 'mytest'
  return {
    v: 1,
    id: 10,
    name,
    kind: /^[0-9]/.test(name) ? 'job' : 'persistent',
    ...alice,
    pool,
    granularityBytes: terabyte,
    requestedBytes: bricks.length * terabyte,
    access: ['striped'],
    volume: name,
    bricks: bricks.map((place) => aBrick(place)),
    released: released.map((place) => aBrick(place)),
    formerVolumes: [],
    directory: 'brick',
    wanted: 'present',
    createdAt: 1000,
    ...rest,
  }
}

export function aSession(parts: Partial<SessionDocument> = {}): SessionDocument {
  const token = parts.token ?? '5'
  return {
    v: 1,
    id: 20,
    token,
    kind: /^[0-9]/.test(token) ? 'job' : 'persistent',
    ...alice,
    uses: [],
    computeHosts: [],
    stage: 'setup',
    createdAt: 1000,
    ...parts,
  }
}

/** A file staged into the buffer of job 5. */
export function aTransfer(parts: Partial<SessionTransfer> = {}): SessionTransfer {
  return {
    number: 1,
    direction: 'in',
    type: 'file',
    buffer: '5',
    variable: 'DW_JOB_STRIPED',
    inside: 'a',
    outside: '/lustre/alice/a',
    verify: false,
    attempt: 1,
    ...parts,
  }
}

export function aCordon(place: string, parts: Partial<CordonDocument> = {}): CordonDocument {
  const [host, device] = place.split('/') as [string, string | undefined]
  return {
    v: 1,
    host,
    ...(device === undefined ? {} : { device }),
    kind: 'operator',
    why: 'testing',
    who: 'root',
    when: 1,
    ...parts,
  }
}

/** Maps are by key, as in `Cluster`; a buffer or session in a list goes by its own name. */
export interface ClusterParts {
  hosts?: Hosted[]
  buffers?: BufferDocument[] | Record<string, BufferDocument>
  sessions?: SessionDocument[] | Record<string, SessionDocument>
  cordons?: CordonDocument[]
  /** By `kind host/id`, as in `brick gluster1/nvme1n1`. */
  desired?: Record<string, Desired[DesiredKind]>
  observed?: Record<string, Observed[DesiredKind]>
  lastId?: number
  invalid?: Record<string, string>
}

export function aCluster(parts: ClusterParts = {}): Cluster {
  const hosts = parts.hosts ?? []
  return {
    hosts: new Map(hosts.filter(({ alive }) => alive).map(({ host }) => [host.host, host])),
    inventories: new Map(
      hosts.filter(({ host }) => host.roles.includes('storage')).map(({ inventory }) => [inventory.host, inventory]),
    ),
    ignored: new Map(),
    cordons: new Map(
      (parts.cordons ?? []).map((cordon) => [
        cordon.device === undefined ? cordon.host : hostKey(cordon.host, cordon.device),
        cordon,
      ]),
    ),
    buffers: named(parts.buffers ?? [], (buffer) => buffer.name),
    sessions: named(parts.sessions ?? [], (session) => session.token),
    desired: byKind<Desired>(parts.desired ?? {}),
    observed: byKind<Observed>(parts.observed ?? {}),
    lastId: parts.lastId ?? 100,
    invalid: new Map(Object.entries(parts.invalid ?? {})),
  }
}

/** `brick gluster1/nvme1n1` is ready, as its agent reports it. */
export function brickReport(brick: PlacedBrick, parts: Partial<ObservedBrick> = {}): Record<string, ObservedBrick> {
  return {
    [`brick ${brick.host}/${brick.device}`]: {
      v: 1,
      uuid: brick.uuid,
      directory: 'brick',
      state: 'ready',
      waitingFor: [],
      ...parts,
    },
  }
}

/** Every brick of the buffer, released ones left out, as their agents report them. */
export function brickReports(
  buffer: BufferDocument,
  parts: Partial<ObservedBrick> = {},
): Record<string, ObservedBrick> {
  return Object.assign(
    {},
    ...buffer.bricks.map((brick) => brickReport(brick, { directory: buffer.directory, ...parts })),
  ) as Record<string, ObservedBrick>
}

export function volumeReport(
  buffer: BufferDocument,
  parts: Partial<ObservedVolume> & { host?: string; volume?: string } = {},
): Record<string, ObservedVolume> {
  const { host = buffer.bricks[0]!.host, volume = buffer.volume, ...rest } = parts
  return {
    [`volume ${host}/${volume}`]: { v: 1, bufferId: buffer.id, state: 'started', offline: [], waitingFor: [], ...rest },
  }
}

export function mountReport(
  host: string,
  session: { id: number },
  buffer: { id: number },
  parts: Partial<ObservedMount> & { view?: MountView } = {},
): Record<string, ObservedMount> {
  const { view, ...rest } = parts
  return {
    [`mount ${host}/${mountId(session.id, buffer.id, view)}`]: { v: 1, state: 'mounted', waitingFor: [], ...rest },
  }
}

export function swapReport(
  host: string,
  session: { id: number },
  buffer: { id: number },
  parts: Partial<ObservedSwap> = {},
): Record<string, ObservedSwap> {
  return { [`swap ${host}/${session.id}.${buffer.id}`]: { v: 1, state: 'on', waitingFor: [], ...parts } }
}

/** What a storage host says of the first transfer of that session. */
export function transferReport(
  host: string,
  session: { id: number },
  parts: Partial<ObservedTransfer> & { number?: number } = {},
): Record<string, ObservedTransfer> {
  const { number = 1, ...rest } = parts
  return {
    [`transfer ${host}/${session.id}.${number}`]: {
      v: 1,
      attempt: 1,
      part: 'plan',
      state: 'working',
      counts: { files: 0, bytes: 0, totalFiles: 0, totalBytes: 0, failed: 0 },
      failures: [],
      waitingFor: [],
      ...rest,
    },
  }
}

function named<T>(documents: T[] | Record<string, T>, name: (document: T) => string): Map<string, T> {
  return new Map(
    Array.isArray(documents) ? documents.map((document) => [name(document), document]) : Object.entries(documents),
  )
}

function byKind<D>(documents: Record<string, D[keyof D]>): never {
  const maps = emptyCluster().observed as unknown as Record<string, Map<string, unknown>>
  for (const [key, document] of Object.entries(documents)) {
    const [kind, place] = key.split(' ') as [string, string]
    maps[kind]!.set(place, document)
  }
  return maps as never
}
