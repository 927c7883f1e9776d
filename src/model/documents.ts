import { z } from 'zod'
import {
  accountId,
  maxBricks,
  maxHosts,
  maxOnHost,
  mode,
  path,
  plainPath,
  record,
  shortText,
  text,
  userAccountId,
  writtenAddresses,
  writtenPath,
} from './fields.js'
import { clusterName, deviceName, documentName, hostName, poolName } from './names.js'
import { tolerant } from './tolerant.js'

/*
 * Every JSON document in etcd. Each carries its schema's version `v`; a document that does not
 * match is refused by the reader, never half-read. One program writes each key (ARCHITECTURE.md).
 * Fields may be added within one `v`: optional, and registered in `levels.ts`. Readers keep fields that they do not know.
 * Sizes are bytes, times are unix seconds, ids are positive integers that are never reused.
 */

const version = z.literal(1)
const bytes = z.int().nonnegative()
const id = z.int().positive()
const unixSeconds = z.int().nonnegative()
const uuid = z.guid()
const volumeName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,90}$/, 'a volume name')
const bootId = z.string().min(1).max(100)
/** The leader's fence: the create revision of its `leader` key. */
const fence = z.int().nonnegative()

export const roles = ['storage', 'compute'] as const
export type Role = (typeof roles)[number]

/** `hosts/<host>`, under the agent's lease: a host is alive while it exists. */
export const hostDocument = tolerant({
  v: version,
  host: hostName,
  roles: z.array(z.enum(roles)).max(8),
  /** What other hosts reach this one by, best first: names or IP addresses. */
  addresses: writtenAddresses,
  versions: record(shortText, shortText, 32),
  startedAt: unixSeconds,
  /** Another one says that processes and mounts of before are gone: the host was restarted, or the container that it is. */
  boot: bootId.optional(),
  /** What an operator has to mend on this host, as a configuration that was refused. */
  problems: z.array(text).max(100).optional(),
  /** Below which paths users may stage from and to on this storage host; none is served when absent. */
  stagePaths: z.array(writtenPath).max(1_000).optional(),
})
export type HostDocument = z.infer<typeof hostDocument>

/**
 * blank: zeroes at both ends and no signature, free to be formatted.
 * stamped: carries a brick's XFS, whose uuid is in `stamp`.
 * foreign: holds something that is not ours; `reason` names it; an operator may adopt it.
 * refused: can never be used as it is configured: no block device, listed in two pools, mounted, held, in error.
 */
export const deviceStates = ['blank', 'stamped', 'foreign', 'refused'] as const
export type DeviceState = (typeof deviceStates)[number]

/**
 * What a pool's devices are wiped by when a buffer gives them back; docs/operating.md says what each leaves. discard is what is
 * done where a document says nothing.
 */
export const wipeKinds = ['discard', 'zero', 'sanitize'] as const
export type WipeKind = (typeof wipeKinds)[number]
/** The wipes that take long, and that a document has to name. */
const thoroughWipe = z.enum(['zero', 'sanitize'])
export type ThoroughWipe = z.infer<typeof thoroughWipe>

/** How far a wipe that takes long has come. */
const wipeProgress = tolerant({ doneBytes: bytes, totalBytes: bytes.positive() })
export type WipeProgress = z.infer<typeof wipeProgress>

/** What a device can be wiped by; zeros can be written to each. `unknown`: its drive could not be asked, for the reason. */
const wipeAbilities = tolerant({
  discard: z.boolean(),
  sanitize: z.enum(['yes', 'no', 'unknown']),
  reason: text.optional(),
})
export type WipeAbilities = z.infer<typeof wipeAbilities>

export const inventoryDevice = tolerant({
  /** Last part of the configured path; unique on its host. */
  name: deviceName,
  path: writtenPath,
  pool: poolName,
  /** `wwn:…`, `serial:…` or, for a loop device, `loop:<backing file>`; empty when the device has none. */
  identity: z.string().max(512),
  sizeBytes: bytes,
  state: z.enum(deviceStates),
  reason: text.optional(),
  stamp: tolerant({ uuid, label: shortText }).optional(),
  wipes: wipeAbilities.optional(),
})
export type InventoryDevice = z.infer<typeof inventoryDevice>

