import type { Cluster } from '../../model/cluster.js'
import type { BufferDocument } from '../../model/documents/buffer.js'
import type { SessionDocument, SessionTransfer } from '../../model/documents/session.js'
import type { TransferCounts } from '../../model/documents/transferFields.js'
import { currentTransfer, nameOf } from '../../model/transfers.js'
import { countsOf, partOf } from '../desired/index.js'
import * as messages from './messages.js'

/** Lines of a timeline for the progress of a session's transfers, each written once; no decision depends on it. */
export class TransferMilestones {
  private readonly told = new Map<number, string>()

  changes(cluster: Cluster, session: SessionDocument): string[] {
    const current = currentTransfer(session)
    const step = current && stepOf(cluster, session, current)
    const before = this.told.get(session.id)
    if (!current || !step || before === step.name) return []
    this.told.set(session.id, step.name)
    return [messages.milestone(nameOf(current), session.token, step.text)]
  }

  forget(sessionId: number): void {
    this.told.delete(sessionId)
  }
}

/** One line for each tenth, so that even a long copy has ten lines. */
function stepOf(cluster: Cluster, session: SessionDocument, transfer: SessionTransfer) {
  const part = partOf(cluster, session, transfer)
  const name = `${transfer.number}/${transfer.attempt}/${part ?? ''}`
  const counts = countsOf(cluster, session, transfer)
  if (part === 'plan' && !(counts && counts.totalFiles > 0)) return { name, text: messages.scanning() }
  if (part === undefined || !counts) return undefined
  if (part === 'plan') return { name: `${name}/done`, text: found(counts, cluster.buffers.get(transfer.buffer)) }
  if (part === 'finish') return { name, text: messages.checking() }
  const tenths = counts.totalBytes === 0 ? 0 : Math.floor((counts.bytes * 10) / counts.totalBytes)
  return { name: `${name}/${tenths}`, text: messages.copied(counts) }
}

/** A file is stored on one brick, and cannot be larger. */
function found(counts: TransferCounts, buffer: BufferDocument | undefined): string {
  const { largestBytes = 0 } = counts
  if (!buffer || largestBytes <= buffer.granularityBytes) return messages.scanned(counts)
  return messages.scannedTooLarge(counts, largestBytes)
}
