import { hostKey, type Cluster } from '../../../model/cluster.js'
import type { DesiredRecord } from '../../../model/desiredRecord.js'
import { sessionsUsing } from '../../../model/buffers.js'
import type { BufferDocument } from '../../../model/documents/buffer.js'
import type { SessionDocument } from '../../../model/documents/session.js'
import type { DirectVolume } from '../../../model/documents/volume.js'
import { fingerprintOf, sessionFingerprintOf } from '../../../model/fingerprint.js'
import { hostsOf } from '../../../model/volumes.js'
import { reportOf } from '../../../model/volumeReports.js'
import { clientsOf, computeClients, serverAddresses } from '../common/clients.js'
import type { WantedVolume } from '../common/dataPlane.js'
import { brickCredential, clientCredential, isCertified, storageHolder } from './certificates.js'
import { exportsOf } from './exports.js'

/**
 * What each host is to serve of the buffer. A host whose last brick was replaced, or whose buffer goes, is told to end all that
 * serves it; nothing else of it is to be known there.
 */
export function desiredVolumes(
  cluster: Cluster,
  buffer: BufferDocument,
  { name, wanted }: Pick<WantedVolume, 'name' | 'wanted'>,
): DesiredRecord[] {
  if (wanted === undefined) return []
  const what = servedOf(cluster, buffer)
  return hostsOf(buffer).flatMap((host): DesiredRecord[] => {
    const document = { ...what, ...namesOf(buffer, name), bricks: bricksOn(buffer, host) }
    if (wanted === 'started' && document.bricks.length > 0) {
      const served = { ...document, ...certificatesOf(cluster, buffer, host), wanted }
      return [{ host, kind: 'volume', id: buffer.volume, document: served }]
    }
    const nothing = { ...document, exports: [], clients: [], sessionsLetIn: [], wanted: 'absent' as const }
    return wasTold(cluster, buffer, host) || wanted === 'absent'
      ? [{ host, kind: 'volume', id: buffer.volume, document: nothing }]
      : []
  })
}

/**
 * Each host reports that it serves just what it should, and lets that session in. Other sessions may come and go meanwhile. A host
 * that is away is waited for: its processes may run on with other exports, and be started anew under whoever has the buffer
 * mounted when it returns.
 */
export function letsIn(cluster: Cluster, session: SessionDocument, buffer: BufferDocument): boolean {
  const what = { directory: buffer.directory, exports: exportsOf(cluster, buffer) }
  const [wanted] = letInOf(cluster, [session], buffer)
  // guard: every-host-lets-in
  return hostsOf(buffer).every((host) => {
    const bricks = bricksOn(buffer, host)
    if (bricks.length === 0) return true
    const report = reportOf(cluster, buffer, host)
    if (wanted === undefined || report?.sessionsLetIn?.includes(wanted) !== true) return false
    return report.allow === fingerprintOf({ ...what, bricks })
  })
}

/** Sessions whose compute hosts may have the buffer mounted, each by its fingerprint. */
function letInOf(cluster: Cluster, sessions: readonly SessionDocument[], buffer: BufferDocument): string[] {
  return sessions.flatMap((session) => {
    const clients = clientsOf(cluster, session, buffer)
    if (clients.length === 0) return []
    return [
      sessionFingerprintOf(
        session,
        clients.flatMap(({ addresses }) => addresses),
      ),
    ]
  })
}

type Served = Pick<DirectVolume, 'directory' | 'exports' | 'clients' | 'sessionsLetIn'>

function servedOf(cluster: Cluster, buffer: BufferDocument): Served {
  const compute = computeClients(cluster, buffer).flatMap(({ addresses }) => addresses)
  return {
    directory: buffer.directory,
    exports: exportsOf(cluster, buffer),
    clients: [...new Set([...serverAddresses(cluster, buffer), ...compute])].sort(),
    sessionsLetIn: letInOf(cluster, sessionsUsing(cluster, buffer), buffer).sort(),
  }
}

/** With what that host serves its bricks, and asks them. */
export function certificatesOf(cluster: Cluster, buffer: BufferDocument, host: string): Pick<DirectVolume, 'tls'> {
  if (!isCertified(buffer)) return {}
  const before = cluster.desired.volume.get(hostKey(host, buffer.volume))
  const told = before?.type === 'direct' ? before.tls : undefined
  const asks = clientCredential(buffer, storageHolder, undefined, told?.asks)
  return { tls: { serves: brickCredential(buffer, host, told?.serves), asks, storage: storageHolder } }
}

function namesOf({ id, volume }: BufferDocument, name: string) {
  return { v: 1 as const, kind: 'volume' as const, type: 'direct' as const, buffer: { id, name }, volume }
}

function bricksOn({ bricks }: BufferDocument, host: string): DirectVolume['bricks'] {
  return bricks.flatMap(({ host: at, device, uuid, at: place }) =>
    at === host && place ? [{ device, uuid, port: place.port }] : [],
  )
}

function wasTold(cluster: Cluster, buffer: BufferDocument, host: string): boolean {
  return (
    cluster.desired.volume.get(hostKey(host, buffer.volume))?.buffer.id === buffer.id ||
    reportOf(cluster, buffer, host) !== undefined
  )
}
