import { z } from 'zod'
import { accountId, mode } from '../fields.js'
import { deviceName, poolName } from '../names.js'
import { tolerant } from '../tolerant.js'
import { bootId, bufferName, bytes, fence, reported, uuid, version } from './common.js'
import { dataPlaneName } from './direct.js'
import { thoroughWipe, wipeProgress } from './wipe.js'

export const desiredBrick = tolerant({
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
  /** The buffer was built: the brick may contain data, and is never formatted again, whatever is found on its device. */
  built: z.literal(true).optional(),
  /** The data plane; glusterd when absent. */
  dataPlane: dataPlaneName.optional(),
  /** How the device is wiped; by discard when absent. */
  wipe: thoroughWipe.optional(),
  /** A spare of that pool: it is formatted, mounted and stamped, and gets no directory before a buffer has it. */
  spare: poolName.optional(),
  /** absent: unmount and wipe. A key that is missing means: leave the device alone. */
  wanted: z.enum(['present', 'absent']),
})
/** `desired/<host>/brick/<device>`: one key for one device, so two buffers can never both be told to take it. */
export type DesiredBrick = z.infer<typeof desiredBrick>

/** A brick that no buffer has yet. */
export type Spare = DesiredBrick & { spare: string }

export const observedBrick = tolerant({
  ...reported,
  /** The uuid in the desired document that this report is about. */
  uuid,
  /** Empty for a spare. */
  directory: z.string().max(64),
  /** ready: formatted, stamped, mounted, directory made. absent: unmounted, and the device seen blank. */
  state: z.enum(['forming', 'ready', 'leaving', 'absent']),
  /** The boot of the host at that time: after another boot the brick is no longer mounted. */
  boot: bootId.optional(),
  /** The progress of a long wipe. */
  wiping: wipeProgress.optional(),
})
export type ObservedBrick = z.infer<typeof observedBrick>
