import { z } from 'zod'
import { accountId, maxBricks, maxHosts, mode, plainPath, record } from '../fields.js'
import { hostName } from '../names.js'
import { tolerant } from '../tolerant.js'
import { bootId, bufferName, bytes, fence, id, reported, version } from './common.js'
import { brickExport, brickTls, clientAddresses, directBrick, port, sessionsLetIn } from './direct.js'

export const volumeName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,90}$/, 'a volume name')

export const volumeBrick = tolerant({ host: hostName, path: plainPath })

/** The type `glusterfs`. A document without a type has it too: the first release wrote none. */
const glusterfsVolume = tolerant({
  v: version,
  fence,
  kind: z.literal('volume'),
  buffer: bufferName,
  type: z.literal('glusterfs').optional(),
  volume: volumeName,
  bricks: z.array(volumeBrick).min(1).max(maxBricks),
  options: record(z.string().regex(/^[a-z][a-z0-9.-]{0,63}$/), z.string().max(4096), 64),
  /** Directories to create in the volume once it is started, parents first. Others are left alone. */
  directories: z
    .array(tolerant({ path: plainPath, uid: accountId, gid: accountId, mode }))
    .max(maxHosts)
    .optional(),
  /** The last boots of its hosts: when one changes, all bricks are checked again. */
  boots: record(hostName, bootId, maxBricks).optional(),
  wanted: z.enum(['started', 'absent']),
})
/** The desired document of a volume of glusterd, on the buffer's primary only. */
export type GlusterfsVolume = z.infer<typeof glusterfsVolume>

const directVolume = tolerant({
  v: version,
  fence,
  kind: z.literal('volume'),
  buffer: bufferName,
  type: z.literal('direct'),
  volume: volumeName,
  /** The bricks of this host that it serves; none when it no longer serves any. */
  bricks: z.array(directBrick).max(maxBricks),
  /** The directory of each brick's file system that contains the exports. */
  directory: z.string().regex(/^brick(-[0-9]{1,4})?$/),
  exports: z.array(brickExport).max(2 * maxHosts + 2),
  /** Its exports have holders then, and no logins. */
  tls: brickTls.optional(),
  /** Who may connect to the bricks' ports. */
  clients: clientAddresses,
  /** The sessions whose compute hosts are among the clients. */
  sessionsLetIn,
  /** absent: no process of this host serves the volume, and nobody may connect to its ports. */
  wanted: z.enum(['started', 'absent']),
})
/** The desired document of a volume of the data plane `direct`, on each host that has a brick of the buffer. */
export type DirectVolume = z.infer<typeof directVolume>

/** `type` says what serves the bricks. */
export const desiredVolume = z.discriminatedUnion('type', [glusterfsVolume, directVolume])
/** `desired/<host>/volume/<volume>` */
export type DesiredVolume = z.infer<typeof desiredVolume>

export const observedVolume = tolerant({
  ...reported,
  bufferId: id,
  /** started: every brick is online. degraded: it was started, but the bricks in `offline` are not online now. */
  state: z.enum(['forming', 'started', 'degraded', 'leaving', 'absent']),
  /** Bricks that are not online, as `host:path`. */
  offline: z.array(z.string().max(4096)).max(maxBricks),
  /** Who may connect to the bricks now, in the words of glusterd; with `direct`, the fingerprint of what is served. */
  allow: z.string().max(8192).optional(),
  /** With `direct`: the sessions whose compute hosts may connect to the bricks now. */
  sessionsLetIn: sessionsLetIn.optional(),
  /** With `direct`: the size of each brick's file system, as statfs says, in the order of the document. */
  brickBytes: z.array(bytes).max(maxBricks).optional(),
  /** The desired directories that exist. */
  directories: z.array(plainPath).max(maxHosts).optional(),
  /** The boots in the desired document when this was seen. */
  boots: record(hostName, bootId, maxBricks).optional(),
  /** It is being deleted and no brick is served any more. Only its record is left, for example while a peer is down. */
  stopped: z.boolean().optional(),
  /** A failed create has marked a brick directory: the volume needs new directories. */
  needsFreshDirectories: z.boolean().optional(),
  /** Ports of bricks on which another program listens. */
  takenPorts: z.array(port).max(maxBricks).optional(),
})
export type ObservedVolume = z.infer<typeof observedVolume>
