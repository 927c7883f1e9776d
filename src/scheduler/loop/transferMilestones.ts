import { printRounded } from '../../model/capacity.js'
import type { Cluster } from '../../model/cluster.js'
import type { BufferDocument } from '../../model/documents/buffer.js'
import type { SessionDocument, SessionTransfer } from '../../model/documents/session.js'
import type { TransferCounts } from '../../model/documents/transferFields.js'
import { currentTransfer, nameOf } from '../../model/transfers.js'
import { countsOf, partOf } from '../desired/index.js'

/** Lines of a timeline for what a session's transfers have come to, each told once; nothing is decided by it. */
export class TransferMilestones {
  private readonly told = new Map<number, string>()

  changes(cluster: Cluster, session: SessionDocument): string[] {
    const current = currentTransfer(session)
    const step = current && stepOf(cluster, session, current)
    const before = this.told.get(session.id)
    if (!current || !step || before === step.name) return []
    this.told.set(session.id, step.name)
    return [`${nameOf(current)} of job ${session.token}: ${step.text}`]
  }

  forget(sessionId: number): void {
    this.told.delete(sessionId)
  }
}

/** A part of ten is told of, so that a day's copy is ten lines. */
function stepOf(cluster: Cluster, session: SessionDocument, transfer: SessionTransfer) {
  const part = partOf(cluster, session, transfer)
  const name = `${transfer.number}/${transfer.attempt}/${part ?? ''}`
  const counts = countsOf(cluster, session, transfer)
  if (part === 'plan' && !(counts && counts.totalFiles > 0)) return { name, text: 'looking for what is to be copied' }
  if (part === undefined || !counts) return undefined
  if (part === 'plan') return { name: `${name}/done`, text: found(counts, cluster.buffers.get(transfer.buffer)) }
  if (part === 'finish') return { name, text: 'all is copied; seeing that it has arrived' }
  const tenths = counts.totalBytes === 0 ? 0 : Math.floor((counts.bytes * 10) / counts.totalBytes)
  const bytes = `${printRounded(counts.bytes)} of ${printRounded(counts.totalBytes)}`
  return { name: `${name}/${tenths}`, text: `${counts.files} of ${counts.totalFiles} files, ${bytes}` }
}

/** A file lives on one brick. */
function found(
  { totalFiles, totalBytes, largestBytes = 0 }: TransferCounts,
  buffer: BufferDocument | undefined,
): string {
  const text = `found ${totalFiles} files, ${printRounded(totalBytes)}`
  if (!buffer || largestBytes <= buffer.granularityBytes) return text
  return `${text}; one has ${printRounded(largestBytes)}, more than a brick, which is the most that a file can have`
}
