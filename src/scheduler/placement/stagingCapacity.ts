import { capacityOf } from '../../model/capacity.js'
import type { BufferDocument } from '../../model/documents/buffer.js'
import type { SessionDocument, SessionTransfer } from '../../model/documents/session.js'
import { isPrivate, transfersOf } from '../../model/transfers.js'
import * as messages from './messages.js'

/*
 * How much of a buffer staged data takes. Data for the nodes' own namespaces is stored once as it was staged in, and once more for
 * each node.
 */
type Buffer = Pick<BufferDocument, 'name' | 'bricks' | 'granularityBytes'>

/** Why the scanned data of a transfer does not fit, even into an empty buffer. There is at least one node. */
export function problemWithScannedSize(
  { computeHosts }: Pick<SessionDocument, 'computeHosts'>,
  transfer: Pick<SessionTransfer, 'direction' | 'variable' | 'buffer'>,
  scannedBytes: number,
  buffer: Buffer,
): string | undefined {
  const capacity = capacityOf(buffer)
  // A fan-out is scanned for all nodes.
  const nodes = transfer.direction === 'fill' ? computeHosts.length : 1
  const once = scannedBytes / nodes
  const bytes = isPrivate(transfer) ? once * (nodes + 1) : once
  if (bytes <= capacity) return undefined
  return isPrivate(transfer)
    ? messages.copiesTooLarge(once, { bytes, nodes, bufferBytes: capacity })
    : messages.sourceTooLarge(once, transfer.buffer, capacity)
}

/** Why the data that a session has staged in does not fit with a copy for each of that many nodes. */
export function problemWithStagedSize(session: SessionDocument, buffer: Buffer, nodes: number): string | undefined {
  const own = transfersOf(session, 'in').filter((transfer) => transfer.buffer === session.buffer)
  const bytesOf = (transfers: SessionTransfer[]) =>
    transfers.reduce((sum, { ended }) => sum + (ended?.counts?.totalBytes ?? 0), 0)
  const once = bytesOf(own.filter(isPrivate))
  if (once === 0) return undefined
  const bytes = bytesOf(own) + once * nodes
  const capacity = capacityOf(buffer)
  if (bytes <= capacity) return undefined
  return messages.stagedTooLarge(once, { bytes, nodes, bufferBytes: capacity })
}
