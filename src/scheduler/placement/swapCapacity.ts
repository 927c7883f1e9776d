import { capacityOf } from '../../model/capacity.js'
import * as messages from './messages.js'

/*
 * How much of a buffer swap takes. A swap file is on one brick, so bricks are counted, not bytes: each brick holds a number of
 * files, of any nodes.
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

/** Only for swap that `problemWithSwapOfPool` accepts. */
export function slotsForSwap({ bytes, nodes }: SwapRequest, granularityBytes: number): number {
  return Math.ceil(nodes / swapFilesPerBrick(bytes, granularityBytes))
}

/** Why a job with that much swap for each node can never run in that pool; undefined when it can. */
export function problemWithSwapOfPool(
  isServed: boolean,
  bytes: number,
  pool: { name: string; granularityBytes: number },
): string | undefined {
  if (!isServed) return messages.swapNotSupported()
  if (swapFilesPerBrick(bytes, pool.granularityBytes) > 0) return undefined
  const maxBytes = Math.floor((pool.granularityBytes * usableShare) / 1e6) * 1e6
  return messages.swapTooLarge(bytes, maxBytes, pool.name)
}

/** Why the swap of that many nodes does not fit on the buffer, which was made before the nodes were known. */
export function problemWithSwapSize(
  { bytes, nodes }: SwapRequest,
  buffer: { bricks: readonly unknown[]; granularityBytes: number },
): string | undefined {
  const holds = buffer.bricks.length * swapFilesPerBrick(bytes, buffer.granularityBytes)
  if (nodes <= holds) return undefined
  return messages.swapDoesNotFit(bytes, nodes, capacityOf(buffer), holds)
}
