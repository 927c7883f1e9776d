import { z } from 'zod'
import { accountId, maxBricks, maxHosts, plainPath, userAccountId } from '../fields.js'
import { hostName } from '../names.js'
import { tolerant } from '../tolerant.js'
import { bufferName, fence, reported, sessionName, version } from './common.js'
import { transferFields, transferCounts } from './transferFields.js'
import { credential, directSource } from './direct.js'
import { volumeName } from './volume.js'

/**
 * plan: find what is to be copied, and divide it into shares, on the first of the buffer's hosts.
 * copy: copy one share, on each of the buffer's hosts. finish: check that everything has arrived, on the first host again.
 */
export const transferParts = ['plan', 'copy', 'finish'] as const
export type TransferPart = (typeof transferParts)[number]

export const desiredTransfer = tolerant({
  v: version,
  fence,
  kind: z.literal('transfer'),
  session: sessionName,
  buffer: bufferName,
  /** The number of the transfer in its session. */
  transfer: z.int().positive(),
  attempt: z.int().positive(),
  ...transferFields,
  volume: volumeName,
  servers: z.array(hostName).min(1).max(maxBricks),
  /** For the data plane `direct`: the exports of the namespaces, each mounted at its directory of the volume. */
  direct: z
    .array(tolerant({ ...directSource.shape, directory: plainPath }))
    .min(1)
    .max(maxHosts + 1)
    .optional(),
  /** In place of their logins. */
  tls: credential.optional(),
  /** The directory of the volume that is the namespace, `/` for its root; with `nodes`, the directory that contains theirs. */
  directory: plainPath,
  /** Nodes that have a namespace each, named like the node: all are copied from (out) or to (fill). */
  nodes: z.array(hostName).min(1).max(maxHosts).optional(),
  /** For a fan-out: the directory of the volume that is copied to every node. */
  template: plainPath.optional(),
  /** Copies run as this user, with the groups that the user has on the storage host. */
  uid: userAccountId,
  gid: accountId,
  part: z.enum(transferParts),
  share: tolerant({ index: z.int().nonnegative(), of: z.int().positive() }),
  /** How many bricks the volume has: while one is offline, listings are incomplete. */
  bricks: z.int().positive(),
  /** The key of this attempt, with which its hosts authenticate each other's notes; only they and the scheduler know it. */
  noteKey: z
    .string()
    .regex(/^[A-Za-z0-9_-]{43}$/, 'a key of 32 bytes')
    .optional(),
  /** Every host of it knows how to copy large files in ranges. */
  ranges: z.literal(true).optional(),
  /** absent: end its processes, unmount the volume, and remove the transfer's own files from it. */
  wanted: z.enum(['done', 'absent']),
})
/** `desired/<host>/transfer/<session id>.<number>`, on each of the buffer's hosts that has a part to do now. */
export type DesiredTransfer = z.infer<typeof desiredTransfer>

export const observedTransfer = tolerant({
  ...reported,
  /** The attempt and part of this report: reports on earlier ones do not count. */
  attempt: z.int().positive(),
  part: z.enum(transferParts),
  /** absent: no process of it runs here, and nothing of it is mounted. */
  state: z.enum(['working', 'done', 'absent']),
  counts: transferCounts,
  /** Examples of files that failed so far. */
  failures: z.array(z.string().max(4096)).max(20),
})
export type ObservedTransfer = z.infer<typeof observedTransfer>
