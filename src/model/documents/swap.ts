import { z } from 'zod'
import { plainPath } from '../fields.js'
import { tolerant } from '../tolerant.js'
import { bufferName, bytes, fence, reported, sessionName, version } from './common.js'
import { exportName } from './direct.js'
import { volumeName } from './volume.js'

export const desiredSwap = tolerant({
  v: version,
  fence,
  kind: z.literal('swap'),
  session: sessionName,
  buffer: bufferName,
  /** The volume and its directory that must be mounted at `path`: nothing is created there while they are not. */
  volume: volumeName,
  directory: plainPath,
  /** For the data plane `direct`: the export that must be mounted there, instead of the directory. */
  export: exportName.optional(),
  path: plainPath,
  sizeBytes: bytes.positive(),
  /** The kernel fills areas of a higher priority first. */
  priority: z.int().min(0).max(32_767),
  wanted: z.enum(['on', 'absent']),
})
/** `desired/<host>/swap/<session id>.<buffer id>`: a swap file in the mount of that view. */
export type DesiredSwap = z.infer<typeof desiredSwap>

export const observedSwap = tolerant({
  ...reported,
  /** absent: swap is off, and neither the loop device nor the file is left. */
  state: z.enum(['forming', 'on', 'leaving', 'absent']),
})
export type ObservedSwap = z.infer<typeof observedSwap>
