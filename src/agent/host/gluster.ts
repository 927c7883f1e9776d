import { XMLParser } from 'fast-xml-parser'
import { isIP } from 'node:net'
import type { DesiredVolume } from '../../model/documents.js'
import { BrickMarked, Busy, type PeerFacts, Refusal, Unavailable, type VolumeFacts } from '../host.js'
import { directoriesMade } from './directories.js'
import { CommandError, type Run } from './run.js'

/*
 * GlusterFS through its command line. The XML says whether a command worked; its exit code does not (measured: 0 on
 * failure). A time-out is not a failure: what was asked may still happen, so nothing is ever undone for it.
 */
const timeoutSeconds = 60
/**
 * Every start of `gluster` asks for geo-replication's version through Python, which takes 80 of its 100 ms (measured,
 * 10.3). gsyncd runs what PYTHON names, and we never ask for geo-replication.
 */
const env = { PYTHON: '/bin/true' }
const parser = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  isArray: (name) => ['volume', 'brick', 'option', 'peer', 'node'].includes(name),
})

interface Output {
  opRet: number
  opErrno: number
  opErrstr: string
  body: Record<string, unknown>
}

export async function volumeFacts(run: Run, self: string, volume: DesiredVolume): Promise<VolumeFacts> {
  const nothing = { exists: false, bricks: [], options: {}, directories: [], offline: [], connectedPeers: [] }
  try {
    const info = await gluster(run, ['volume', 'info', volume.volume])
    if (isNoSuchVolume(info)) return { ...nothing, connectedPeers: await connectedPeers(run, self) }
    const found = volumeOf(info, volume.volume)
    const offline =
      found.status === 'started' && volume.wanted === 'started'
        ? await offlineBricks(run, volume.volume, found.bricks)
        : []
    const directories = found.status === 'started' ? await directoriesMade(self, volume) : []
    return { exists: true, ...found, directories, offline, connectedPeers: [] }
  } catch (error) {
    if (error instanceof Busy) throw error
    return { ...nothing, unavailable: awaited(`glusterd on ${self}`, error) }
  }
}

export async function createVolume(run: Run, volume: DesiredVolume): Promise<void> {
  const bricks = volume.bricks.map((brick) => `${brick.host}:${brick.path}`)
  const output = await gluster(run, ['volume', 'create', volume.volume, 'transport', 'tcp', ...bricks])
  if (output.opRet !== 0 && /^Volume \S+ already exists/.test(output.opErrstr)) return
  if (output.opRet !== 0 && /already part of a volume|contained by an existing brick/.test(output.opErrstr)) {
    // A create that timed out may have been done since: then the mark is this very volume's.
    if ((await bricksOf(run, volume.volume))?.join() === bricks.join()) return
    throw new BrickMarked(
      `a brick directory of ${volume.volume} carries the mark of an earlier volume: ${output.opErrstr}`,
    )
  }
  orThrow(output, `volume create ${volume.volume}`)
}

export async function setVolumeOptions(run: Run, volume: string, options: Record<string, string>): Promise<void> {
  orThrow(await gluster(run, ['volume', 'set', volume, ...Object.entries(options).flat()]), `volume set ${volume}`)
}

export async function startVolume(run: Run, volume: string, force: boolean): Promise<void> {
  const output = await gluster(run, ['volume', 'start', volume, ...(force ? ['force'] : [])])
  if (output.opRet !== 0 && /already started/.test(output.opErrstr)) return
  orThrow(output, `volume start ${volume}`)
}

export async function stopVolume(run: Run, desired: DesiredVolume): Promise<void> {
  const { volume } = desired
  if (!(await isStillOurs(run, desired))) return
  const output = await gluster(run, ['volume', 'stop', volume])
  if (isNoSuchVolume(output) || /is not in the started state/.test(output.opErrstr)) return
  orThrow(output, `volume stop ${volume}`)
}

export async function deleteVolume(run: Run, desired: DesiredVolume): Promise<void> {
  const { volume } = desired
  if (!(await isStillOurs(run, desired))) return
  const output = await gluster(run, ['volume', 'delete', volume])
  if (!isNoSuchVolume(output)) orThrow(output, `volume delete ${volume}`)
}

/** False when it is gone; refused when the name belongs to other bricks by now. */
async function isStillOurs(run: Run, { volume, bricks }: DesiredVolume): Promise<boolean> {
  const found = await bricksOf(run, volume)
  if (found === undefined) return false
  const ours = bricks.map(({ host, path }) => `${host}:${path}`)
  if (found.join() === ours.join()) return true
  throw new Refusal(`volume ${volume} has other bricks by now, and is left alone: ${found.join(', ')}`)
}

async function bricksOf(run: Run, volume: string): Promise<string[] | undefined> {
  const info = await gluster(run, ['volume', 'info', volume])
  return isNoSuchVolume(info) ? undefined : volumeOf(info, volume).bricks
}

