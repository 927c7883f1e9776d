import type { InventoryDevice } from './documents/inventory.js'
import type { ThoroughWipe, WipeProgress } from './documents/wipe.js'

/**
 * Why a device cannot be given to a buffer that requires that wipe, in words for an operator; undefined when it can. Checked before
 * data is on it.
 */
export function whyNotWipe(
  { wipes }: Pick<InventoryDevice, 'wipes'>,
  wipe: ThoroughWipe | undefined,
): string | undefined {
  if (wipe === undefined) return undefined
  if (wipes === undefined) return `its pool is wiped with ${wipe}, which its agent does not know: upgrade the agent`
  if (wipe === 'zero' || wipes.sanitize === 'yes') return undefined
  const cannot = wipes.sanitize === 'no' ? 'which it cannot' : 'and it is not known whether it can'
  return `its pool is wiped with sanitize, ${cannot}: ${wipes.reason ?? 'no reason given'}`
}

/** As in `43 % wiped`, rounded down: 100 % means that only the ends of the device remain. */
export function describeWiping({ doneBytes, totalBytes }: WipeProgress): string {
  return `${Math.floor((100 * doneBytes) / totalBytes)} % wiped`
}
