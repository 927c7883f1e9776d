import { z } from 'zod'
import { dataPlaneNames } from './documents/direct.js'

/*
 * The shapes of the scheduler's answers to bbctl and of `bbctl --json`, which are stable. Sizes are bytes, times unix
 * seconds, lists are sorted by name. `docs/openapi.json` is made of them.
 */
const text = z.string()
const count = z.int().nonnegative()
const bytes = z.number().nonnegative()
const nameOrNull = text.nullable()

/** `phaseOf` says what each means. */
export const phase = z.enum([
  'creating-bricks',
  'creating-volume',
  'ready',
  'degraded',
  'failed',
  'deleting',
  'wiping',
  'blocked',
])
export type Phase = z.infer<typeof phase>

export const poolView = z.strictObject({
  pool: text,
  default: z.boolean(),
  granularityBytes: bytes,
  totalBytes: bytes,
  usedBytes: bytes,
  freeBytes: bytes,
  cordonedBytes: bytes,
  lostBytes: bytes,
})
export type PoolView = z.infer<typeof poolView>

export const statusView = z.strictObject({
  scheduler: z.strictObject({ host: text, leads: z.boolean(), leader: nameOrNull, etcd: text }),
  etcd: z
    .strictObject({ sizeBytes: bytes, inUseBytes: bytes, isFull: z.boolean(), quotaBytes: bytes })
    .nullable()
    .describe('Of the member that answered; null before one has. The quota is that of scheduler.yaml.'),
  hosts: z.strictObject({ alive: count, lost: z.array(text), cordoned: z.array(text) }),
  pools: z.array(poolView),
  buffers: z.partialRecord(phase, count).describe('How many are in each phase.'),
  problems: z.array(text).describe('What an operator should look at, in words.'),
})
export type StatusView = z.infer<typeof statusView>

export const hostView = z.strictObject({
  host: text,
  state: z.enum(['alive', 'lost']),
  roles: z.array(text),
  devices: count,
  bricks: count,
  cordon: nameOrNull,
  problems: z.array(text),
  versions: z.record(text, text),
})
export type HostView = z.infer<typeof hostView>

export const deviceView = z.strictObject({
  host: text,
  device: text,
  pool: text,
  sizeBytes: bytes,
  identity: text,
  availability: text.describe('free, taken, cordoned, lost, foreign, refused or too small.'),
  buffer: nameOrNull,
  reason: nameOrNull,
  wipes: z
    .strictObject({
      discard: z.boolean(),
      zero: z.literal(true),
      sanitize: z.enum(['yes', 'no', 'unknown']),
      reason: nameOrNull.describe('Why it cannot be sanitized, or that it is not known.'),
    })
    .nullable()
    .describe('What it can be wiped by; null where its agent does not say.'),
})
export type DeviceView = z.infer<typeof deviceView>

export const bufferView = z.strictObject({
  name: text,
  id: count,
  kind: z.enum(['job', 'persistent']),
  uid: count,
  pool: text,
  sizeBytes: bytes,
  bricks: count,
  phase,
  waitingFor: z.array(text),
  reason: nameOrNull,
  createdAt: count,
})
export type BufferView = z.infer<typeof bufferView>

export const transferView = z.strictObject({
  token: text,
  name: text.describe('As `stage-in 1`.'),
  source: text,
  destination: text,
  state: text.describe('waiting, scanning, copying, finishing, done, failed or dropped.'),
  attempt: count,
  files: count,
  bytes,
  totalFiles: count.nullable().describe('null before it was scanned.'),
  totalBytes: bytes.nullable().describe('null before it was scanned.'),
  failed: count,
  bytesPerSecond: bytes.nullable().describe('Of the last minute, while it copies.'),
  secondsLeft: z.number().nullable(),
  waitingFor: z.array(text),
  reason: nameOrNull,
  failures: z.array(text).describe('Some of what failed.'),
  report: nameOrNull.describe('Where the user finds all that failed.'),
})
export type TransferView = z.infer<typeof transferView>

