import { viewDirectory } from '../../model/access.js'
import { isStillSwapping } from '../../model/buffers.js'
import { hostKey, type Cluster, desiredOf, mountId, sessionBuffers, swapId } from '../../model/cluster.js'
import type { BufferDocument } from '../../model/documents/buffer.js'
import type { Desired } from '../../model/documents/desired.js'
import type { SessionDocument } from '../../model/documents/session.js'
import { swapPath } from '../../model/paths.js'
import { dataPlaneOf } from '../dataplane/index.js'
import type { DesiredRecord } from '../../model/desiredRecord.js'

/** The lowest priority: a site that wants its nodes' own swap to be used first gives that a higher one. */
const priority = 0

/**
 * Swap of a session's nodes: wanted on when the place of its file is mounted, and absent when the job no longer runs.
 * Order on each host: mounted, on; off, unmounted (`holdsSwap` in session.ts).
 */
export function desiredSwaps(cluster: Cluster, session: SessionDocument, mountRoot: string): DesiredRecord[] {
  const isRunning = session.stage === 'running'
  const told = isRunning ? [] : desiredOf(cluster, 'swap', session)
  const records = new Map(told.map(({ host, document }) => [host, recordOf(host, { ...document, wanted: 'absent' })]))
  const own = sessionBuffers(cluster, session).find(({ key }) => key === session.buffer)
  if (own?.buffer.swapBytes === undefined) return [...records.values()]
  for (const host of session.computeHosts) {
    const may = isRunning
      ? isWantedOn(cluster, session, own.buffer, host)
      : isStillSwapping(cluster, session, own.buffer, host)
    if (may) records.set(host, recordOf(host, swapOf(session, own, host, mountRoot, isRunning ? 'on' : 'absent')))
  }
  return [...records.values()]
}

/** The place is mounted, or was when the swap was wanted first: swap stays on while its mount is being checked again. */
function isWantedOn(cluster: Cluster, session: SessionDocument, buffer: BufferDocument, host: string): boolean {
  const mount = cluster.observed.mount.get(hostKey(host, mountId(session.id, buffer.id, 'swap')))
  return mount?.state === 'mounted' || cluster.desired.swap.has(hostKey(host, swapId(session.id, buffer.id)))
}

function swapOf(
  session: SessionDocument,
  { key, buffer }: { key: string; buffer: BufferDocument },
  host: string,
  mountRoot: string,
  wanted: 'on' | 'absent',
): Omit<Desired['swap'], 'fence'> {
  return {
    v: 1,
    kind: 'swap',
    session: { id: session.id, token: session.token },
    buffer: { id: buffer.id, name: key },
    volume: buffer.volume,
    directory: viewDirectory(buffer, 'swap', host),
    ...dataPlaneOf(buffer).swapSource(host),
    path: swapPath(mountRoot, session),
    sizeBytes: buffer.swapBytes!,
    priority,
    wanted,
  }
}

function recordOf(host: string, document: Omit<Desired['swap'], 'fence'>): DesiredRecord {
  return { host, kind: 'swap', id: swapId(document.session.id, document.buffer.id), document }
}
