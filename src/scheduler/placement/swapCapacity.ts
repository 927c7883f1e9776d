import { capacityOf, printSize } from '../../model/capacity.js'

/*
 * How much of a buffer swap takes. A swap file lies on one brick, so that bricks are counted, not bytes: each holds so many
 * files, of whichever nodes.
 */
export interface SwapRequest {
  /** For each node. */
  bytes: number
  nodes: number
}

/** XFS's log and reserve, and what is kept free of a brick, leave less of a device than it has. */
const usableShare = 0.95

export function swapFilesPerBrick(bytes: number, granularityBytes: number): number {
  return Math.floor((granularityBytes * usableShare) / bytes)
}

/** Only of what `problemWithSwapOfPool` lets pass. */
export function slotsForSwap({ bytes, nodes }: SwapRequest, granularityBytes: number): number {
  return Math.ceil(nodes / swapFilesPerBrick(bytes, granularityBytes))
}

/** Why a job with so much swap for each node can never run in that pool; undefined when it may. */
export function problemWithSwapOfPool(
  isServed: boolean,
  bytes: number,
  pool: { name: string; granularityBytes: number },
): string | undefined {
  if (!isServed)
    return 'swap is not served: swap on a buffer is turned off on this system (its setting swap), leave the line out'
  if (swapFilesPerBrick(bytes, pool.granularityBytes) > 0) return undefined
  const most = printSize(Math.floor((pool.granularityBytes * usableShare) / 1e6) * 1e6)
  return `swap of ${printSize(bytes)} is more than ${most}, the most that one brick of pool ${pool.name} holds for a node`
}

/** Why the swap of so many nodes does not fit on the buffer that was made before they were known. */
export function problemWithSwapSize(
  { bytes, nodes }: SwapRequest,
  buffer: { bricks: readonly unknown[]; granularityBytes: number },
): string | undefined {
  const holds = buffer.bricks.length * swapFilesPerBrick(bytes, buffer.granularityBytes)
  if (nodes <= holds) return undefined
  const size = printSize(capacityOf(buffer))
  return `swap of ${printSize(bytes)} on each of ${nodes} nodes does not fit: the buffer of ${size} holds it for ${holds}; ask for a larger capacity= in a jobdw line, for less swap, or for fewer nodes`
}
