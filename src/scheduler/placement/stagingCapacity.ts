import { capacityOf, printRounded } from '../../model/capacity.js'
import type { BufferDocument } from '../../model/documents/buffer.js'
import type { SessionDocument, SessionTransfer } from '../../model/documents/session.js'
import { isPrivate, transfersOf } from '../../model/transfers.js'

/*
 * How much of a buffer staged data takes. What is meant for the nodes' own namespaces lies in it once as it was staged in, and
 * once more for each node.
 */
type Buffer = Pick<BufferDocument, 'name' | 'bricks' | 'granularityBytes'>

/** Why what a transfer brings in, by its scan, does not fit, whoever else needs room; of nodes there is one at least. */
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
  if (!isPrivate(transfer))
    return `its source has ${printRounded(once)}, the buffer ${transfer.buffer} ${printRounded(capacity)}`
  return `its source has ${printRounded(once)} and ${tooMuch(bytes, nodes, capacity)}`
}

/** Why what a session has staged in does not fit, once for each of so many nodes. */
export function problemWithStagedSize(session: SessionDocument, buffer: Buffer, nodes: number): string | undefined {
  const own = transfersOf(session, 'in').filter((transfer) => transfer.buffer === session.buffer)
  const bytesOf = (transfers: SessionTransfer[]) =>
    transfers.reduce((sum, { ended }) => sum + (ended?.counts?.totalBytes ?? 0), 0)
  const once = bytesOf(own.filter(isPrivate))
  if (once === 0) return undefined
  const bytes = bytesOf(own) + once * nodes
  const capacity = capacityOf(buffer)
  if (bytes <= capacity) return undefined
  return `what was staged in does not fit: ${printRounded(once)} of it are for $DW_JOB_PRIVATE and ${tooMuch(bytes, nodes, capacity)}`
}

function tooMuch(bytes: number, nodes: number, capacity: number): string {
  const copies = nodes === 1 ? 'the node' : `each of ${nodes} nodes`
  return `lie in the buffer once, and once more for ${copies}: that takes ${printRounded(bytes)}, the buffer has ${printRounded(capacity)}; ask for more with capacity=`
}
