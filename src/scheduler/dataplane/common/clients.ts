import { hostsUnmounting, serversOf, sessionsUsing } from '../../../model/buffers.js'
import { type Cluster, lastKnown } from '../../../model/cluster.js'
import type { BufferDocument } from '../../../model/documents/buffer.js'
import type { SessionDocument } from '../../../model/documents/session.js'
import { usableAddresses } from '../../../model/fields.js'

/*
 * Who may mount a buffer, whatever serves it; it follows pre_run and post_run.
 *
 *   always               the buffer's own storage hosts, which copy data in and out
 *   from pre_run on      the session's compute hosts
 *   until it let go      a host that is alive and has the buffer mounted still: what it has not written yet must arrive;
 *                        not one that says that it cannot unmount it
 *
 * A compute host that is lost stays while its session runs, for an agent that died disturbs no job; it is taken out, and so
 * cut off from the bricks at once, when Slurm has ended the session.
 */
export interface Client {
  host: string
  addresses: string[]
}

/** Compute hosts of all sessions that use the buffer, each once a session. */
export function computeClients(cluster: Cluster, buffer: BufferDocument): Client[] {
  return sessionsUsing(cluster, buffer).flatMap((session) => clientsOf(cluster, session, buffer))
}

/** Compute hosts of that session that may have the buffer mounted now. */
export function clientsOf(cluster: Cluster, session: SessionDocument, buffer: BufferDocument): Client[] {
  // guard: out-when-unmounted
  const hosts = session.stage === 'running' ? session.computeHosts : hostsUnmounting(cluster, session, buffer)
  return hosts.map((host) => ({ host, addresses: usableAddresses(host, session.addresses?.[host]) }))
}

/** Addresses of the buffer's storage hosts; of one that is away the last, or its name. */
export function serverAddresses(cluster: Cluster, buffer: BufferDocument): string[] {
  return serversOf(buffer).flatMap((host) => usableAddresses(host, lastKnown(cluster, host)?.addresses))
}
