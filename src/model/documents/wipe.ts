import { z } from 'zod'
import { text } from '../fields.js'
import { tolerant } from '../tolerant.js'
import { bytes } from './common.js'

/**
 * What a pool's devices are wiped by when a buffer gives them back; docs/operating.md says what each leaves. discard is what is
 * done where a document says nothing.
 */
export const wipeKinds = ['discard', 'zero', 'sanitize'] as const
export type WipeKind = (typeof wipeKinds)[number]

/** The wipes that take long, and that a document has to name. */
export const thoroughWipe = z.enum(['zero', 'sanitize'])
export type ThoroughWipe = z.infer<typeof thoroughWipe>

/** How far a wipe that takes long has come. */
export const wipeProgress = tolerant({ doneBytes: bytes, totalBytes: bytes.positive() })
export type WipeProgress = z.infer<typeof wipeProgress>

/** What a device can be wiped by; zeros can be written to each. `unknown`: its drive could not be asked, for the reason. */
export const wipeAbilities = tolerant({
  discard: z.boolean(),
  sanitize: z.enum(['yes', 'no', 'unknown']),
  reason: text.optional(),
})
export type WipeAbilities = z.infer<typeof wipeAbilities>