export const shownStage = z
  .enum(['allocated', 'staging-in', 'staged-in', 'running', 'post-run', 'staging-out', 'staged-out', 'teardown'])
  .describe('How far Slurm has come. All but staged-out are words of scontrol show burstbuffer.')
export type ShownStage = z.infer<typeof shownStage>

export const bufferDetail = bufferView.extend({
  gid: count,
  sharedGid: count.nullable().describe('The group that it is shared with.'),
  requestedBytes: bytes,
  access: z.array(text),
  volume: text,
  dataPlane: z.enum(dataPlaneNames).describe('What serves the buffer: it keeps the one that it was made with.'),
  tls: z.boolean().describe('What passes between its bricks and its clients is encrypted.'),
  volumeState: nameOrNull.describe('creating, started, degraded, deleting or absent.'),
  mountpoint: nameOrNull,
  brickList: z.array(z.strictObject({ host: text, device: text, state: text, problem: nameOrNull })),
  sessions: z.array(
    z.strictObject({ token: text, kind: text, stage: shownStage, uid: count, computeHosts: z.array(text) }),
  ),
  mounts: z.array(z.strictObject({ host: text, token: text, state: text, problem: nameOrNull })),
  transfers: z.array(transferView).describe('The transfers of its sessions.'),
  timeline: z.array(z.strictObject({ at: count, text })),
})
export type BufferDetail = z.infer<typeof bufferDetail>

/** The body of every answer that is not 2xx. */
export const errorView = z.strictObject({
  error: text,
  refused: z.boolean().describe("A user's mistake, and not a failure."),
  suggestions: z.array(text).optional().describe('Names that may have been meant.'),
  usedBy: z.array(text).optional().describe('Jobs that use the buffer: `force=true` destroys it all the same.'),
})
export type ErrorView = z.infer<typeof errorView>

export const createBody = z.strictObject({
  name: text,
  bytes: z.int().positive(),
  pool: text.optional().describe('The default pool when left out.'),
  uid: count.describe('The owner.'),
  access: text,
  group: text.optional().describe('The group that it is shared with: one that the owner is in.'),
})
export type CreateBody = z.infer<typeof createBody>

const who = text.max(100).describe('Who does it, for the record.')
export const whoBody = z.strictObject({ who })
export const cordonBody = z.strictObject({ who, why: text.min(1).max(500) })

export const cordonView = z.strictObject({
  already: z.boolean().describe('It was so before: nothing has changed.'),
})
export const transfersDone = z.strictObject({ transfers: count.describe('For how many transfers it was done.') })

/** A difference between two sources, and its remedy. */
export const differenceView = z.strictObject({
  where: text,
  what: text,
  remedy: text,
  safe: z.boolean().describe('bbctl check --repair does it.'),
})
export type DifferenceView = z.infer<typeof differenceView>

/** What the scheduler knows about a waiting job or persistent buffer, in sentences. */
export const explainView = z.strictObject({
  name: text,
  isKnown: z.boolean().describe('There is a session or a buffer of that name, or a call that makes one.'),
  lines: z.array(text),
})
export type ExplainView = z.infer<typeof explainView>

export const sessionView = z.strictObject({ token: text, stage: shownStage })
export type SessionView = z.infer<typeof sessionView>

/** As `bbctl backup` writes it: documents of etcd, which are checked one by one where it is read. */
export const backup = z.looseObject({
  burstbuffer: z.literal('backup'),
  v: z.literal(1),
  madeAt: count,
  lastId: count,
  buffers: z.record(text, z.unknown()),
  sessions: z.record(text, z.unknown()),
  cordons: z.array(z.looseObject({})),
})

/** How many documents a restore brought back. */
export const restoreView = z.strictObject({ buffers: count, sessions: count, cordons: count })
export type RestoreView = z.infer<typeof restoreView>

export const watchView = z.union([
  z.strictObject({ status: statusView, buffers: z.array(bufferView) }).describe('The cluster.'),
  bufferDetail,
  z.strictObject({ name: text, gone: z.literal(true) }).describe('The last line of a buffer.'),
])
export type WatchView = z.infer<typeof watchView>
