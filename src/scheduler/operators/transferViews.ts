import type { TransferView } from '../../model/api.js'
import type { Cluster } from '../../model/cluster.js'
import type { SessionDocument, SessionTransfer } from '../../model/documents/session.js'
import { currentTransfer, nameOf } from '../../model/transfers.js'
import { countsOf, failuresOf, partOf, waitsOf } from '../desired/index.js'
import { transferFailed } from './messages.js'
import { shownState } from './shownState.js'
import type { RateOf } from './transferRates.js'

/** A session's transfers of one buffer, in the script's order. */
export function transferViews(
  cluster: Cluster,
  session: SessionDocument,
  buffer: string,
  rateOf: RateOf,
): TransferView[] {
  return (session.transfers ?? [])
    .filter((transfer) => transfer.buffer === buffer)
    .map((transfer) => transferView(cluster, session, transfer, rateOf))
}

/** Stage-outs that failed, for operators to look at. */
export function transferProblems(cluster: Cluster): string[] {
  return [...cluster.sessions.values()].flatMap(({ token, stage, transfers = [] }) =>
    transfers
      .filter(({ ended }) => ended?.state === 'failed' && stage === 'staging-out')
      .map((transfer) => transferFailed(nameOf(transfer), token, transfer.ended!.reason)),
  )
}

function transferView(
  cluster: Cluster,
  session: SessionDocument,
  transfer: SessionTransfer,
  rateOf: RateOf,
): TransferView {
  const { number, attempt, ended, report } = transfer
  const isCurrent = currentTransfer(session) === transfer
  const counts = ended ? ended.counts : countsOf(cluster, session, transfer)
  const [source, destination] = endsOf(transfer)
  const part = isCurrent ? partOf(cluster, session, transfer) : undefined
  const rate = part === 'copy' ? rateOf(session.id, number) : undefined
  const left = counts ? counts.totalBytes - counts.bytes : 0
  return {
    token: session.token,
    name: nameOf(transfer),
    source,
    destination,
    state: shownState(ended?.state ?? part ?? 'waiting'),
    attempt,
    files: counts?.files ?? 0,
    bytes: counts?.bytes ?? 0,
    totalFiles: counts?.totalFiles ?? null,
    totalBytes: counts?.totalBytes ?? null,
    failed: counts?.failed ?? 0,
    bytesPerSecond: rate === undefined ? null : Math.round(rate),
    secondsLeft: rate === undefined || rate <= 0 ? null : Math.round(left / rate),
    waitingFor: isCurrent ? waitsOf(cluster, session, transfer) : [],
    reason: ended?.reason ?? null,
    failures: ended ? (ended.failures ?? []) : failuresOf(cluster, session, transfer),
    report: ended?.state === 'failed' ? (report ?? null) : null,
  }
}

/** The source and the destination, as a script writes them. */
function endsOf({ direction, type, variable, inside, outside, list }: SessionTransfer): [string, string] {
  const within = (path: string) => `$${variable}/${path}`
  const listed = list && (list.side === 'inside' ? within(list.path) : list.path)
  if (direction === 'fill') return [`${within('')} as staged in`, `${within('')} of each node`]
  if (type === 'list') return [listed ?? '', direction === 'in' ? within(inside) : (outside ?? '')]
  return direction === 'in' ? [outside ?? '', within(inside)] : [within(inside), outside ?? '']
}