/** `inventory/<host>`: stays when the agent dies. */
export const inventoryDocument = tolerant({
  v: version,
  host: hostName,
  devices: z.array(inventoryDevice).max(maxOnHost),
  /** Every volume that this host's glusterd knows, whoever made it; absent while it was not asked or does not answer. */
  volumes: z.array(z.string().max(256)).max(maxOnHost).optional(),
  /** Every mount below the mount root and where bricks are mounted, whoever made it; absent until the first survey. */
  mounts: z
    .array(tolerant({ path: z.string().max(4096), source: z.string().max(4096) }))
    .max(maxOnHost)
    .optional(),
  /** Lists that are longer on the host than here. */
  cut: z
    .array(z.enum(['volumes', 'mounts']))
    .max(2)
    .optional(),
})
export type InventoryDocument = z.infer<typeof inventoryDocument>

/** `cordons/<host>` and `cordons/<host>/<device>`: no new bricks here. */
export const cordonDocument = tolerant({
  v: version,
  host: hostName,
  device: deviceName.optional(),
  /** Set by an operator, or by the scheduler when a brick could not be made. */
  kind: z.enum(['operator', 'quarantine']),
  why: text,
  who: shortText,
  when: unixSeconds,
})
export type CordonDocument = z.infer<typeof cordonDocument>

/** One device given to one buffer. `uuid` becomes the XFS UUID: the stamp on the disk. */
export const placedBrick = tolerant({
  host: hostName,
  device: deviceName,
  identity: z.string().max(512),
  sizeBytes: bytes,
  uuid,
})
export type PlacedBrick = z.infer<typeof placedBrick>

export const accessModes = ['striped', 'private'] as const
export type AccessMode = (typeof accessModes)[number]

/** What of a buffer a compute node can have mounted: an access mode, or the place of its swap file, which is root's. */
export const mountViews = [...accessModes, 'swap'] as const
export type MountView = (typeof mountViews)[number]

const volumeBrick = tolerant({ host: hostName, path: plainPath })

const formerVolume = tolerant({
  volume: volumeName,
  bricks: z.array(volumeBrick).min(1).max(maxBricks),
})
export type FormerVolume = z.infer<typeof formerVolume>

/** `buffers/<name>`: what was asked, and the bricks placed. Writing it is the commit point of a placement. */
export const bufferDocument = tolerant({
  v: version,
  id,
  /** The name it was asked by: a job id or a persistent name. The key differs when the buffer was moved aside. */
  name: documentName,
  kind: z.enum(['job', 'persistent']),
  uid: accountId,
  gid: accountId,
  pool: poolName,
  granularityBytes: bytes.positive(),
  /** What its pool promised when it was made; discard when absent. A later change of the pool changes nothing for it. */
  wipe: thoroughWipe.optional(),
  requestedBytes: bytes,
  /** None for a buffer that holds swap alone. */
  access: z.array(z.enum(accessModes)).max(8),
  /** Swap for each compute node of the job. */
  swapBytes: bytes.positive().optional(),
  /** Files are cut into pieces of so many bytes, spread over all bricks. */
  shardBytes: bytes.positive().optional(),
  /** The group that a persistent buffer is shared with. */
  sharedGid: accountId.optional(),
  /** Whether clients shall cache, by access mode, where the job said so. */
  clientCache: z.partialRecord(z.enum(accessModes), z.boolean()).optional(),
  /** The GlusterFS volume's name: the buffer's, or with a suffix while an older volume has that name. */
  volume: volumeName,
  /** In the volume's order; brick 0's host is the primary while it lives. */
  bricks: z.array(placedBrick).min(1).max(maxBricks),
  /** Bricks replaced by others and not yet seen wiped: their devices are still taken. */
  released: z.array(placedBrick).max(maxBricks),
  /** Volumes begun for this buffer before a brick was replaced or a create failed, and not yet seen absent. */
  formerVolumes: z.array(formerVolume).max(1_000).default([]),
  /** Directory of each brick in its file system: `brick`, then `brick-2`, … after a volume create that left its mark. */
  directory: z.string().regex(/^brick(-[0-9]{1,4})?$/),
  wanted: z.enum(['present', 'absent']),
  /** When every brick was first online. From then on it may hold data: no brick is replaced, no directory renewed. */
  builtAt: unixSeconds.optional(),
  /** Why it cannot be built; only set when nothing is retried any more. */
  failure: text.optional(),
  createdAt: unixSeconds,
})
export type BufferDocument = z.infer<typeof bufferDocument>

