import { z } from 'zod'
import { maxOnHost, shortText, text, writtenPath } from '../fields.js'
import { deviceName, hostName, poolName } from '../names.js'
import { tolerant } from '../tolerant.js'
import { bytes, uuid, version } from './common.js'
import { wipeAbilities } from './wipe.js'

/**
 * blank: zeroes at both ends and no signature, free to be formatted.
 * stamped: carries a brick's XFS, whose uuid is in `stamp`.
 * foreign: holds something that is not ours; `reason` names it; an operator may adopt it.
 * refused: can never be used as it is configured: no block device, listed in two pools, mounted, held, in error.
 */
export const deviceStates = ['blank', 'stamped', 'foreign', 'refused'] as const
export type DeviceState = (typeof deviceStates)[number]

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
  /** Every volume that this host knows of, whoever made it; absent while nobody was asked or none answers. */
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
