import { hostsUnmounting, serversOf } from '../../model/buffers.js'
import { volumeOf } from '../../model/volumes.js'
import { type Cluster, desiredOf } from '../../model/cluster.js'
import type { BufferDocument } from '../../model/documents/buffer.js'
import type { SessionDocument, SessionTransfer } from '../../model/documents/session.js'
import { hostToUnmount, lostHost } from '../../model/messages.js'
import { phaseOf } from '../../model/phase.js'
import { isCopying, reportOf } from '../../model/transfers.js'
import { namespaceOf } from './transferDocument.js'
import { isDone, toldOf } from './transferReports.js'
import * as messages from './messages.js'

/** What the current transfer waits for, in words an operator can act on. */
export function waitsOf(cluster: Cluster, session: SessionDocument, transfer: SessionTransfer): string[] {
  const buffer = cluster.buffers.get(transfer.buffer)
  if (!buffer) return [messages.missingBuffer(transfer.buffer)]
  const told = toldOf(cluster, session, transfer)
  if (told.length === 0) return whyNotYet(cluster, session, transfer, buffer)
  return told.flatMap(({ host, document }) => {
    if (!cluster.hosts.has(host) && !isDone(cluster, { host, document }, document.part)) return [lostHost(host)]
    const report = reportOf(cluster, host, document)
    const detail = report?.problem?.message ?? report?.waitingFor.join(', ') ?? ''
    return detail === '' ? [] : [messages.workOfHost(host, detail)]
  })
}

/** What a transfer waits for before it is scanned. Every brick must be online: without one, a listing is silently incomplete. */
export function whyNotYet(
  cluster: Cluster,
  session: SessionDocument,
  transfer: SessionTransfer,
  buffer: BufferDocument,
): string[] {
  const mounted = transfer.direction === 'out' ? hostsUnmounting(cluster, session, buffer) : []
  const held = mounted.map((host) => hostToUnmount(host, transfer.buffer))
  const old = desiredOf(cluster, 'transfer', session)
    .filter(({ document }) => document.transfer === transfer.number && document.attempt < transfer.attempt)
    .filter(({ host, document }) => isCopying(cluster, host, document))
    .map(({ host }) => messages.earlierAttempt(host))
  if (buffer.wanted === 'absent') {
    const lost = serversOf(buffer).filter((host) => !cluster.hosts.has(host))
    return [...held, ...old, ...lost.map(lostHost)]
  }
  const { phase, waitingFor } = phaseOf(cluster, buffer)
  const unmade = whatIsUnmade(cluster, session, transfer, buffer)
  return [...held, ...old, ...(phase === 'ready' ? unmade : waitingFor)]
}

/** Directories below root's directories, which users cannot create. A stage-out needs no check: nodes have mounted its directories. */
function whatIsUnmade(
  cluster: Cluster,
  session: SessionDocument,
  transfer: SessionTransfer,
  buffer: BufferDocument,
): string[] {
  if (transfer.direction === 'out') return []
  const { directory, nodes, template } = namespaceOf(session, transfer, buffer)
  const needed = nodes ? [template!, ...nodes.map((node) => `${directory}/${node}`)] : [directory]
  const made = new Set(volumeOf(cluster, buffer)?.directories)
  const unmade = needed.filter((path) => path !== '/' && !made.has(path))
  return unmade.length === 0 ? [] : [messages.missingDirectories(buffer.volume, unmade)]
}