/**
 * How far Slurm has come with a session, each reached when the call of that name succeeded or began:
 * setup → staging-in (data_in: its stage-ins are wanted) → staged-in → running (pre_run: mounts wanted)
 * → ran (post_run: mounts not wanted) → staging-out (data_out: its stage-outs are wanted) → staged-out → leaving (teardown).
 */
export const sessionStages = [
  'setup',
  'staging-in',
  'staged-in',
  'running',
  'ran',
  'staging-out',
  'staged-out',
  'leaving',
] as const
export type SessionStage = (typeof sessionStages)[number]

export const stageDirections = ['in', 'out'] as const
export type StageDirection = (typeof stageDirections)[number]
/** fill: what was staged in for private access, copied to every node. It is no line of the script, and comes when the nodes are known. */
export const transferDirections = ['in', 'fill', 'out'] as const
export type TransferDirection = (typeof transferDirections)[number]
export const stageTypes = ['file', 'directory', 'list'] as const
export type StageType = (typeof stageTypes)[number]

const counts = tolerant({
  /** Copied so far, or found to be there already. */
  files: z.int().nonnegative(),
  bytes,
  /** Planned: of the whole transfer by a plan and a finish, of its share by a copy. */
  totalFiles: z.int().nonnegative(),
  totalBytes: bytes,
  failed: z.int().nonnegative(),
  /** The largest file that was planned. */
  largestBytes: bytes.optional(),
})
export type TransferCounts = z.infer<typeof counts>

/** A path in a buffer's namespace, relative to its root, which is the empty path. */
const insidePath = z
  .string()
  .max(4096)
  .regex(/^([^/\0\n]+(\/[^/\0\n]+)*)?$/, 'a relative path')
  .refine((text) => !text.split('/').some((part) => part === '.' || part === '..'), 'a path without "." and ".."')

/** What is copied, as a stage line says it. */
const stageLine = {
  direction: z.enum(transferDirections),
  type: z.enum(stageTypes),
  /** The file or directory in the buffer; for a list, the directory below which its relative names lie. */
  inside: insidePath,
  /** The file or directory outside; for a list, the same as `inside`, and absent when its line names none. */
  outside: path.optional(),
  /** For a list: the file that holds the pairs. `inside`: its path is one in the buffer. */
  list: tolerant({ side: z.enum(['inside', 'outside']), path: z.string().max(4096) }).optional(),
  /** The one variable that a list's lines may begin with: that of the buffer. */
  variable: z.string().regex(/^DW_(JOB_STRIPED|JOB_PRIVATE|PERSISTENT_STRIPED_[A-Za-z][A-Za-z0-9_-]{0,63})$/),
  /** Contents are compared when all is copied. */
  verify: z.boolean(),
  /** Where the user is told what failed: a file to be written as the user. */
  report: path.optional(),
}

/** One stage line of a job's script, or the fill behind them. It is wanted in the stage of its direction while `ended` is not set. */
export const sessionTransfer = tolerant({
  /** From 1, in the script's order. */
  number: z.int().positive(),
  ...stageLine,
  /** Key of the buffer's document. */
  buffer: documentName,
  /** From 1; one more for each time an operator says retry. */
  attempt: z.int().positive(),
  ended: tolerant({
    at: unixSeconds,
    /** dropped: an operator gave the data up. */
    state: z.enum(['done', 'failed', 'dropped']),
    reason: text.optional(),
    counts: counts.optional(),
    /** Some of what failed. */
    failures: z.array(z.string().max(32_768)).max(100).optional(),
  }).optional(),
})
export type SessionTransfer = z.infer<typeof sessionTransfer>

/** `sessions/<token>`: one Slurm token. */
export const sessionDocument = tolerant({
  v: version,
  id,
  /** A job id, or a persistent buffer's name. The key differs when the session was moved aside. */
  token: documentName,
  kind: z.enum(['job', 'persistent']),
  uid: accountId,
  gid: accountId,
  /** The buffer this session made, if any; deleted with the session. */
  buffer: documentName.optional(),
  /** Persistent buffers the job uses. */
  uses: z.array(documentName).max(1_000),
  /** They are mounted at the paths that all jobs share; at the session's own when absent. */
  sharedPaths: z.literal(true).optional(),
  computeHosts: z.array(hostName).max(maxHosts),
  /** What storage hosts know the compute hosts by, noted at pre_run: a host that is lost later must stay known. */
  addresses: record(hostName, writtenAddresses, maxHosts).optional(),
  stage: z.enum(sessionStages),
  /** Its hosts that could not unmount a buffer in their time, by the buffer's id: cut off from it until they have. */
  cutOff: z
    .array(tolerant({ host: hostName, buffer: id }))
    .max(maxHosts)
    .optional(),
  /** The stage lines of its script, as they were at setup. */
  transfers: z.array(sessionTransfer).max(1_000).optional(),
  createdAt: unixSeconds,
})
export type SessionDocument = z.infer<typeof sessionDocument>