function volumeOf(info: Output, volume: string): VolumeInfo {
  const found = parseVolumes(orThrow(info, `volume info ${volume}`).body).find(({ name }) => name === volume)
  // Never taken for absence: that is said by an error of its own.
  if (!found) throw new Error(`gluster volume info ${volume}: no word about the volume`)
  return found
}

/**
 * Why the bricks below that path on this host may not be unmounted: a volume lists one. Where a volume that is stopped
 * cannot be deleted because a peer is away, its bricks are given back all the same.
 */
export async function volumeHolding(run: Run, self: string, mountPath: string): Promise<string | undefined> {
  const volumes = parseVolumes(orThrow(await gluster(run, ['volume', 'info']), 'volume info').body)
  const holding = volumes.filter(({ bricks }) => bricks.some((brick) => brick.startsWith(`${self}:${mountPath}/`)))
  const [started] = holding.filter(({ status }) => status === 'started')
  if (started) return `volume ${started.name} is started and has a brick there`
  const [other] = holding
  if (!other) return undefined
  const peers = parsePeers(orThrow(await gluster(run, ['peer', 'status']), 'peer status').body)
  return peers.every(({ connected }) => connected) ? `volume ${other.name} has a brick there` : undefined
}

export async function peerFacts(run: Run, peer: string): Promise<PeerFacts> {
  try {
    const peers = parsePeers(orThrow(await gluster(run, ['peer', 'status']), 'peer status').body)
    const found = peers.find(({ names }) => names.includes(peer))
    return { known: found !== undefined, connected: found?.connected ?? false }
  } catch (error) {
    if (error instanceof Busy) throw error
    return { known: false, connected: false, unavailable: awaited('glusterd', error) }
  }
}

export async function probePeer(run: Run, peer: string): Promise<void> {
  orThrow(await gluster(run, ['peer', 'probe', peer]), `peer probe ${peer}`)
}

export async function glusterVersion(run: Run): Promise<string | undefined> {
  const { stdout } = await run(['gluster', '--version'], { timeoutMs: 10_000 })
  return /glusterfs ([0-9.]+)/.exec(stdout)?.[1]
}

function awaited(who: string, error: unknown): string {
  const { message } = error as Error
  return error instanceof Unavailable ? message : `${who} to answer: ${message}`
}

/** Every volume of the trusted pool. */
export async function volumeNames(run: Run): Promise<string[]> {
  return parseVolumes(orThrow(await gluster(run, ['volume', 'info']), 'volume info').body).map(({ name }) => name)
}

async function connectedPeers(run: Run, self: string): Promise<string[]> {
  const peers = parsePeers(orThrow(await gluster(run, ['peer', 'status']), 'peer status').body)
  return [self, ...peers.filter(({ connected }) => connected).flatMap(({ names }) => names)]
}

/** Bricks that `volume status` does not report online; one that it does not list at all is not online either. */
async function offlineBricks(run: Run, volume: string, bricks: string[]): Promise<string[]> {
  const output = orThrow(await gluster(run, ['volume', 'status', volume]), `volume status ${volume}`)
  const online = parseOnline(output.body)
  return bricks.filter((brick) => !online.has(brick))
}

async function gluster(run: Run, words: string[]): Promise<Output> {
  const argv = ['gluster', '--mode=script', '--xml', `--timeout=${timeoutSeconds}`, ...words] as const
  const { stdout, stderr, code } = await run(argv as unknown as [string, ...string[]], {
    timeoutMs: (timeoutSeconds + 10) * 1000,
    env,
  }).catch((error: unknown) => {
    const hung = error instanceof CommandError && error.result.timedOut
    throw hung ? new Busy(`${error.message}: whether it was done will show`, { cause: error }) : error
  })
  const output = parseOutput(stdout)
  if (!output) {
    const said = `${stderr} ${stdout.split('<?xml')[0]}`.trim()
    if (/timed out/i.test(said)) throw new Busy(`gluster ${words.join(' ')}: ${said}: whether it was done will show`)
    throw new CommandError(argv, { code, signal: null, stderr, stdout, timedOut: false })
  }
  return output
}

/**
 * Undefined unless it is one whole answer. After "Error : Request timed out" `volume info` goes on with well-formed XML that
 * reports success and no volumes (measured): what has words before it is no answer.
 */
export function parseOutput(xml: string): Output | undefined {
  if (!xml.startsWith('<?xml') || !xml.trimEnd().endsWith('</cliOutput>')) return undefined
  const { cliOutput } = parser.parse(xml) as { cliOutput: Record<string, unknown> }
  const { opRet, opErrno, opErrstr, ...body } = cliOutput
  return {
    opRet: Number(opRet),
    opErrno: Number(opErrno),
    opErrstr: typeof opErrstr === 'string' ? opErrstr : '',
    body,
  }
}

/** 30800 is glusterd's general failure, and "Locking failed" and "Another transaction" under it are not failures. */
function orThrow(output: Output, what: string): Output {
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

type VolumeInfo = { name: string } & Required<Pick<VolumeFacts, 'bricks' | 'options' | 'status'>>

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
