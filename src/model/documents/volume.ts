import { z } from 'zod'
import { accountId, maxBricks, maxHosts, mode, plainPath, record } from '../fields.js'
import { hostName } from '../names.js'
import { tolerant } from '../tolerant.js'
import { bootId, bufferName, fence, id, reported, version } from './common.js'
import { brickExport, clientAddresses, directBrick, port } from './direct.js'

export const volumeName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,90}$/, 'a volume name')

export const volumeBrick = tolerant({ host: hostName, path: plainPath })

/** Of the type `glusterfs`; one without a type is so too, as the first release wrote it. */
const glusterfsVolume = tolerant({
  v: version,
  fence,
  kind: z.literal('volume'),
  buffer: bufferName,
  type: z.literal('glusterfs').optional(),
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
/** On the buffer's primary only. */
export type GlusterfsVolume = z.infer<typeof glusterfsVolume>

const directVolume = tolerant({
  v: version,
  fence,
  kind: z.literal('volume'),
  buffer: bufferName,
  type: z.literal('direct'),
  volume: volumeName,
  /** Those of this host alone, all that it serves of the volume; none when it serves none any more. */
  bricks: z.array(directBrick).max(maxBricks),
  /** The directory of each brick's file system that holds the exports. */
  directory: z.string().regex(/^brick(-[0-9]{1,4})?$/),
  exports: z.array(brickExport).max(2 * maxHosts + 2),
  /** Who may connect to the bricks' ports. */
  clients: clientAddresses,
  /** absent: no process of this host serves the volume, and nobody may connect to its ports. */
  wanted: z.enum(['started', 'absent']),
})
/** On each host that has a brick of the buffer. */
export type DirectVolume = z.infer<typeof directVolume>

/** By its `type`: what serves the bricks. */
export const desiredVolume = z.discriminatedUnion('type', [glusterfsVolume, directVolume])
/** `desired/<host>/volume/<volume>` */
export type DesiredVolume = z.infer<typeof desiredVolume>

export const observedVolume = tolerant({
  ...reported,
  bufferId: id,
  /** started: every brick is online. degraded: started once, bricks in `offline` are not online now. */
  state: z.enum(['forming', 'started', 'degraded', 'leaving', 'absent']),
  /** Bricks not online, as `host:path`. */
  offline: z.array(z.string().max(4096)).max(maxBricks),
  /** Whom the bricks let in, in the words of what serves them. */
  allow: z.string().max(8192).optional(),
  /** Those of the desired directories that are made. */
  directories: z.array(plainPath).max(maxHosts).optional(),
  /** Those of the desired document that this was seen under. */
  boots: record(hostName, bootId, maxBricks).optional(),
  /** Leaving, and no brick of it is served any more; only its record is left, for one while a peer is down. */
  stopped: z.boolean().optional(),
  /** A failed create left its mark on a brick directory: only fresh directories help. */
  needsFreshDirectories: z.boolean().optional(),
  /** Ports that a brick should have, and that something else listens on. */
  takenPorts: z.array(port).max(maxBricks).optional(),
})
export type ObservedVolume = z.infer<typeof observedVolume>
