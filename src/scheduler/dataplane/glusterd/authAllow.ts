import { isByDirectory, viewDirectory, viewsOf } from '../../../model/access.js'
import { sessionsUsing } from '../../../model/buffers.js'
import { volumeOf } from '../../../model/volumes.js'
import type { Cluster } from '../../../model/cluster.js'
import type { BufferDocument } from '../../../model/documents/buffer.js'
import type { SessionDocument } from '../../../model/documents/session.js'
import { type Client, clientsOf, computeClients, serverAddresses } from '../common/clients.js'
import { orComputeNetworks, orStripedAccess, tooManyClients } from './messages.js'
import type { ClientSettings } from '../common/dataPlane.js'

/*
 * Who may mount a buffer's volume (`../common/clients.ts`), and beside them the operators' adminClients: GlusterFS's `auth.allow`. A
 * client that was cut off does not come back when it is allowed again (measured, 10.3): whoever still counts on its mount is never
 * taken out in between.
 */
/** glusterd 10.3 aborts on a value of about 4,090 bytes, because it copies it to an array of 4,096 (measured). */
export const maxBytes = 4000

export function allowedClients(cluster: Cluster, buffer: BufferDocument, settings: ClientSettings): string {
  const compute = computeClients(cluster, buffer)
  const always = alwaysAllowed(cluster, buffer, settings)
  const exact = allowing(buffer, always, compute)
  return exact.length <= maxBytes ? exact : listed([...always, ...settings.computeNetworks])
}

/** As the volume's options are on its host, for the desired ones may not be set yet. All clients are in one option. */
export function letsIn(
  cluster: Cluster,
  _session: SessionDocument,
  buffer: BufferDocument,
  settings: ClientSettings,
): boolean {
  return volumeOf(cluster, buffer)?.allow === allowedClients(cluster, buffer, settings)
}

/** Why a session's hosts cannot be allowed beside those that are, or undefined. */
export function whyNotLetIn(
  cluster: Cluster,
  buffer: BufferDocument,
  starting: SessionDocument,
  settings: ClientSettings,
): string | undefined {
  const byDirectory = isByDirectory(buffer)
  if (settings.computeNetworks.length > 0 && !byDirectory) return undefined
  const others = sessionsUsing(cluster, buffer).filter(({ id }) => id !== starting.id)
  const compute = [...others, starting].flatMap((session) => clientsOf(cluster, session, buffer))
  if (allowing(buffer, alwaysAllowed(cluster, buffer, settings), compute).length <= maxBytes) return undefined
  return tooManyClients(buffer.name, maxBytes, byDirectory ? orStripedAccess() : orComputeNetworks())
}

/** By directory where there is one for each host: `/private/c1(c1),/striped(c1|c2),/(gluster1)`. */
function allowing(buffer: BufferDocument, always: string[], compute: Client[]): string {
  if (!isByDirectory(buffer)) return listed([...always, ...compute.flatMap(({ addresses }) => addresses)])
  const byDirectory = new Map([['/', always]])
  for (const { host, addresses } of compute) {
    for (const view of viewsOf(buffer)) {
      const directory = viewDirectory(buffer, view, host)
      byDirectory.set(directory, [...(byDirectory.get(directory) ?? []), ...addresses])
    }
  }
  return listed([...byDirectory].map(([directory, addresses]) => `${directory}(${listed(addresses, '|')})`))
}

function alwaysAllowed(cluster: Cluster, buffer: BufferDocument, { adminClients }: ClientSettings): string[] {
  return [...serverAddresses(cluster, buffer), ...adminClients]
}

function listed(parts: string[], separator = ','): string {
  return [...new Set(parts)].sort().join(separator)
}
