import { z } from 'zod'
import { tolerant } from '../tolerant.js'
import { version } from './common.js'

/** `placement`: compared and bumped by every transaction that places bricks or makes a session; gives out ids. */
export const placementDocument = tolerant({ v: version, lastId: z.int().nonnegative() })
export type PlacementDocument = z.infer<typeof placementDocument>
