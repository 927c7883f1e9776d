import { mountsLeft, serversOf, sessionsUsing } from '../../model/buffers.js'
import type { Cluster } from '../../model/cluster.js'
import type { BufferDocument, SessionDocument } from '../../model/documents.js'
import type { SchedulerConfig } from '../config.js'

/*
 * Who may mount a buffer's volume: GlusterFS's `auth.allow`, which follows pre_run and post_run.
 *
 *   always               the buffer's own storage hosts, which copy data in and out, and the operators' adminClients
 *   from pre_run on      the session's compute hosts
 *   until it let go      a host that is alive and has the buffer mounted still: what it has not written yet must arrive
 *
 * A compute host that is lost stays while its session runs, for an agent that died disturbs no job; it is taken out, and so
 * cut off from the bricks at once, when Slurm has ended the session. A client that was cut off does not come back when it is
 * allowed again (measured, 10.3): whoever still counts on its mount is never taken out in between.
 */
export type ClientSettings = Pick<SchedulerConfig, 'adminClients' | 'computeNetworks'>

/** glusterd 10.3 aborts on a value of about 4,090 bytes: a buffer of 4,096 in it (measured). */
const mostBytes = 4000

export function allowedClients(cluster: Cluster, buffer: BufferDocument, settings: ClientSettings): string {
  const always = alwaysAllowed(cluster, buffer, settings)
  const compute = sessionsUsing(cluster, buffer).flatMap((session) => clientsOf(cluster, session, buffer))
  const exact = listed([...always, ...compute])
  return exact.length <= mostBytes ? exact : listed([...always, ...settings.computeNetworks])
}

/** Why a session's hosts cannot be allowed beside those that are, or undefined. */
export function problemWithClients(
  cluster: Cluster,
  buffer: BufferDocument,
  starting: SessionDocument,
  settings: ClientSettings,
): string | undefined {
  if (settings.computeNetworks.length > 0) return undefined
  const others = sessionsUsing(cluster, buffer).filter(({ id }) => id !== starting.id)
  const compute = others.flatMap((session) => clientsOf(cluster, session, buffer))
  const list = listed([...alwaysAllowed(cluster, buffer, settings), ...compute, ...addressesOf(starting)])
  if (list.length <= mostBytes) return undefined
  return `the addresses of the nodes that use ${buffer.name} are more than the ${mostBytes} bytes that GlusterFS takes: use fewer nodes, or ask the operators to set computeNetworks for the scheduler`
}

function alwaysAllowed(cluster: Cluster, buffer: BufferDocument, { adminClients }: ClientSettings): string[] {
  return [...serversOf(buffer).flatMap((host) => cluster.hosts.get(host)?.addresses ?? [host]), ...adminClients]
}

function clientsOf(cluster: Cluster, session: SessionDocument, buffer: BufferDocument): string[] {
  if (session.stage === 'running') return addressesOf(session)
  const left = mountsLeft(cluster, session, buffer).filter((host) => cluster.hosts.has(host))
  return left.flatMap((host) => addressesOfHost(session, host))
}

function addressesOf(session: SessionDocument): string[] {
  return session.computeHosts.flatMap((host) => addressesOfHost(session, host))
}

function addressesOfHost(session: SessionDocument, host: string): string[] {
  return session.addresses?.[host] ?? [host]
}

function listed(addresses: string[]): string {
  return [...new Set(addresses)].sort().join(',')
}
