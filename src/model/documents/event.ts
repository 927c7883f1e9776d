import { z } from 'zod'
import { text } from '../fields.js'
import { tolerant } from '../tolerant.js'
import { unixSeconds, version } from './common.js'

/** `events/<name>/<sequence>`: a line of a buffer's timeline. */
export const eventDocument = tolerant({ v: version, at: unixSeconds, text })
export type EventDocument = z.infer<typeof eventDocument>
