import { z } from 'zod'
import { shortText, text } from '../fields.js'
import { deviceName } from '../names.js'
import { tolerant } from '../tolerant.js'
import { bytes, fence, reported, unixSeconds, version } from './common.js'
import { thoroughWipe, wipeProgress } from './wipe.js'

export const desiredAdopt = tolerant({
  v: version,
  fence,
  kind: z.literal('adopt'),
  device: deviceName,
  identity: z.string().max(512),
  sizeBytes: bytes,
  /** The inventory's reason that the operator saw: if the device contains something else by now, nothing is wiped. */
  expected: text,
  who: shortText,
  /** From then on the agent refuses the adoption; also when it is so far ahead that the clocks must differ (`model/adoption.ts`). */
  until: unixSeconds.optional(),
  /** How the device is wiped; by discard when absent. */
  wipe: thoroughWipe.optional(),
})
/** `desired/<host>/adopt/<device>`: wipe this foreign device, which an operator has named for adoption. */
export type DesiredAdopt = z.infer<typeof desiredAdopt>

export const observedAdopt = tolerant({
  ...reported,
  state: z.enum(['forming', 'done']),
  /** The progress of a long wipe. */
  wiping: wipeProgress.optional(),
})
export type ObservedAdopt = z.infer<typeof observedAdopt>
