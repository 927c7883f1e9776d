import { parseSize } from '../../../model/capacity.js'
import { poolName } from '../../../model/names.js'
import * as messages from './messages.js'

/** `#DW swap N[unit] [pool=P]`: the size for each compute node, in GiB when there is no unit, as in DataWarp. */
export interface SwapDirective {
  bytes: number
  /** The number alone: Slurm ignores the unit, and counts that many bytes for each node. */
  slurmsBytes: number
  pool?: string
}

/** mkswap needs at least ten pages, and less than this is not worth a loop device. */
const minBytes = 1024 * 1024

/** The words after the verb. The refusal is to be printed after the line. */
export function parseSwap(words: readonly string[]): SwapDirective | { refused: string } {
  const [size, ...options] = words
  if (size === undefined) return { refused: messages.swapSizeMissing() }
  if (size.includes('=')) return { refused: messages.swapSizeFirst(size) }
  const parsed = parseSize(/^[0-9]+$/.test(size) ? `${size}GiB` : size)
  if ('refused' in parsed) return parsed
  if (parsed.bytes < minBytes) return { refused: messages.swapTooSmall(size) }
  const swap: SwapDirective = { bytes: parsed.bytes, slurmsBytes: parseInt(size, 10) }
  for (const word of options) {
    const [key, value, more] = word.split('=')
    if (key !== 'pool') return { refused: messages.unknownSwapWord(word, size) }
    if (value === undefined || more !== undefined || !poolName.safeParse(value).success)
      return { refused: messages.valueMissing('pool') }
    if (swap.pool !== undefined && swap.pool !== value)
      return { refused: messages.givenTwice('pool', swap.pool, value) }
    swap.pool = value
  }
  return swap
}
