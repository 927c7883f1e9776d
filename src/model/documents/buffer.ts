import { z } from 'zod'
import { accountId, address, maxBricks, text } from '../fields.js'
import { deviceName, documentName, hostName, poolName } from '../names.js'
import { tolerant } from '../tolerant.js'
import { bytes, id, unixSeconds, uuid, version } from './common.js'
import { dataPlaneName, port, secret } from './direct.js'
import { volumeBrick, volumeName } from './volume.js'
import { thoroughWipe } from './wipe.js'

/** One device given to one buffer. `uuid` becomes the XFS UUID: the stamp on the disk. */
export const placedBrick = tolerant({
  host: hostName,
  device: deviceName,
  identity: z.string().max(512),
  sizeBytes: bytes,
  uuid,
  /** For the data plane `direct`: where clients find the brick. No two bricks of a host have the same port at the same time. */
  at: tolerant({ address, port }).optional(),
})
export type PlacedBrick = z.infer<typeof placedBrick>

export const accessModes = ['striped', 'private'] as const
export type AccessMode = (typeof accessModes)[number]

const formerVolume = tolerant({
  volume: volumeName,
  bricks: z.array(volumeBrick).min(1).max(maxBricks),
})
export type FormerVolume = z.infer<typeof formerVolume>

/** `buffers/<name>`: the request, and the bricks that were placed. Writing it is the commit point of a placement. */
export const bufferDocument = tolerant({
  v: version,
  id,
  /** The name in the request: a job id or a persistent name. The key differs when the buffer was archived. */
  name: documentName,
  kind: z.enum(['job', 'persistent']),
  uid: accountId,
  gid: accountId,
  pool: poolName,
  granularityBytes: bytes.positive(),
  /** How its devices are wiped: the pool's setting when the buffer was created; discard when absent. */
  wipe: thoroughWipe.optional(),
  /** The data plane: the pool's setting when the buffer was created; glusterd when absent. */
  dataPlane: dataPlaneName.optional(),
  /** For the data plane `direct`: what its passwords and keys are derived from. Agents cannot read this document, and backups leave the secret out. */
  secret: secret.optional(),
  /** With TLS: its certificates are valid from then on, and renewed in time. */
  certifiedAt: unixSeconds.optional(),
  /** A job may have received a login: the secret is replaced when nobody uses the buffer any more. */
  secretGiven: z.literal(true).optional(),
  requestedBytes: bytes,
  /** None for a buffer that holds swap alone. */
  access: z.array(z.enum(accessModes)).max(8),
  /** Swap for each compute node of the job. */
  swapBytes: bytes.positive().optional(),
  /** The group that a persistent buffer is shared with. */
  sharedGid: accountId.optional(),
  /** Whether clients cache, by access mode, where the job says so. */
  clientCache: z.partialRecord(z.enum(accessModes), z.boolean()).optional(),
  /** The name of the volume: the buffer's name, with a suffix while an older volume has that name. */
  volume: volumeName,
  /** In the volume's order. The host of brick 0 is the primary while it is alive. */
  bricks: z.array(placedBrick).min(1).max(maxBricks),
  /** Bricks that were replaced and are not yet reported wiped: their devices are still taken. */
  released: z.array(placedBrick).max(maxBricks),
  /** Volumes that were begun before a brick was replaced or a create failed, and are not yet reported absent. */
  formerVolumes: z.array(formerVolume).max(1_000).default([]),
  /** The directory of each brick in its file system: `brick`, then `brick-2`, … after a failed create that has marked it. */
  directory: z.string().regex(/^brick(-[0-9]{1,4})?$/),
  wanted: z.enum(['present', 'absent']),
  /** When every brick was online for the first time. From then on it may contain data: no brick or directory is replaced. */
  builtAt: unixSeconds.optional(),
  /** Why it cannot be built; set only when nothing is tried again. */
  failure: text.optional(),
  createdAt: unixSeconds,
})
export type BufferDocument = z.infer<typeof bufferDocument>
