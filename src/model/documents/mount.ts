import { z } from 'zod'
import { maxBricks, plainPath } from '../fields.js'
import { hostName } from '../names.js'
import { tolerant } from '../tolerant.js'
import { accessModes } from './buffer.js'
import { bufferName, fence, reported, sessionName, version } from './common.js'
import { directSource } from './direct.js'
import { volumeName } from './volume.js'

/** What a compute node can mount of a buffer: an access mode, or the place of its swap file, which belongs to root. */
export const mountViews = [...accessModes, 'swap'] as const
export type MountView = (typeof mountViews)[number]

export const desiredMount = tolerant({
  v: version,
  fence,
  kind: z.literal('mount'),
  session: sessionName,
  buffer: bufferName,
  volume: volumeName,
  servers: z.array(hostName).min(1).max(maxBricks),
  /** For the data plane `direct`: the export that is mounted, instead of a directory of the volume. */
  direct: directSource.optional(),
  /** The view of the buffer that is mounted; striped when absent. */
  view: z.enum(mountViews).optional(),
  /** The directory of the volume that is mounted; its root when absent. */
  directory: plainPath.optional(),
  /** Whether the client caches; not when absent. */
  clientCache: z.boolean().optional(),
  path: plainPath,
  wanted: z.enum(['present', 'absent']),
})
/** `desired/<host>/mount/<session id>.<buffer id>`, with `.private` or `.swap` for that view: an attachment. */
export type DesiredMount = z.infer<typeof desiredMount>

export const observedMount = tolerant({
  ...reported,
  state: z.enum(['forming', 'mounted', 'leaving', 'absent']),
})
export type ObservedMount = z.infer<typeof observedMount>
