import { isByDirectory, viewDirectory, viewsOf } from '../../../model/access.js'
import { hostsUnmounting, serversOf, sessionsUsing, volumeOf } from '../../../model/buffers.js'
import type { Cluster } from '../../../model/cluster.js'
import type { BufferDocument } from '../../../model/documents/buffer.js'
import type { SessionDocument } from '../../../model/documents/session.js'
import { usableAddresses } from '../../../model/fields.js'
import type { ClientSettings } from '../dataPlane.js'

/*
 * Who may mount a buffer's volume: GlusterFS's `auth.allow`, which follows pre_run and post_run.
 *
 *   always               the buffer's own storage hosts, which copy data in and out, and the operators' adminClients
 *   from pre_run on      the session's compute hosts
 *   until it let go      a host that is alive and has the buffer mounted still: what it has not written yet must arrive;
 *                        not one that says that it cannot unmount it
 *
 * A compute host that is lost stays while its session runs, for an agent that died disturbs no job; it is taken out, and so
 * cut off from the bricks at once, when Slurm has ended the session. A client that was cut off does not come back when it is
 * allowed again (measured, 10.3): whoever still counts on its mount is never taken out in between.
 */
/** glusterd 10.3 aborts on a value of about 4,090 bytes: a buffer of 4,096 in it (measured). */
const maxBytes = 4000

export function allowedClients(cluster: Cluster, buffer: BufferDocument, settings: ClientSettings): string {
  const compute = sessionsUsing(cluster, buffer).flatMap((session) => clientsOf(cluster, session, buffer))
  const always = alwaysAllowed(cluster, buffer, settings)
  const exact = allowing(buffer, always, compute)
  return exact.length <= maxBytes ? exact : listed([...always, ...settings.computeNetworks])
}

/** As the volume's options are on its host, for the desired ones may not be set yet. */
export function letsIn(cluster: Cluster, buffer: BufferDocument, settings: ClientSettings): boolean {
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
  const help = byDirectory
    ? 'or striped access without swap'
    : 'or ask the operators to set computeNetworks for the scheduler'
  return `the addresses of the nodes that use ${buffer.name} are more than the ${maxBytes} bytes that GlusterFS takes: use fewer nodes, ${help}`
}

interface Client {
  host: string
  addresses: string[]
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
  const servers = serversOf(buffer).flatMap((host) => usableAddresses(host, cluster.hosts.get(host)?.addresses))
  return [...servers, ...adminClients]
}

function clientsOf(cluster: Cluster, session: SessionDocument, buffer: BufferDocument): Client[] {
  const hosts = session.stage === 'running' ? session.computeHosts : hostsUnmounting(cluster, session, buffer)
  return hosts.map((host) => ({ host, addresses: usableAddresses(host, session.addresses?.[host]) }))
}

function listed(parts: string[], separator = ','): string {
  return [...new Set(parts)].sort().join(separator)
}
