import { z } from 'zod'
import { maxOnHost, shortText, text, writtenPath } from '../fields.js'
import { deviceName, hostName, poolName } from '../names.js'
import { tolerant } from '../tolerant.js'
import { bytes, uuid, version } from './common.js'
import { port } from './direct.js'
import { volumeName } from './volume.js'
import { wipeAbilities } from './wipe.js'

/**
 * blank: zeroes at both ends and no signature, free to be formatted.
 * stamped: contains the XFS of a brick, whose uuid is in `stamp`.
 * foreign: contains something that is not ours; `reason` names it; an operator may adopt it.
 * refused: cannot be used as it is configured: not a block device, listed in two pools, mounted, in use, failed.
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

/** `inventory/<host>`: stays when the agent ends. */
export const inventoryDocument = tolerant({
  v: version,
  host: hostName,
  devices: z.array(inventoryDevice).max(maxOnHost),
  /** Every volume that glusterd knows on this host, whoever created it; absent before glusterd has answered. */
  volumes: z.array(z.string().max(256)).max(maxOnHost).optional(),
  /**
   * Volumes of the data plane `direct` of which something runs or is left on this host, whoever began it: devices with a process
   * that serves them, and ports in the packet filter.
   */
  served: z
    .array(
      tolerant({
        volume: volumeName,
        devices: z.array(deviceName).max(maxOnHost),
        ports: z.array(port).max(maxOnHost),
      }),
    )
    .max(maxOnHost)
    .optional(),
  /** Every mount below the mount root and below the root of bricks, whoever mounted it; absent until the first survey. */
  mounts: z
    .array(tolerant({ path: z.string().max(4096), source: z.string().max(4096) }))
    .max(maxOnHost)
    .optional(),
  /** The lists that were cut, because the host has more. */
  cut: z
    .array(z.enum(['volumes', 'mounts']))
    .max(2)
    .optional(),
})
export type InventoryDocument = z.infer<typeof inventoryDocument>
