import type { InventoryDevice } from './documents/inventory.js'
import type { ThoroughWipe, WipeProgress } from './documents/wipe.js'
import { percentWiped, sanitizeNotSupported, sanitizeUnknown, wipeNotSupportedByAgent } from './messages.js'

/**
 * Why a device cannot be given to a buffer that requires that wipe, in words for an operator; undefined when it can. Checked before
 * data is on it.
 */
export function whyNotWipe(
  { wipes }: Pick<InventoryDevice, 'wipes'>,
  wipe: ThoroughWipe | undefined,
): string | undefined {
  if (wipe === undefined) return undefined
  if (wipes === undefined) return wipeNotSupportedByAgent(wipe)
  if (wipe === 'zero' || wipes.sanitize === 'yes') return undefined
  return wipes.sanitize === 'no' ? sanitizeNotSupported(wipes.reason) : sanitizeUnknown(wipes.reason)
}

/** As in `43 % wiped`, rounded down: 100 % means that only the ends of the device remain. */
export function describeWiping({ doneBytes, totalBytes }: WipeProgress): string {
  return percentWiped(Math.floor((100 * doneBytes) / totalBytes))
}
