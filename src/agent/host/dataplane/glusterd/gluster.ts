import { isIP } from 'node:net'
import type { GlusterfsVolume } from '../../../../model/documents/volume.js'
import {
  BrickMarked,
  Busy,
  type PeerFacts,
  Refusal,
  Unavailable,
  type GlusterfsVolumeFacts,
} from '../../../port/host.js'
import { directoriesMade } from './directories.js'
import { askTogether, command, type Gluster, type Output } from './command.js'
import type { Run } from '../../exec/run.js'
import { bricksMissing, bricksOffline, carriesFormerMark, hasOtherBricks, lacksMark, notInAnswer } from './messages.js'

/* Volumes and the trusted pool: what gluster says of them, and what it is told to do. */

/** What gluster says of the volume, by one process. Throws Busy; every other failure comes back as `unavailable`. */
export async function volumeFacts(
  gluster: Gluster,
  self: string,
  volume: GlusterfsVolume,
): Promise<GlusterfsVolumeFacts> {
  const nothing = { exists: false, bricks: [], options: {}, directories: [], offline: [], connectedPeers: [] }
  try {
    const { info, peers, status } = await askAbout(gluster, volume)
    if (isNoSuchVolume(info)) return { ...nothing, connectedPeers: peers ? [self, ...connectedIn(peers)] : [] }
    const found = volumeOf(info, volume.volume)
    if (found.status !== 'started') return { ...nothing, exists: true, ...found }
    const offline = status ? offlineIn(requireSuccess(status, `volume status ${volume.volume}`), found.bricks) : []
    return { ...nothing, exists: true, ...found, offline, directories: await directoriesMade(self, volume) }
  } catch (error) {
    if (error instanceof Busy) throw error
    return { ...nothing, unavailable: awaited(`glusterd on ${self}`, error) }
  }
}

/**
 * All that a volume's making needs to know, by one process: the peers for one that is absent, the status for one that is
 * started. The answer that is not needed is an error that costs nothing. One that is to go needs neither.
 */
async function askAbout({ run, ask }: Gluster, { volume, wanted }: GlusterfsVolume) {
  const info = ['volume', 'info', volume] as const
  if (wanted === 'absent') return { info: await ask(...info) }
  const questions = [info, ['peer', 'status'], ['volume', 'status', volume]]
  const [first, peers, status] = await askTogether(run, questions)
  return { info: first!, peers: peers!, status: status! }
}

/**
 * Makes the volume of the document's bricks, in their order; one that exists already is no failure. Throws BrickMarked
 * when a brick's directory carries the mark of an earlier volume, Busy when another transaction is under way, or Error
 * with gluster's words.
 */
export async function createVolume(gluster: Gluster, volume: GlusterfsVolume): Promise<void> {
  const bricks = volume.bricks.map((brick) => `${brick.host}:${brick.path}`)
  const output = await command(gluster.run, ['volume', 'create', volume.volume, 'transport', 'tcp', ...bricks])
  if (output.opRet !== 0 && /^Volume \S+ already exists/.test(output.opErrstr)) return
  if (output.opRet !== 0 && /already part of a volume|contained by an existing brick/.test(output.opErrstr)) {
    // A create that timed out may have been done since: then the mark is this very volume's.
    if ((await bricksOf(gluster, volume.volume))?.join() === bricks.join()) return
    throw new BrickMarked(carriesFormerMark(volume.volume, output.opErrstr))
  }
  requireSuccess(output, `volume create ${volume.volume}`)
}

/** Throws Busy, or Error with gluster's words. May be repeated. */
export async function setVolumeOptions(
  gluster: Gluster,
  volume: string,
  options: Record<string, string>,
): Promise<void> {
  requireSuccess(
    await command(gluster.run, ['volume', 'set', volume, ...Object.entries(options).flat()]),
    `volume set ${volume}`,
  )
}

/**
 * `force` starts brick processes that are missing. Throws BrickMarked when a brick lacks the volume's mark, Busy, or
 * Error with gluster's words. May be repeated.
 */
export async function startVolume(gluster: Gluster, volume: string, force: boolean): Promise<void> {
  const output = await command(gluster.run, ['volume', 'start', volume, ...(force ? ['force'] : [])])
  if (output.opRet !== 0 && /already started/.test(output.opErrstr)) return
  // A create that came while the brick's host had just been restarted marked the directory below the mount point.
  if (output.opRet !== 0 && /extended attribute trusted\.glusterfs\.volume-id/.test(output.opErrstr))
    throw new BrickMarked(lacksMark(volume, output.opErrstr))
  requireSuccess(output, `volume start ${volume}`)
}

/**
 * Stops it; nothing when it is gone or stopped. Throws Refusal when the volume of that name has other bricks than the
 * document, Busy, or Error with gluster's words.
 */
