import type { Cluster } from '../../model/cluster.js'
import type { SessionDocument, SessionStage, SessionTransfer } from '../../model/documents/session.js'
import type { TransferDirection } from '../../model/documents/transferFields.js'
import { currentTransfer, transfersOf, unsaved } from '../../model/transfers.js'
import type { Decision } from '../commit/decision.js'
import * as messages from './messages.js'

export interface TransferRequest {
  /** The job's id. */
  token: string
  /** Who asks, for the record. */
  who: string
  /** Unix seconds. */
  now: number
}

type Decided = Decision<{ transfers: number }>

/** What is being copied, and what would come after it, fails: a stage-in ends its job, and a stage-out keeps its buffer. */
export function cancelTransfers(cluster: Cluster, { token, who, now }: TransferRequest): Decided {
  const session = cluster.sessions.get(token)
  if (!session) return unknown(token)
  const current = currentTransfer(session)
  if (!current) return { refused: messages.nothingCopied(token) }
  const left = transfersOf(session, current.direction).filter(({ ended }) => ended === undefined)
  return change(session, left, (transfer) => ({
    ...transfer,
    ended: { at: now, state: 'failed', reason: messages.cancelledBy(who) },
  }))
}

/** What a job of that stage has tried last; else its stage-outs. */
const retriedIn: Partial<Record<SessionStage, TransferDirection>> = { 'staging-in': 'in', running: 'fill' }

/** What failed is copied anew: files that have arrived are not copied again. */
export function retryTransfers(cluster: Cluster, { token }: Pick<TransferRequest, 'token'>): Decided {
  const session = cluster.sessions.get(token)
  if (!session) return unknown(token)
  if (session.stage === 'leaving') return { refused: messages.isTornDown(token) }
  const direction = retriedIn[session.stage] ?? 'out'
  const failed = transfersOf(session, direction).filter(({ ended }) => ended?.state === 'failed')
  if (failed.length === 0) return { refused: messages.noFailedTransfer(token) }
  return change(session, failed, (transfer) => {
    const again = { ...transfer, attempt: transfer.attempt + 1 }
    delete again.ended
    return again
  })
}

/** The data of its stage-outs that have not succeeded is given up, so that the job can be torn down. */
export function dropTransfers(cluster: Cluster, { token, who, now }: TransferRequest): Decided {
  const session = cluster.sessions.get(token)
  if (!session) return unknown(token)
  if (session.stage === 'running') return { refused: messages.stillRunning(token) }
  const lost = unsaved(session)
  if (lost.length === 0) return { refused: messages.noStageOut(token) }
  return change(session, lost, (transfer) => ({
    ...transfer,
    ended: { ...transfer.ended, at: now, state: 'dropped', reason: messages.droppedBy(who) },
  }))
}

function change(
  session: SessionDocument,
  chosen: SessionTransfer[],
  next: (transfer: SessionTransfer) => SessionTransfer,
): Decided {
  const transfers = session.transfers!.map((transfer) => (chosen.includes(transfer) ? next(transfer) : transfer))
  const document = { ...session, transfers }
  return { changes: [{ kind: 'session', name: session.token, document }], result: { transfers: chosen.length } }
}

function unknown(token: string): Decided {
  return { refused: messages.noJob(token) }
}
