import type { Phase } from './phase.js'

/*
 * What goes over the scheduler's socket to bbctl, and out of `bbctl --json`: stable shapes. Sizes are bytes, times unix
 * seconds, lists are sorted by name.
 */
export interface StatusView {
  scheduler: { host: string; leads: boolean; leader: string | null; etcd: string }
  /** Of the member that answered; null before one has. The quota is that of scheduler.yaml. */
  etcd: { sizeBytes: number; inUseBytes: number; isFull: boolean; quotaBytes: number } | null
  hosts: { alive: number; lost: string[]; cordoned: string[] }
  pools: PoolView[]
  buffers: Partial<Record<Phase, number>>
  /** What an operator should look at, in words. */
  problems: string[]
}

export interface PoolView {
  pool: string
  default: boolean
  granularityBytes: number
  totalBytes: number
  usedBytes: number
  freeBytes: number
  cordonedBytes: number
  lostBytes: number
}

export interface HostView {
  host: string
  state: 'alive' | 'lost'
  roles: string[]
  devices: number
  bricks: number
  cordon: string | null
  problems: string[]
  versions: Record<string, string>
}

export interface DeviceView {
  host: string
  device: string
  pool: string
  sizeBytes: number
  identity: string
  /** free, taken, cordoned, lost, foreign, refused or too small. */
  availability: string
  buffer: string | null
  reason: string | null
  /** What it can be wiped by; null where its agent does not say. `reason`: why it cannot be sanitized, or that it is not known. */
  wipes: { discard: boolean; zero: true; sanitize: 'yes' | 'no' | 'unknown'; reason: string | null } | null
}

export interface BufferView {
  name: string
  id: number
  kind: 'job' | 'persistent'
  uid: number
  pool: string
  sizeBytes: number
  bricks: number
  phase: Phase
  waitingFor: string[]
  reason: string | null
  createdAt: number
}

export interface BufferDetail extends BufferView {
  gid: number
  /** The group that it is shared with. */
  sharedGid: number | null
  requestedBytes: number
  access: string[]
  volume: string
  /** creating, started, degraded, deleting or absent. */
  volumeState: string | null
  mountpoint: string | null
  brickList: { host: string; device: string; state: string; problem: string | null }[]
  sessions: { token: string; kind: string; stage: string; uid: number; computeHosts: string[] }[]
  mounts: { host: string; token: string; state: string; problem: string | null }[]
  /** The stage lines of its sessions. */
  transfers: TransferView[]
  timeline: { at: number; text: string }[]
}

export interface TransferView {
  token: string
  /** `stage-in 1` */
  name: string
  source: string
  destination: string
  /** waiting, planning, copying, finishing, done, failed or dropped. */
  state: string
  attempt: number
  files: number
  bytes: number
  /** null before it was planned. */
  totalFiles: number | null
  totalBytes: number | null
  failed: number
  /** Of the last minute, while it copies. */
  bytesPerSecond: number | null
  secondsLeft: number | null
  waitingFor: string[]
  reason: string | null
  /** Some of what failed. */
  failures: string[]
  /** Where the user finds all that failed. */
  report: string | null
}

/** The body of every answer that is not 2xx. `refused` tells a user's mistake from a failure. */
export interface ErrorView {
  error: string
  refused: boolean
  /** Names that may have been meant. */
  suggestions?: string[]
  /** Jobs that use the buffer: `?force=true` destroys it all the same. */
  usedBy?: string[]
}

export interface CreateBody {
  name: string
  bytes: number
  pool?: string
  uid: number
  access: string
  /** The group that it is shared with: one that the owner is in. */
  group?: string | undefined
}

/** Where two sources do not tell the same story, and what ends it. `safe`: bbctl check --repair does it. */
export interface DifferenceView {
  where: string
  what: string
  remedy: string
  safe: boolean
}

/** What the scheduler knows of a job or a persistent buffer that waits, in sentences. */
export interface ExplainView {
  name: string
  /** There is a session or a buffer of that name, or a call that makes one. */
  isKnown: boolean
  lines: string[]
}

/** How many documents a restore brought back. */
export interface RestoreView {
  buffers: number
  sessions: number
  cordons: number
}
