import { z } from 'zod'
import { accountId, maxBricks, maxHosts, plainPath, userAccountId } from '../fields.js'
import { hostName } from '../names.js'
import { tolerant } from '../tolerant.js'
import { bufferName, fence, reported, sessionName, version } from './common.js'
import { transferFields, transferCounts } from './transferFields.js'
import { directSource } from './direct.js'
import { volumeName } from './volume.js'

/**
 * plan: the scan: find what is to be copied, and divide it into shares; on the first of the buffer's hosts.
 * copy: one share; on each of the buffer's hosts. finish: see that all has arrived; on the first again.
 */
export const transferParts = ['plan', 'copy', 'finish'] as const
export type TransferPart = (typeof transferParts)[number]

export const desiredTransfer = tolerant({
  v: version,
  fence,
  kind: z.literal('transfer'),
  session: sessionName,
  buffer: bufferName,
  /** Number of the transfer in its session. */
  transfer: z.int().positive(),
  attempt: z.int().positive(),
  ...transferFields,
  volume: volumeName,
  servers: z.array(hostName).min(1).max(maxBricks),
  /** Of the data plane `direct`: the exports that hold the namespaces, each mounted at its directory of the volume. */
  direct: z
    .array(tolerant({ ...directSource.shape, directory: plainPath }))
    .min(1)
    .max(maxHosts + 1)
    .optional(),
  /** Directory of the volume that is the namespace, `/` for its root; with `nodes`, the one that holds theirs. */
  directory: plainPath,
  /** Each with a namespace of its name: all are copied from (out) or to (fill). */
  nodes: z.array(hostName).min(1).max(maxHosts).optional(),
  /** Of a fan-out: the directory of the volume that every node gets a copy of. */
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

export const observedTransfer = tolerant({
  ...reported,
  /** What this speaks about: reports on an earlier attempt or part do not count. */
  attempt: z.int().positive(),
  part: z.enum(transferParts),
  /** absent: no process of it runs here, and nothing of it is mounted. */
  state: z.enum(['working', 'done', 'absent']),
  counts: transferCounts,
  /** Some of what failed so far. */
  failures: z.array(z.string().max(4096)).max(20),
})
export type ObservedTransfer = z.infer<typeof observedTransfer>
