import { type Cluster, sessionKey } from '../../model/cluster.js'
import { printRounded } from '../../model/capacity.js'
import type { BufferDocument } from '../../model/documents/buffer.js'
import type { SessionDocument, SessionTransfer } from '../../model/documents/session.js'
import { clipped } from '../../model/fields.js'
import { escaped } from '../../model/names.js'
import { currentTransfer, nameOf, reportOf } from '../../model/transfers.js'
import { problemWithScannedSize } from '../placement/stagingCapacity.js'
import type { Transition } from './bufferTransitions.js'
import { countsOf, failuresOf, finishOf, toldOf } from './transferReports.js'
import * as messages from './messages.js'

/** Ends the current transfer when all of it was tried, or a host has reported a terminal problem. */
export function transitionOfTransfers(cluster: Cluster, session: SessionDocument, now: number): Transition | undefined {
  const current = currentTransfer(session)
  const buffer = current && cluster.buffers.get(current.buffer)
  if (!current || !buffer) return undefined
  const finished = finishOf(cluster, session, current)
  const failure = failureOf(cluster, session, current, buffer)
  if (failure === undefined && !finished) return undefined
  const counts = countsOf(cluster, session, current)
  const ended = { at: now, ...(counts ? { counts } : {}) }
  if (failure === undefined) {
    const copied = finished ? `${finished.totalFiles} files, ${printRounded(finished.totalBytes)}` : ''
    return endTransfer(cluster, session, current, { ...ended, state: 'done' }, messages.done(copied))
  }
  const failures = failuresOf(cluster, session, current)
  return endTransfer(
    cluster,
    session,
    current,
    { ...ended, state: 'failed', reason: clipped(failure), failures },
    messages.failed(failure),
  )
}

function endTransfer(
  cluster: Cluster,
  session: SessionDocument,
  { number }: SessionTransfer,
  ended: NonNullable<SessionTransfer['ended']>,
  event: string,
): Transition {
  const transfers = session.transfers!.map((transfer) =>
    transfer.number === number ? { ...transfer, ended } : transfer,
  )
  const transfer = session.transfers!.find((transfer) => transfer.number === number)!
  return {
    changes: [{ kind: 'session', name: sessionKey(cluster, session), document: { ...session, transfers } }],
    events: [messages.transferEnded(nameOf(transfer), session.token, event)],
  }
}

/** Why this attempt cannot succeed. */
export function failureOf(
  cluster: Cluster,
  session: SessionDocument,
  transfer: SessionTransfer,
  buffer: BufferDocument,
): string | undefined {
  const told = toldOf(cluster, session, transfer)
  for (const { host, document } of told) {
    const problem = reportOf(cluster, host, document)?.problem
    if (problem?.terminal) return escaped(messages.hostFailed(host, problem.message))
  }
  const finished = finishOf(cluster, session, transfer)
  if (finished && finished.failed > 0) {
    return messages.notAllCopied(finished.failed, finished.totalFiles, failuresOf(cluster, session, transfer)[0])
  }
  if (transfer.direction === 'out') return undefined
  const scan = told
    .map(({ host, document }) => reportOf(cluster, host, document))
    .find((report) => report?.part === 'plan')
  return scan && problemWithScannedSize(session, transfer, scan.counts.totalBytes, buffer)
}
