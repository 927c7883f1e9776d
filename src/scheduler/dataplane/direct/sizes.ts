import { serversOf } from '../../../model/buffers.js'
import type { Cluster } from '../../../model/cluster.js'
import type { BufferDocument } from '../../../model/documents/buffer.js'
import { reportOf } from '../../../model/volumeReports.js'

/**
 * A mount that shows fewer bytes is not connected to all bricks; undefined while not all sizes are reported. A client shows the sum
 * of the bricks that it is connected to. Half of the smallest brick is left to file systems that count otherwise than they
 * did when their size was reported.
 */
export function minBytesOf(cluster: Cluster, buffer: BufferDocument): number | undefined {
  const sizes = serversOf(buffer).flatMap((host) => reportOf(cluster, buffer, host)?.brickBytes ?? [])
  if (sizes.length !== buffer.bricks.length) return undefined
  const sum = sizes.reduce((total, bytes) => total + bytes, 0)
  return sum - Math.floor(sizes.reduce((least, bytes) => Math.min(least, bytes)) / 2)
}