/** `placement`: compared and bumped by every transaction that places bricks or makes a session; gives out ids. */
export const placementDocument = tolerant({ v: version, lastId: z.int().nonnegative() })
export type PlacementDocument = z.infer<typeof placementDocument>

/** `cluster`: whose keys these are; recorded once. */
export const clusterDocument = tolerant({ v: version, name: clusterName })

/** `leader`, under the leading scheduler's lease. */
export const leaderDocument = tolerant({
  v: version,
  host: shortText,
  pid: z.int(),
  since: unixSeconds,
  /** The levels of documents that it reads and writes, as `hosts/<host>` says it of an agent; level 1 alone when absent. */
  documents: z.string().max(20).optional(),
})
export type LeaderDocument = z.infer<typeof leaderDocument>

/** `events/<name>/<sequence>`: a line of a buffer's timeline. */
export const eventDocument = tolerant({ v: version, at: unixSeconds, text })
export type EventDocument = z.infer<typeof eventDocument>

// ---- desired/<host>/<kind>/<id> --------------------------------------------------------------------------------

/** Whom something is for: for people, and by the id for programs. */
const bufferName = tolerant({ id, name: documentName })
const sessionName = tolerant({ id, token: documentName })

const desiredBrick = tolerant({
  v: version,
  fence,
  kind: z.literal('brick'),
  /** The buffer's id, name and volume: for people and for the stamp. */
  buffer: bufferName,
  device: deviceName,
  identity: z.string().max(512),
  sizeBytes: bytes,
  uuid,
  directory: z.string().regex(/^brick(-[0-9]{1,4})?$/),
  uid: accountId,
  gid: accountId,
  mode,
  /** Its buffer was built: the brick may hold data, and is never formatted again, whatever its device looks like. */
  built: z.literal(true).optional(),
  /** How it is wiped; discard when absent. */
  wipe: thoroughWipe.optional(),
  /** absent: unmount and wipe. A key that is missing means: leave the device alone. */
  wanted: z.enum(['present', 'absent']),
})
/** `desired/<host>/brick/<device>`: one key for one device, so two buffers can never both be told to take it. */
export type DesiredBrick = z.infer<typeof desiredBrick>

const desiredVolume = tolerant({
  v: version,
  fence,
  kind: z.literal('volume'),
  buffer: bufferName,
  volume: volumeName,
  bricks: z.array(volumeBrick).min(1).max(maxBricks),
  options: record(z.string().regex(/^[a-z][a-z0-9.-]{0,63}$/), z.string().max(4096), 64),
  /** To be made in the volume once it is started, parents first; one that is not named is left alone. */
  directories: z
    .array(tolerant({ path: plainPath, uid: accountId, gid: accountId, mode }))
    .max(maxHosts)
    .optional(),
  /** The boots of its hosts that are alive: after another one all bricks are looked at anew. */
  boots: record(hostName, bootId, maxBricks).optional(),
  wanted: z.enum(['started', 'absent']),
})
/** `desired/<host>/volume/<volume>`, on the buffer's primary only. */
export type DesiredVolume = z.infer<typeof desiredVolume>

const desiredMount = tolerant({
  v: version,
  fence,
  kind: z.literal('mount'),
  session: sessionName,
  buffer: bufferName,
  volume: volumeName,
  servers: z.array(hostName).min(1).max(maxBricks),
  /** What of the buffer is mounted; striped when absent. */
  view: z.enum(mountViews).optional(),
  /** Directory of the volume that is mounted; its root when absent. */
  directory: plainPath.optional(),
  /** Whether the client shall cache; GlusterFS's own choice when absent. */
  clientCache: z.boolean().optional(),
  path: plainPath,
  wanted: z.enum(['present', 'absent']),
})
/** `desired/<host>/mount/<session id>.<buffer id>`, with `.private` or `.swap` for that view: an attachment. */
export type DesiredMount = z.infer<typeof desiredMount>