export async function stopVolume(gluster: Gluster, desired: GlusterfsVolume): Promise<void> {
  const { volume } = desired
  if (!(await isStillOurs(gluster, desired))) return
  const output = await command(gluster.run, ['volume', 'stop', volume])
  if (isNoSuchVolume(output) || /is not in the started state/.test(output.opErrstr)) return
  requireSuccess(output, `volume stop ${volume}`)
}

/**
 * Deletes a volume that is stopped; nothing when it is gone. Throws as `stopVolume` does. Its bricks keep their data.
 */
export async function deleteVolume(gluster: Gluster, desired: GlusterfsVolume): Promise<void> {
  const { volume } = desired
  if (!(await isStillOurs(gluster, desired))) return
  const output = await command(gluster.run, ['volume', 'delete', volume])
  if (!isNoSuchVolume(output)) requireSuccess(output, `volume delete ${volume}`)
}

/** False when it is gone; refused when the name belongs to other bricks by now. */
async function isStillOurs(gluster: Gluster, { volume, bricks }: GlusterfsVolume): Promise<boolean> {
  const found = await bricksOf(gluster, volume)
  if (found === undefined) return false
  const ours = bricks.map(({ host, path }) => `${host}:${path}`)
  if (found.join() === ours.join()) return true
  throw new Refusal(hasOtherBricks(volume, found))
}

async function bricksOf(gluster: Gluster, volume: string): Promise<string[] | undefined> {
  const info = await gluster.ask('volume', 'info', volume)
  return isNoSuchVolume(info) ? undefined : volumeOf(info, volume).bricks
}

function volumeOf(info: Output, volume: string): VolumeInfo {
  const found = parseVolumes(requireSuccess(info, `volume info ${volume}`).body).find(({ name }) => name === volume)
  // Never taken for absence: that is said by an error of its own.
  if (!found) throw new Error(notInAnswer(volume))
  return found
}

/**
 * Why the bricks below that path on this host may not be unmounted: a volume lists one; undefined when none does. Where
 * a volume that is stopped cannot be deleted because a peer is away, its bricks are given back all the same. Throws
 * when gluster does not say.
 */
export async function volumeHolding(gluster: Gluster, self: string, mountPath: string): Promise<string | undefined> {
  const volumes = parseVolumes(requireSuccess(await gluster.ask('volume', 'info'), 'volume info').body)
  const holding = volumes.filter(({ bricks }) => bricks.some((brick) => brick.startsWith(`${self}:${mountPath}/`)))
  const [started] = holding.filter(({ status }) => status === 'started')
  if (started) return `volume ${started.name} is started and has a brick there`
  const [other] = holding
  if (!other) return undefined
  const peers = parsePeers(requireSuccess(await gluster.ask('peer', 'status'), 'peer status').body)
  return peers.every(({ connected }) => connected) ? `volume ${other.name} has a brick there` : undefined
}

/**
 * Throws Unavailable unless every brick of the volume is online, and Error when it has not `count` of them: without
 * one, its files are silently missing from whatever is found in the volume.
 */
export async function requireAllBricksOnline({ ask }: Gluster, volume: string, count: number): Promise<void> {
  const [info, status] = await Promise.all([ask('volume', 'info', volume), ask('volume', 'status', volume)])
  const { bricks } = volumeOf(info, volume)
  const offline = offlineIn(requireSuccess(status, `volume status ${volume}`), bricks)
  if (offline.length > 0) throw new Unavailable(bricksOffline(volume, offline))
  if (bricks.length !== count) throw new Error(bricksMissing(volume, bricks.length, count))
}

/**
 * Whether the host is in the trusted pool and connected. Throws Busy; every other failure comes back as `unavailable`.
 */
export async function peerFacts(gluster: Gluster, peer: string): Promise<PeerFacts> {
  try {
    const peers = parsePeers(requireSuccess(await gluster.ask('peer', 'status'), 'peer status').body)
    const found = peers.find(({ names }) => names.includes(peer))
    return { known: found !== undefined, connected: found?.connected ?? false, isAlone: peers.length === 0 }
  } catch (error) {
    if (error instanceof Busy) throw error
    return { known: false, connected: false, isAlone: false, unavailable: awaited('glusterd', error) }
  }
}

/** Takes the host into the trusted pool. Throws Busy, or Error with gluster's words. May be repeated. */
export async function probePeer(gluster: Gluster, peer: string): Promise<void> {
  requireSuccess(await command(gluster.run, ['peer', 'probe', peer]), `peer probe ${peer}`)
}

