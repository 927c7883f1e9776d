import { printRounded, printSize } from '../../model/capacity.js'

/*
 * What is said when a request does not fit into a pool or a buffer. Tests compare with these functions, so that a wording is
 * changed here alone.
 */

/** `notes` say why the rest of the pool is not free. */
export const notEnoughFree = (pool: string, free: string, asked: string, notes: string[] = []) =>
  `pool ${pool} has ${free} free, but ${asked} was requested${notes.length > 0 ? `; ${notes.join(', ')}` : ''}`
export const reservedForEarlier = (size: string, slots: number) =>
  `${size} of that ${slots === 1 ? 'is' : 'are'} reserved for earlier jobs`

// Swap
export const swapNotSupported = () =>
  'swap is not supported: it is turned off on this system (the setting swap), leave the line out'
export const swapTooLarge = (bytes: number, maxBytes: number, pool: string) =>
  `swap of ${printSize(bytes)} is too large: one brick of pool ${pool} holds at most ${printSize(maxBytes)} for a node`
export const swapDoesNotFit = (bytes: number, nodes: number, bufferBytes: number, maxNodes: number) =>
  `swap of ${printSize(bytes)} on each of ${nodes} nodes does not fit: the buffer of ${printSize(bufferBytes)} has room for ${maxNodes}; ` +
  'ask for a larger capacity= in a jobdw line, for less swap, or for fewer nodes'

// Staged data; `bytes` is all that it takes in the buffer
export const sourceTooLarge = (sourceBytes: number, buffer: string, bufferBytes: number) =>
  `its source has ${printRounded(sourceBytes)}, but the buffer ${buffer} has ${printRounded(bufferBytes)}`
interface Copies {
  bytes: number
  nodes: number
  bufferBytes: number
}
const tooManyCopies = ({ bytes, nodes, bufferBytes }: Copies) =>
  `stored in the buffer once, and once more for ${nodes === 1 ? 'the node' : `each of ${nodes} nodes`}: ` +
  `that takes ${printRounded(bytes)}, but the buffer has ${printRounded(bufferBytes)}; ask for more with capacity=`
export const copiesTooLarge = (sourceBytes: number, copies: Copies) =>
  `its source has ${printRounded(sourceBytes)}, which are ${tooManyCopies(copies)}`
export const stagedTooLarge = (privateBytes: number, copies: Copies) =>
  `what was staged in does not fit: ${printRounded(privateBytes)} of it are for $DW_JOB_PRIVATE, and are ${tooManyCopies(copies)}`
