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
  /** The inventory's reason that the operator saw: when the device holds something else by now, nothing is wiped. */
  expected: text,
  who: shortText,
  /** The agent refuses it from then on, and when it is so far away that the clocks differ: see `model/adoption.ts`. */
  until: unixSeconds.optional(),
  /** How it is wiped; discard when absent. */
  wipe: thoroughWipe.optional(),
})
/** `desired/<host>/adopt/<device>`: an operator gave this foreign device to us by name; wipe it. */
export type DesiredAdopt = z.infer<typeof desiredAdopt>

export const observedAdopt = tolerant({
  ...reported,
  state: z.enum(['forming', 'done']),
  /** A wipe that takes long is under way. */
  wiping: wipeProgress.optional(),
})
export type ObservedAdopt = z.infer<typeof observedAdopt>
