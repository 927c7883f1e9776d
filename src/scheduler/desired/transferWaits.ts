import { hostsUnmounting, serversOf } from '../../model/buffers.js'
import { volumeOf } from '../../model/volumes.js'
import { type Cluster, desiredOf } from '../../model/cluster.js'
import type { BufferDocument } from '../../model/documents/buffer.js'
import type { SessionDocument, SessionTransfer } from '../../model/documents/session.js'
import { phaseOf } from '../../model/phase.js'
import { isCopying, reportOf } from '../../model/transfers.js'
import { namespaceOf } from './transferDocument.js'
import { isDone, toldOf } from './transferReports.js'

/** Why the transfer that is copied now does not go on, in words an operator can act on. */
export function waitsOf(cluster: Cluster, session: SessionDocument, transfer: SessionTransfer): string[] {
  const buffer = cluster.buffers.get(transfer.buffer)
  if (!buffer) return [`the buffer ${transfer.buffer}, which is gone`]
  const told = toldOf(cluster, session, transfer)
  if (told.length === 0) return whyNotYet(cluster, session, transfer, buffer)
  return told.flatMap(({ host, document }) => {
    if (!cluster.hosts.has(host) && !isDone(cluster, { host, document }, document.part))
      return [`host ${host}, which is lost`]
    const report = reportOf(cluster, host, document)
    const detail = report?.problem?.message ?? report?.waitingFor.join(', ') ?? ''
    return detail === '' ? [] : [`host ${host}: ${detail}`]
  })
}

/** What must be before a transfer is scanned. Without every brick a listing is silently not the whole. */
export function whyNotYet(
  cluster: Cluster,
  session: SessionDocument,
  transfer: SessionTransfer,
  buffer: BufferDocument,
): string[] {
  const mounted = transfer.direction === 'out' ? hostsUnmounting(cluster, session, buffer) : []
  const held = mounted.map((host) => `host ${host} to unmount ${transfer.buffer}`)
  const old = desiredOf(cluster, 'transfer', session)
    .filter(({ document }) => document.transfer === transfer.number && document.attempt < transfer.attempt)
    .filter(({ host, document }) => isCopying(cluster, host, document))
    .map(({ host }) => `host ${host} to end the attempt before`)
  if (buffer.wanted === 'absent') {
    const lost = serversOf(buffer).filter((host) => !cluster.hosts.has(host))
    return [...held, ...old, ...lost.map((host) => `host ${host}, which is lost`)]
  }
  const { phase, waitingFor } = phaseOf(cluster, buffer)
  const unmade = whatIsUnmade(cluster, session, transfer, buffer)
  return [...held, ...old, ...(phase === 'ready' ? unmade : waitingFor)]
}

/** A user makes nothing in what is root's. What is copied out of was mounted by nodes, so that it is there. */
function whatIsUnmade(
  cluster: Cluster,
  session: SessionDocument,
  transfer: SessionTransfer,
  buffer: BufferDocument,
): string[] {
  if (transfer.direction === 'out') return []
  const { directory, nodes, template } = namespaceOf(session, transfer, buffer)
  const needed = nodes ? [template!, ...nodes.map((node) => `${directory}/${node}`)] : [directory]
  const made = volumeOf(cluster, buffer)?.directories ?? []
  const unmade = needed.filter((path) => path !== '/' && !made.includes(path))
  return unmade.length === 0 ? [] : [`volume ${buffer.volume} to have ${unmade.join(', ')}`]
}
