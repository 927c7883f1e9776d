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
  /** Of the data plane `direct`: where clients find it. No two bricks of a host have one port at a time. */
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

/** `buffers/<name>`: what was asked, and the bricks placed. Writing it is the commit point of a placement. */
export const bufferDocument = tolerant({
  v: version,
  id,
  /** The name it was asked by: a job id or a persistent name. The key differs when the buffer was archived. */
  name: documentName,
  kind: z.enum(['job', 'persistent']),
  uid: accountId,
  gid: accountId,
  pool: poolName,
  granularityBytes: bytes.positive(),
  /** What its pool promised when it was made; discard when absent. A later change of the pool changes nothing for it. */
  wipe: thoroughWipe.optional(),
  /** What serves its bricks, as its pool said when it was made; glusterd when absent. */
  dataPlane: dataPlaneName.optional(),
  /** Of the data plane `direct`: what its passwords are made from. Agents cannot read this document, and no backup has it. */
  secret: secret.optional(),
  /** Some job may have been given a login: another secret is made when nobody uses the buffer any more. */
  secretGiven: z.literal(true).optional(),
  requestedBytes: bytes,
  /** None for a buffer that holds swap alone. */
  access: z.array(z.enum(accessModes)).max(8),
  /** Swap for each compute node of the job. */
  swapBytes: bytes.positive().optional(),
  /** The group that a persistent buffer is shared with. */
  sharedGid: accountId.optional(),
  /** Whether clients shall cache, by access mode, where the job said so. */
  clientCache: z.partialRecord(z.enum(accessModes), z.boolean()).optional(),
  /** The volume's name: the buffer's, or with a suffix while an older volume has that name. */
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