const desiredSwap = tolerant({
  v: version,
  fence,
  kind: z.literal('swap'),
  session: sessionName,
  buffer: bufferName,
  /** The volume and the directory of it that must be mounted at `path`: nothing is ever made below a path that is not. */
  volume: volumeName,
  directory: plainPath,
  path: plainPath,
  sizeBytes: bytes.positive(),
  /** The kernel fills areas of a higher priority first. */
  priority: z.int().min(0).max(32_767),
  wanted: z.enum(['on', 'absent']),
})
/** `desired/<host>/swap/<session id>.<buffer id>`: a swap file in the mount of that view. */
export type DesiredSwap = z.infer<typeof desiredSwap>

const desiredPeer = tolerant({ v: version, fence, kind: z.literal('peer'), peer: hostName })
/** `desired/<host>/peer/<peer>`: this host invites that one into the trusted pool. Never withdrawn by deletion. */
export type DesiredPeer = z.infer<typeof desiredPeer>

const desiredAdopt = tolerant({
  v: version,
  fence,
  kind: z.literal('adopt'),
  device: deviceName,
  identity: z.string().max(512),
  sizeBytes: bytes,
  /** The inventory's reason that the operator saw: when the device holds something else by now, nothing is wiped. */
  expected: text,
  who: shortText,
  /** The agent refuses it from then on, and when it is so far away that the clocks differ: see `model/adoption.ts`. */
  until: unixSeconds.optional(),
  /** How it is wiped; discard when absent. */
  wipe: thoroughWipe.optional(),
})
/** `desired/<host>/adopt/<device>`: an operator gave this foreign device to us by name; wipe it. */
export type DesiredAdopt = z.infer<typeof desiredAdopt>

/**
 * plan: find what is to be copied, and cut it into shares; on the first of the buffer's hosts.
 * copy: one share; on each of the buffer's hosts. finish: see that all has arrived; on the first again.
 */
export const transferParts = ['plan', 'copy', 'finish'] as const
export type TransferPart = (typeof transferParts)[number]

const desiredTransfer = tolerant({
  v: version,
  fence,
  kind: z.literal('transfer'),
  session: sessionName,
  buffer: bufferName,
  /** Number of the stage line in its session. */
  transfer: z.int().positive(),
  attempt: z.int().positive(),
  ...stageLine,
  volume: volumeName,
  servers: z.array(hostName).min(1).max(maxBricks),
  /** Directory of the volume that is the namespace, `/` for its root; with `nodes`, the one that holds theirs. */
  directory: plainPath,
  /** Each with a namespace of its name: all are copied from (out) or to (fill). */
  nodes: z.array(hostName).min(1).max(maxHosts).optional(),
  /** Of a fill: the directory of the volume that every node gets a copy of. */
  template: plainPath.optional(),
  /** Copies run as this user, with the groups that the storage host knows the user to be in. */
  uid: userAccountId,
  gid: accountId,
  part: z.enum(transferParts),
  share: tolerant({ index: z.int().nonnegative(), of: z.int().positive() }),
  /** How many bricks the volume has: with one offline nothing that is found or seen is the whole. */
  bricks: z.int().positive(),
  /** The key of this attempt, by which its hosts know one another's notes; a secret of theirs and the scheduler's. */
  noteKey: z
    .string()
    .regex(/^[A-Za-z0-9_-]{43}$/, 'a key of 32 bytes')
    .optional(),
  /** absent: end its processes, unmount, remove what it left in the volume for itself. */
  wanted: z.enum(['done', 'absent']),
})
/** `desired/<host>/transfer/<session id>.<number>`, on each of the buffer's hosts that has a part to do now. */
export type DesiredTransfer = z.infer<typeof desiredTransfer>

export const desiredDocuments = {
  brick: desiredBrick,
  volume: desiredVolume,
  mount: desiredMount,
  peer: desiredPeer,
  adopt: desiredAdopt,
  transfer: desiredTransfer,
  swap: desiredSwap,
}
export type DesiredKind = keyof typeof desiredDocuments
export const desiredKinds = Object.keys(desiredDocuments) as DesiredKind[]
export type Desired = {
  brick: DesiredBrick
  volume: DesiredVolume
  mount: DesiredMount
  peer: DesiredPeer
  adopt: DesiredAdopt
  transfer: DesiredTransfer
  swap: DesiredSwap
}
export type AnyDesired = Desired[DesiredKind]
/** What hosts are told for a session: it stays told until the session is gone. */
export type SessionKind = { [K in DesiredKind]: Desired[K] extends { session: object } ? K : never }[DesiredKind]

