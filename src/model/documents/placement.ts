import { z } from 'zod'
import { tolerant } from '../tolerant.js'
import { version } from './common.js'

/** `placement`: every transaction that places bricks or creates a session compares and increments it. Ids come from it. */
export const placementDocument = tolerant({ v: version, lastId: z.int().nonnegative() })
export type PlacementDocument = z.infer<typeof placementDocument>