/** As in `10.3`; undefined when gluster prints something else. Throws CommandError when it cannot be run. */
export async function glusterVersion(run: Run): Promise<string | undefined> {
  const { stdout } = await run(['gluster', '--version'], { timeoutMs: 10_000 })
  return /glusterfs ([0-9.]+)/.exec(stdout)?.[1]
}

function awaited(who: string, error: unknown): string {
  const { message } = error as Error
  return error instanceof Unavailable ? message : `${who} to answer: ${message}`
}

/** Every volume of the trusted pool, also those that are not ours. Throws as `Gluster.ask` does. */
export async function volumeNames(gluster: Gluster): Promise<string[]> {
  return parseVolumes(requireSuccess(await gluster.ask('volume', 'info'), 'volume info').body).map(({ name }) => name)
}

function connectedIn(peers: Output): string[] {
  return parsePeers(requireSuccess(peers, 'peer status').body)
    .filter(({ connected }) => connected)
    .flatMap(({ names }) => names)
}

/** Bricks that `volume status` does not report online; one that it does not list at all is not online either. */
function offlineIn(status: Output, bricks: string[]): string[] {
  const online = parseOnline(status.body)
  return bricks.filter((brick) => !online.has(brick))
}

/** 30800 is glusterd's general failure, and "Locking failed" and "Another transaction" under it are not failures. */
function requireSuccess(output: Output, what: string): Output {
  if (output.opRet === 0) return output
  const text = `gluster ${what}: ${output.opErrstr || `error ${output.opErrno}`}`
  const busy =
    output.opErrno === 30802 || /Another transaction|Locking failed|timed out|Please try again/i.test(output.opErrstr)
  throw busy ? new Busy(text) : new Error(text)
}

/** As this host's glusterd says it: that another host knows of no such volume ("Staging failed on …") proves nothing. */
function isNoSuchVolume(output: Output): boolean {
  return output.opRet !== 0 && (output.opErrno === 30806 || /^Volume \S+ does not exist$/.test(output.opErrstr.trim()))
}

type VolumeInfo = { name: string } & Required<Pick<GlusterfsVolumeFacts, 'bricks' | 'options' | 'status'>>

/**
 * From the body of `volume info`; empty when it says nothing of volumes. Throws Error for a state that is not known.
 */
export function parseVolumes(body: Record<string, unknown>): VolumeInfo[] {
  const { volumes } = (body['volInfo'] ?? {}) as { volumes?: { volume?: VolumeXml[] } }
  return (volumes?.volume ?? []).map(parseVolume)
}

function parseVolume(volume: VolumeXml): VolumeInfo {
  const status = ({ Created: 'created', Started: 'started', Stopped: 'stopped' } as const)[volume.statusStr]
  if (!status) throw new Error(`gluster reports the unknown state ${volume.statusStr} of volume ${volume.name}`)
  const options = Object.fromEntries((volume.options?.option ?? []).map(({ name, value }) => [name, String(value)]))
  return {
    name: volume.name,
    status,
    bricks: (volume.bricks?.brick ?? []).map((brick) => (typeof brick === 'string' ? brick : brick.name)),
    options,
  }
}

interface VolumeXml {
  name: string
  statusStr: 'Created' | 'Started' | 'Stopped'
  bricks?: { brick?: (string | { name: string })[] }
  options?: { option?: { name: string; value: string }[] }
}

/** From the body of `volume status`: bricks that are online, as `host:path`. */
export function parseOnline(body: Record<string, unknown>): Set<string> {
  const { volume: [volume] = [] } =
    (body['volStatus'] as { volumes?: { volume?: { node?: NodeXml[] }[] } } | undefined)?.volumes ?? {}
  return new Set(
    (volume?.node ?? []).filter(({ status }) => status === '1').map(({ hostname, path }) => `${hostname}:${path}`),
  )
}

interface NodeXml {
  hostname: string
  path: string
  status: string
}

/**
 * From the body of `peer status`: every name of each peer, short ones added. The host that was asked is not among them.
 */
export function parsePeers(body: Record<string, unknown>): { names: string[]; connected: boolean }[] {
  const { peer: peers = [] } = (body['peerStatus'] ?? {}) as { peer?: PeerXml[] }
  return peers.map(({ hostname, hostnames, connected, stateStr }) => {
    const others = hostnames?.hostname ?? []
    const names = [hostname, ...(Array.isArray(others) ? others : [others])]
    return {
      // A peer that probed us is known by what its address resolves to: often its name with the domain.
      names: [...new Set([...names, ...names.map(shortName)])],
      connected: connected === '1' && stateStr === 'Peer in Cluster',
    }
  })
}

function shortName(name: string): string {
  return isIP(name) === 0 ? name.split('.')[0]! : name
}

interface PeerXml {
  hostname: string
  hostnames?: { hostname?: string | string[] }
  connected: string
  stateStr: string
}
