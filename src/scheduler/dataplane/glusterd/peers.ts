import { hostKey, type Cluster } from '../../../model/cluster.js'
import type { DesiredRecord } from '../../../model/desiredRecord.js'
import type { ObservedPeer } from '../../../model/documents/peer.js'
import { compareNames } from '../../../model/names.js'
import * as messages from './messages.js'

/*
 * Who invites whom into the trusted pool. There must never be a second one, for GlusterFS cannot join two.
 *
 *   founding   nobody has said that it knows a peer. One host, the founder, may invite others while it is alone. It stays the founder
 *              while it is away, for it may have invited somebody and not have said so; those that it was told to invite then ask
 *              for it: a host that knows it says so
 *   growing    hosts that know peers invite those that nobody knows, `asMember`: whatever they had reported before, they do not
 *              while they are alone. A few hosts can do so, so that the pool grows while one of them is away
 *
 * An invitation stays where it is, also while one of the two is away: only a host that came anew is written about.
 *
 * GlusterFS knows a founder by its address only, until one of the invited has invited it back by name.
 *
 * A host that could not be invited invites in turn: it may be in a pool with a host that was lost before it could report whom it
 * had invited.
 */
export type IsStorageHost = (host: string) => boolean

/** Enough that some can be invited while others do not answer. */
const maxAtFirst = 5
/** Hosts that are told to invite. */
const inviters = 4

export function desiredPeers(cluster: Cluster, isStorageHost: IsStorageHost): DesiredRecord[] {
  const pool = new TrustedPool(cluster, isStorageHost)
  return pool.members.size === 0 ? founding(pool) : growing(pool)
}

/** Why the pool does not grow, and what to do. */
export function problemsOfPeers(cluster: Cluster, isStorageHost: IsStorageHost): string[] {
  const pool = new TrustedPool(cluster, isStorageHost)
  const { founder, pools } = pool
  const problems = pool.alive.flatMap((host) => {
    if (pool.members.has(host)) return []
    const refused = pool.problemWith(host)
    return refused === undefined ? [] : [messages.cannotBeInvited(refused.by, host, refused.problem)]
  })
  if (pools.length > 1) problems.unshift(messages.poolIsSplit(pools.map((hosts) => [...hosts].sort(compareNames))))
  if (pool.members.size === 0 && founder !== undefined && !pool.isAlive(founder))
    problems.unshift(messages.founderIsAway(founder))
  return problems
}

function founding(pool: TrustedPool): DesiredRecord[] {
  const founder = pool.founder ?? pool.alive[0]
  if (founder === undefined) return []
  const told = pool.toldBy(founder)
  const isRefused = (peer: string) => pool.observed(founder, peer)?.problem !== undefined
  const places = pool.isAlive(founder) ? maxAtFirst - told.filter((peer) => !isRefused(peer)).length : 0
  const others = pool.alive.filter((host) => host !== founder && !told.includes(host))
  const invited = [...told, ...others.slice(0, Math.max(0, places))]
  const asking = invited.filter((host) => pool.isAlive(host) && (!pool.isAlive(founder) || isRefused(host)))
  return [
    ...invited.map((peer) => recordOf(founder, peer)),
    ...asking.map((host) => recordOf(host, founder, { asMember: true })),
  ]
}

function growing(pool: TrustedPool): DesiredRecord[] {
  const { members, alive } = pool
  const told = pool.inviting()
  const chosen = told.slice(0, inviters)
  const acting = told.find((host) => pool.isAlive(host) && pool.knows(host).size > 0)
  const records = new Map<string, DesiredRecord>()
  const add = (host: string, peer: string) => {
    // Whom it knows it does not invite any more, and releases before this one do not read the field.
    const isInvitation = !pool.knows(host).has(peer)
    records.set(hostKey(host, peer), recordOf(host, peer, isInvitation ? { asMember: true } : {}))
  }

  // Many hosts of an earlier release may invite all others: one invitation of each is enough, if somebody acts on it.
  const isEnough = acting !== undefined && chosen.includes(acting)
  const isKnown = (peer: string) => chosen.some((host) => pool.knows(host).has(peer))
  for (const host of told) {
    const isChosen = !isEnough || chosen.includes(host)
    for (const peer of pool.toldBy(host)) if (isChosen || !isKnown(peer)) add(host, peer)
  }
  const invited = new Set(told.filter((host) => pool.isAlive(host)).flatMap((host) => pool.toldBy(host)))
  for (const host of alive) {
    if (members.has(host)) continue
    if (acting !== undefined && !invited.has(host)) add(acting, host)
    const refused = pool.problemWith(host)
    if (refused) add(host, refused.by)
  }
  // When nobody can act, others are asked: they report whom they know.
  const missing = acting === undefined ? inviters : inviters - told.length
  const more = alive.filter((host) => members.has(host) && !told.includes(host)).slice(0, Math.max(0, missing))
  const anchor = acting ?? chosen[0] ?? [...members].find((host) => !more.includes(host))
  for (const host of more) if (anchor !== undefined) add(host, anchor)
  return [...records.values()]
}

