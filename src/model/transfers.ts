import { hostKey, type Cluster, desiredOf, transferId } from './cluster.js'
import type { SessionDocument, SessionStage, SessionTransfer } from './documents/session.js'
import type { TransferDirection } from './documents/transferFields.js'
import type { DesiredTransfer, ObservedTransfer } from './documents/transfer.js'
import { sessionStages } from './documents/session.js'
import { privateVariable } from './stagePath.js'

/** The limit for the transfers of one job, which keeps a session's document well below etcd's limit for a value. */
export const maxTransferBytes = 48 * 1024

/** Questions about the transfers of a session, answered from its document and from what the agents observed. */

/** `stage-in 1`, as messages name it. */
export function nameOf({ direction, number }: Pick<SessionTransfer, 'direction' | 'number'>): string {
  return direction === 'fill' ? 'stage-in to the nodes' : `stage-${direction} ${number}`
}

const directionIn: Partial<Record<SessionStage, TransferDirection>> = {
  'staging-in': 'in',
  running: 'fill',
  'staging-out': 'out',
}

/**
 * The current transfer: they run one after the other, in the script's order. A failed stage-in ends its job, so no other follows;
 * every stage-out is tried.
 */
export function currentTransfer(session: SessionDocument): SessionTransfer | undefined {
  const direction = directionIn[session.stage]
  if (direction === undefined) return undefined
  const transfers = transfersOf(session, direction)
  if (direction !== 'out' && transfers.some(({ ended }) => ended?.state === 'failed')) return undefined
  return transfers.find(({ ended }) => ended === undefined)
}

/** The session's transfers of that direction, in the script's order. */
export function transfersOf({ transfers = [] }: SessionDocument, direction: TransferDirection): SessionTransfer[] {
  return transfers.filter((transfer) => transfer.direction === direction)
}

/** The transfer's path in the buffer is in the nodes' own namespaces (`$DW_JOB_PRIVATE`). */
export function isPrivate({ variable }: Pick<SessionTransfer, 'variable'>): boolean {
  return variable === privateVariable
}

/** True when every node has its copy of what was staged in for private access, also when nothing was. */
export function isFannedOut(session: SessionDocument): boolean {
  return transfersOf(session, 'fill').every(({ ended }) => ended?.state === 'done')
}

/**
 * Stage-outs of a job that has started, whose data is neither copied nor dropped. Empty before the job runs and when its
 * session is leaving.
 */
export function unsaved(session: SessionDocument): SessionTransfer[] {
  const { stage } = session
  if (stage === 'leaving' || sessionStages.indexOf(stage) < sessionStages.indexOf('running')) return []
  return transfersOf(session, 'out').filter(({ ended }) => ended === undefined || ended.state === 'failed')
}

/**
 * A host's report on the attempt in its desired document; undefined when there is none, or it is about another attempt.
 */
export function reportOf(cluster: Cluster, host: string, document: DesiredTransfer): ObservedTransfer | undefined {
  const { session, transfer, attempt } = document
  const observed = cluster.observed.transfer.get(hostKey(host, transferId(session.id, transfer)))
  // guard: report-of-attempt
  return observed?.attempt === attempt ? observed : undefined
}

/** True when a host was told to copy, and has not reported that nothing of the transfer is left. */
export function isCopying(cluster: Cluster, host: string, document: DesiredTransfer): boolean {
  return reportOf(cluster, host, document)?.state !== 'absent'
}

/** Storage hosts where something of the session's transfers is left, each once: of one buffer, or of all. */
export function hostsCopying(cluster: Cluster, session: { id: number }, buffer?: { id: number }): string[] {
  const hosts = desiredOf(cluster, 'transfer', session)
    .filter(({ document }) => buffer === undefined || document.buffer.id === buffer.id)
    .filter(({ host, document }) => isCopying(cluster, host, document))
    .map(({ host }) => host)
  return [...new Set(hosts)]
}