/** Told for a session, and not for a buffer alone. */
export function isOfSession(document: AnyDesired): document is Desired[SessionKind] {
  return 'session' in document
}

// ---- observed/<host>/<kind>/<id> -------------------------------------------------------------------------------

const problem = tolerant({
  message: text,
  /** terminal: the agent will not try again until the desired document changes. */
  terminal: z.boolean(),
})
export type Problem = z.infer<typeof problem>

const common = { v: version, problem: problem.optional(), waitingFor: z.array(text).max(maxBricks) }

const observedBrick = tolerant({
  ...common,
  /** The desired uuid this speaks about. */
  uuid,
  directory: z.string().max(64),
  /** ready: formatted, stamped, mounted, directory made. absent: unmounted, and the device seen blank. */
  state: z.enum(['forming', 'ready', 'leaving', 'absent']),
  /** The boot that it was seen under: what was mounted under another is not any more. */
  boot: bootId.optional(),
  /** A wipe that takes long is under way. */
  wiping: wipeProgress.optional(),
})
export type ObservedBrick = z.infer<typeof observedBrick>

const observedVolume = tolerant({
  ...common,
  bufferId: id,
  /** started: every brick is online. degraded: started once, bricks in `offline` are not online now. */
  state: z.enum(['forming', 'started', 'degraded', 'leaving', 'absent']),
  /** Bricks not online, as `host:path`. */
  offline: z.array(z.string().max(4096)).max(maxBricks),
  /** `auth.allow` as gluster has it: whom the bricks let in. */
  allow: z.string().max(8192).optional(),
  /** Those of the desired directories that are made. */
  directories: z.array(plainPath).max(maxHosts).optional(),
  /** Those of the desired document that this was seen under. */
  boots: record(hostName, bootId, maxBricks).optional(),
  /** Leaving, and no brick of it is served any more; only its record is left, for one while a peer is down. */
  stopped: z.boolean().optional(),
  /** A failed create left its mark on a brick directory: only fresh directories help. */
  needsFreshDirectories: z.boolean().optional(),
})
export type ObservedVolume = z.infer<typeof observedVolume>

const observedMount = tolerant({
  ...common,
  state: z.enum(['forming', 'mounted', 'leaving', 'absent']),
})
export type ObservedMount = z.infer<typeof observedMount>

const observedPeer = tolerant({ ...common, state: z.enum(['forming', 'connected', 'disconnected']) })
export type ObservedPeer = z.infer<typeof observedPeer>

const observedAdopt = tolerant({
  ...common,
  state: z.enum(['forming', 'done']),
  /** A wipe that takes long is under way. */
  wiping: wipeProgress.optional(),
})
export type ObservedAdopt = z.infer<typeof observedAdopt>

const observedTransfer = tolerant({
  ...common,
  /** What this speaks about: reports on an earlier attempt or part do not count. */
  attempt: z.int().positive(),
  part: z.enum(transferParts),
  /** absent: no process of it runs here, and nothing of it is mounted. */
  state: z.enum(['working', 'done', 'absent']),
  counts,
  /** Some of what failed so far. */
  failures: z.array(z.string().max(4096)).max(20),
})
export type ObservedTransfer = z.infer<typeof observedTransfer>

const observedSwap = tolerant({
  ...common,
  /** absent: it is off, and neither a loop device of it nor its file is left. */
  state: z.enum(['forming', 'on', 'leaving', 'absent']),
})
export type ObservedSwap = z.infer<typeof observedSwap>

export const observedDocuments = {
  brick: observedBrick,
  volume: observedVolume,
  mount: observedMount,
  peer: observedPeer,
  adopt: observedAdopt,
  transfer: observedTransfer,
  swap: observedSwap,
}
export type Observed = {
  brick: ObservedBrick
  volume: ObservedVolume
  mount: ObservedMount
  peer: ObservedPeer
  adopt: ObservedAdopt
  transfer: ObservedTransfer
  swap: ObservedSwap
}
export type AnyObserved = Observed[DesiredKind]