function recordOf(host: string, peer: string, form: { asMember?: true } = {}): DesiredRecord {
  return { host, kind: 'peer', id: peer, document: { v: 1, kind: 'peer', peer, ...form } }
}

/** What storage hosts were told, and what they have reported, of one another. */
class TrustedPool {
  /** By name. */
  readonly alive: string[]
  /** Hosts that know one another, the largest pool first; there is more than one only when it has split. */
  readonly pools: Set<string>[]
  readonly members: ReadonlySet<string>
  private readonly living: ReadonlySet<string>
  private readonly told: Links
  private readonly known: Links

  constructor(
    private readonly cluster: Cluster,
    isStorageHost: IsStorageHost,
  ) {
    const storage = [...cluster.hosts.values()].filter(({ roles }) => roles.includes('storage'))
    this.alive = storage.map(({ host }) => host).sort(compareNames)
    this.living = new Set(this.alive)
    this.told = linksOf(cluster.desired.peer.keys(), isStorageHost)
    const known = [...cluster.observed.peer].filter(([, { state }]) => state !== 'forming').map(([place]) => place)
    this.known = linksOf(known, isStorageHost)
    this.pools = poolsIn(this.known)
    this.members = this.pools[0] ?? new Set()
  }

  /** The host that was told to invite while it is alone; those of an earlier release all were. */
  get founder(): string | undefined {
    const { desired } = this.cluster
    const isFounding = (host: string) =>
      this.toldBy(host).some((peer) => desired.peer.get(hostKey(host, peer))?.asMember === undefined)
    return this.mostFirst([...this.told.keys()].filter(isFounding))[0]
  }

  /** Members that were told to invite, who was told the most first. */
  inviting(): string[] {
    return this.mostFirst([...this.told.keys()].filter((host) => this.members.has(host)))
  }

  isAlive(host: string): boolean {
    return this.living.has(host)
  }

  toldBy(host: string): string[] {
    return [...(this.told.get(host) ?? [])]
  }

  /** The hosts that it has in its pool, as far as its agent has said. */
  knows(host: string): ReadonlySet<string> {
    return this.known.get(host) ?? new Set()
  }

  observed(host: string, peer: string): ObservedPeer | undefined {
    return this.cluster.observed.peer.get(hostKey(host, peer))
  }

  /** Why a member could not invite that host. */
  problemWith(host: string): { by: string; problem: string } | undefined {
    for (const by of this.told.keys()) {
      const problem = this.members.has(by) ? this.observed(by, host)?.problem : undefined
      if (problem) return { by, problem: problem.message }
    }
    return undefined
  }

  private mostFirst(hosts: string[]): string[] {
    const count = (host: string) => this.told.get(host)?.size ?? 0
    return hosts.sort((a, b) => count(b) - count(a) || compareNames(a, b))
  }
}

/** By host: its peers. */
type Links = Map<string, Set<string>>

function linksOf(places: Iterable<string>, isStorageHost: IsStorageHost): Links {
  const links: Links = new Map()
  for (const place of places) {
    const [host, peer] = place.split('/') as [string, string]
    if (isStorageHost(host) && isStorageHost(peer)) link(links, host, peer)
  }
  return links
}

function link(links: Links, host: string, peer: string): void {
  const found = links.get(host)
  if (found) found.add(peer)
  else links.set(host, new Set([peer]))
}

function poolsIn(known: Links): Set<string>[] {
  const both: Links = new Map()
  for (const [host, peers] of known) {
    for (const peer of peers) {
      link(both, host, peer)
      link(both, peer, host)
    }
  }
  const pools: Set<string>[] = []
  const seen = new Set<string>()
  for (const host of [...both.keys()].sort(compareNames)) {
    if (seen.has(host)) continue
    const pool = new Set([host])
    for (const member of pool) for (const peer of both.get(member)!) pool.add(peer)
    for (const member of pool) seen.add(member)
    pools.push(pool)
  }
  return pools.sort((a, b) => b.size - a.size)
}
