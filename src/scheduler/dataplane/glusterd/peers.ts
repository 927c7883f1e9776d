import { hostKey, type Cluster } from '../../../model/cluster.js'
import type { DesiredRecord } from '../../../model/desiredRecord.js'
import { compareNames } from '../../../model/names.js'

/**
 * Who invites whom into the trusted pool. One issuer invites every other storage host, so that no two pools grow; it is
 * the host that knows the most peers already, for a host that is in a pool cannot be invited into another. GlusterFS
 * knows an issuer by its address only, until one of the invited has probed it back by name.
 *
 * A host that could not be invited invites the issuer in turn: it may be in a pool with a host that was lost before it could
 * report whom it had invited.
 */
export function desiredPeers(cluster: Cluster): DesiredRecord[] {
  const storage = [...cluster.hosts.values()]
    .filter(({ roles }) => roles.includes('storage'))
    .map(({ host }) => host)
    .sort(compareNames)
  const known = (host: string) => peersOf(cluster, host).length
  const issuer = storage.reduce<string | undefined>(
    (best, host) => (best === undefined || known(host) > known(best) ? host : best),
    undefined,
  )
  if (issuer === undefined) return []
  const invited = storage.filter((host) => host !== issuer)
  const connected = peersOf(cluster, issuer)
  const back = invited.find((host) => connected.includes(host))
  const refused = invited.filter((host) => cluster.observed.peer.get(hostKey(issuer, host))?.problem !== undefined)
  const inviting = new Set([...(back === undefined ? [] : [back]), ...refused])
  return [...invited.map((peer) => recordOf(issuer, peer)), ...[...inviting].map((host) => recordOf(host, issuer))]
}

/** Hosts that this one has in its trusted pool, as far as its agent has said. */
function peersOf(cluster: Cluster, host: string): string[] {
  const found: string[] = []
  for (const [key, { state }] of cluster.observed.peer) {
    const [at, peer] = key.split('/') as [string, string]
    if (at === host && state !== 'forming') found.push(peer)
  }
  return found
}

function recordOf(host: string, peer: string): DesiredRecord {
  return { host, kind: 'peer', id: peer, document: { v: 1, kind: 'peer', peer } }
}
