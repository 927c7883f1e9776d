import { randomBytes } from 'node:crypto'
import { serversOf } from '../../model/buffers.js'
import { hostKey, type Cluster, desiredOf } from '../../model/cluster.js'
import type { SessionDocument, SessionTransfer } from '../../model/documents/session.js'
import type { DesiredTransfer, TransferPart } from '../../model/documents/transfer.js'
import { knowsField } from '../../model/levels.js'
import { currentTransfer, isCopying } from '../../model/transfers.js'
import type { DesiredRecord } from '../../model/desiredRecord.js'
import { documentOf, recordOf } from './transferDocument.js'
import { isDone, type Told, toldOf } from './transferReports.js'
import { failureOf } from './transferTransitions.js'
import { whyNotYet } from './transferWaits.js'

/*
 * A transfer, while its session is staging:
 *
 *   (every brick online, no node has the buffer mounted) scan on the lead (part `plan`) → copy, a share on every host of the buffer
 *   → finish on the lead → `ended` in the session's document → absent everywhere, the lead last
 *
 * Nodes are not known when data is staged in. Data for their own namespaces is first staged into the volume's template. At pre_run one more
 * transfer, the fan-out, copies it to each namespace; a node mounts its namespace when the fan-out has succeeded. One transfer
 * stages out for all nodes.
 *
 * Each host of the buffer keeps its share: the transfer waits for a host that is away, because that host may be alive and copying, and its
 * share must not overwrite what the job has written since. For the same reason a new attempt begins only when every host has ended
 * the old one.
 */
export function desiredTransfers(cluster: Cluster, session: SessionDocument): DesiredRecord[] {
  const told = desiredOf(cluster, 'transfer', session)
  const current = currentTransfer(session)
  const isNow = ({ transfer, attempt }: DesiredTransfer) => transfer === current?.number && attempt === current.attempt
  const old = told
    .filter(({ document }) => !isNow(document))
    .map(({ host, document }) => {
      return recordOf(host, mayLeave(cluster, told, host, document) ? leaving(document) : document)
    })
  const now = current ? recordsOfCurrent(cluster, session, current, told) : []
  const taken = new Set(now.map(({ host, id }) => hostKey(host, id)))
  return [...old.filter(({ host, id }) => !taken.has(hostKey(host, id))), ...now]
}

/** The lead ends last, because the other hosts read their shares from its notes. */
function mayLeave(cluster: Cluster, told: Told, host: string, document: DesiredTransfer): boolean {
  if (document.wanted === 'absent' || document.share.index > 0) return true
  return told.every(
    (other) =>
      other.document.transfer !== document.transfer ||
      other.host === host ||
      !cluster.hosts.has(other.host) ||
      !isCopying(cluster, other.host, other.document),
  )
}

/** Without what is no longer needed, and a scheduler of the first release could not read. */
function leaving(document: DesiredTransfer): DesiredTransfer {
  const left: DesiredTransfer = { ...document, wanted: 'absent' }
  delete left.noteKey
  delete left.ranges
  return left
}

function recordsOfCurrent(
  cluster: Cluster,
  session: SessionDocument,
  transfer: SessionTransfer,
  all: Told,
): DesiredRecord[] {
  const buffer = cluster.buffers.get(transfer.buffer)
  if (!buffer) return []
  const told = toldOf(cluster, session, transfer)
  const [lead] = serversOf(buffer)
  const leading = told.find(({ host }) => host === lead)
  if (told.length === 0) {
    const old = all.filter(({ document }) => document.transfer === transfer.number)
    const isFree = old.every(({ host, document }) => !isCopying(cluster, host, document))
    if (!isFree || whyNotYet(cluster, session, transfer, buffer).length > 0) return []
  }
  const agreed = agreedOf(cluster, told, serversOf(buffer))
  const records = (part: TransferPart, hosts: readonly string[]) =>
    hosts.map((host) => recordOf(host, { ...documentOf(session, transfer, buffer, host, part), ...agreed }))
  const isScanned =
    told.some(({ document }) => document.part !== 'plan') || (leading && isDone(cluster, leading, 'plan'))
  if (!isScanned) return records('plan', [lead!])
  if (leading?.document.part === 'plan' && failureOf(cluster, session, transfer, buffer) !== undefined)
    return records('plan', [lead!])
  const others = serversOf(buffer).slice(1)
  const isCopied =
    leading?.document.part === 'finish' ||
    /* guard: every-share-copied */ serversOf(buffer).every((host) => {
      const one = told.find((other) => other.host === host)
      return one !== undefined && isDone(cluster, one, 'copy')
    })
  return [...records(isCopied ? 'finish' : 'copy', [lead!]), ...records('copy', others)]
}

/**
 * An attempt gets its key with its first document, and keeps it; the key is stored nowhere else. If one host's release does not know
 * keys, or ranges, no host gets them, because they read each other's notes.
 */
function agreedOf(cluster: Cluster, told: Told, hosts: readonly string[]): Pick<DesiredTransfer, 'noteKey' | 'ranges'> {
  if (told.length > 0) {
    const noteKey = told.find(({ document }) => document.noteKey !== undefined)?.document.noteKey
    const ranges = told.some(({ document }) => document.ranges)
    return { ...(noteKey === undefined ? {} : { noteKey }), ...(ranges ? { ranges } : {}) }
  }
  const know = (field: 'noteKey' | 'ranges') =>
    hosts.every((host) => {
      const document = cluster.hosts.get(host)
      return document && knowsField(document, 'desired/transfer', field)
    })
  return {
    ...(know('noteKey') ? { noteKey: randomBytes(32).toString('base64url') } : {}),
    ...(know('ranges') ? { ranges: true } : {}),
  }
}
