import { hostKey, type Cluster } from '../../../model/cluster.js'
import type { DesiredRecord } from '../../../model/desiredRecord.js'
import type { BufferDocument } from '../../../model/documents/buffer.js'
import type { DirectVolume } from '../../../model/documents/volume.js'
import { fingerprintOf } from '../../../model/fingerprint.js'
import { hostsOf } from '../../../model/volumes.js'
import { reportOf } from '../../../model/volumeReports.js'
import { computeClients, serverAddresses } from '../common/clients.js'
import type { WantedVolume } from '../common/dataPlane.js'
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
    if (wanted === 'started' && document.bricks.length > 0)
      return [{ host, kind: 'volume', id: buffer.volume, document: { ...document, wanted } }]
    const nothing = { ...document, exports: [], clients: [], wanted: 'absent' as const }
    return wasTold(cluster, buffer, host) || wanted === 'absent'
      ? [{ host, kind: 'volume', id: buffer.volume, document: nothing }]
      : []
  })
}

/**
 * Each host reports that it serves just what it should, and lets in just whom it should. One that is away is waited for: its
 * processes may run on with other exports, and be started anew under whoever has the buffer mounted when it returns.
 */
export function letsIn(cluster: Cluster, buffer: BufferDocument): boolean {
  const what = servedOf(cluster, buffer)
  return hostsOf(buffer).every((host) => {
    const bricks = bricksOn(buffer, host)
    if (bricks.length === 0) return true
    return reportOf(cluster, buffer, host)?.allow === fingerprintOf({ ...what, bricks })
  })
}

function servedOf(cluster: Cluster, buffer: BufferDocument): Pick<DirectVolume, 'directory' | 'exports' | 'clients'> {
  const compute = computeClients(cluster, buffer).flatMap(({ addresses }) => addresses)
  return {
    directory: buffer.directory,
    exports: exportsOf(cluster, buffer),
    clients: [...new Set([...serverAddresses(cluster, buffer), ...compute])].sort(),
  }
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
