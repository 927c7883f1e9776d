import { z } from 'zod'
import { text } from '../fields.js'
import { tolerant } from '../tolerant.js'
import { bytes } from './common.js'

/**
 * How a pool's devices are wiped when a buffer is deleted; docs/operating.md says what each method leaves. A document that names
 * none means discard.
 */
export const wipeKinds = ['discard', 'zero', 'sanitize'] as const
export type WipeKind = (typeof wipeKinds)[number]

/** The long wipes, which a document has to name. */
export const thoroughWipe = z.enum(['zero', 'sanitize'])
export type ThoroughWipe = z.infer<typeof thoroughWipe>

/** The progress of a long wipe. */
export const wipeProgress = tolerant({ doneBytes: bytes, totalBytes: bytes.positive() })
export type WipeProgress = z.infer<typeof wipeProgress>

/** How a device can be wiped; zeros can be written to every device. `unknown`: the drive could not be asked, and `reason` says why. */
export const wipeAbilities = tolerant({
  discard: z.boolean(),
  sanitize: z.enum(['yes', 'no', 'unknown']),
  reason: text.optional(),
})
export type WipeAbilities = z.infer<typeof wipeAbilities>
