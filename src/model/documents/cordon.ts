import { z } from 'zod'
import { shortText, text } from '../fields.js'
import { deviceName, hostName } from '../names.js'
import { tolerant } from '../tolerant.js'
import { unixSeconds, version } from './common.js'

/** `cordons/<host>` and `cordons/<host>/<device>`: no new bricks here. */
export const cordonDocument = tolerant({
  v: version,
  host: hostName,
  device: deviceName.optional(),
  /** Who set it: an operator, or the scheduler when a brick could not be created. */
  kind: z.enum(['operator', 'quarantine']),
  why: text,
  who: shortText,
  when: unixSeconds,
})
export type CordonDocument = z.infer<typeof cordonDocument>
