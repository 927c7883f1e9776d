import { type Cluster, desiredOf } from '../../model/cluster.js'
import type { SessionDocument, SessionTransfer } from '../../model/documents/session.js'
import type { TransferCounts } from '../../model/documents/transferFields.js'
import type { DesiredTransfer, TransferPart } from '../../model/documents/transfer.js'
import { clipped } from '../../model/fields.js'
import { escaped } from '../../model/names.js'
import { reportOf } from '../../model/transfers.js'

export type Told = readonly { host: string; document: DesiredTransfer }[]

/** The desired documents of the current attempt of a transfer. */
export function toldOf(cluster: Cluster, session: SessionDocument, { number, attempt }: SessionTransfer): Told {
  return desiredOf(cluster, 'transfer', session).filter(
    ({ document }) => document.transfer === number && document.attempt === attempt,
  )
}

export function isDone(cluster: Cluster, { host, document }: Told[number], part: TransferPart): boolean {
  const report = reportOf(cluster, host, document)
  return report?.part === part && report.state === 'done'
}

/** The part that the hosts of a transfer work on or wait for. */
export function partOf(
  cluster: Cluster,
  session: SessionDocument,
  transfer: SessionTransfer,
): TransferPart | undefined {
  const parts = toldOf(cluster, session, transfer).map(({ document }) => document.part)
  return parts.find((part) => part === 'finish') ?? parts.find((part) => part === 'copy') ?? parts[0]
}

/** What all hosts together have copied of a transfer so far; undefined before it was scanned. */
export function countsOf(
  cluster: Cluster,
  session: SessionDocument,
  transfer: SessionTransfer,
): TransferCounts | undefined {
  const told = toldOf(cluster, session, transfer)
  const reports = told.flatMap(({ host, document }) => reportOf(cluster, host, document) ?? [])
  const finish = reports.find(({ part }) => part === 'finish')
  if (finish && finish.counts.totalFiles > 0) return finish.counts
  const copies = reports.filter(({ part }) => part === 'copy')
  if (copies.length === 0) return reports.find(({ part }) => part === 'plan')?.counts
  return copies
    .map(({ counts }) => counts)
    .reduce((a, b) => ({
      files: a.files + b.files,
      bytes: a.bytes + b.bytes,
      totalFiles: a.totalFiles + b.totalFiles,
      totalBytes: a.totalBytes + b.totalBytes,
      failed: a.failed + b.failed,
    }))
}

/** The final counts, when the copies have been checked. */
export function finishOf(
  cluster: Cluster,
  session: SessionDocument,
  transfer: SessionTransfer,
): TransferCounts | undefined {
  const one = toldOf(cluster, session, transfer).find((one) => isDone(cluster, one, 'finish'))
  return one && reportOf(cluster, one.host, one.document)?.counts
}

/** Some of the files that could not be copied so far. */
export function failuresOf(cluster: Cluster, session: SessionDocument, transfer: SessionTransfer): string[] {
  const reports = toldOf(cluster, session, transfer).flatMap(({ host, document }) => {
    return reportOf(cluster, host, document)?.failures ?? []
  })
  return [...new Set(reports)].slice(0, 20).map((failure) => clipped(escaped(failure)))
}
