import { parseSize } from '../../../model/capacity.js'
import { poolName, quote } from '../../../model/names.js'

/** `#DW swap N[unit] [pool=P]`: so much for each compute node, in GiB where no unit stands, as in DataWarp. */
export interface SwapDirective {
  bytes: number
  /** The number alone: Slurm reads no unit, and counts so many bytes for each node. */
  slurmsBytes: number
  pool?: string
}

/** Less is not worth its loop device, and mkswap takes no less than ten pages. */
const minBytes = 1024 * 1024

/** The words behind the verb. The refusal is to be put behind the line. */
export function parseSwap(words: readonly string[]): SwapDirective | { refused: string } {
  const [size, ...options] = words
  if (size === undefined) return { refused: 'swap needs a size for each node: write swap 4GiB, say' }
  if (size.includes('=')) return { refused: `swap has its size before ${quote(size)}: write swap 4GiB, say` }
  const parsed = parseSize(/^[0-9]+$/.test(size) ? `${size}GiB` : size)
  if ('refused' in parsed) return parsed
  if (parsed.bytes < minBytes) return { refused: `swap of ${quote(size)} is too little: ask for at least 1MiB` }
  const swap: SwapDirective = { bytes: parsed.bytes, slurmsBytes: parseInt(size, 10) }
  for (const word of options) {
    const [key, value, more] = word.split('=')
    if (key !== 'pool') return { refused: `unknown word ${quote(word)}: write swap ${size}, and pool= behind it` }
    if (value === undefined || more !== undefined || !poolName.safeParse(value).success)
      return { refused: 'pool needs a value: write pool=…' }
    if (swap.pool !== undefined && swap.pool !== value)
      return { refused: `pool= is given twice, as ${quote(swap.pool)} and as ${quote(value)}: write one` }
    swap.pool = value
  }
  return swap
}
