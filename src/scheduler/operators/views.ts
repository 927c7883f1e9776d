import { distance } from 'fastest-levenshtein'
import { viewsOf } from '../../model/access.js'
import { cutOffHosts } from '../../model/buffers.js'
import { capacityOf, printSize } from '../../model/capacity.js'
import type { BufferDetail, BufferView, DeviceView, HostView, StatusView } from '../../model/api.js'
import { hostKey, bufferKey, type Cluster, mountId } from '../../model/cluster.js'
import type { BufferDocument } from '../../model/documents/buffer.js'
import type { EventDocument } from '../../model/documents/event.js'
import type { HostDocument } from '../../model/documents/host.js'
import type { InventoryDevice } from '../../model/documents/inventory.js'
import { unusableAddresses } from '../../model/fields.js'
import { levelOfHost, ourLevels } from '../../model/levels.js'
import { compareNames, quote } from '../../model/names.js'
import { mountpointOf } from '../desired/index.js'
import { describeWiping, whyNotWipe } from '../../model/wipes.js'
import { isReady, observedBrickOf, phaseOf, type Phase, sessionsUsing, volumeOf } from '../../model/phase.js'
import type { SchedulerConfig } from '../config.js'
import { describeCutOff } from '../admission/cutOff.js'
import { type PoolRequest, devicesOf, sharedDisks, takenDevices } from '../cluster/devices.js'
import { describeIgnored } from '../cluster/storageHosts.js'
import { poolsOf } from '../cluster/pools.js'
import type { RateOf } from './transferRates.js'
import { shownStage, shownState } from './shownState.js'
import { transferProblems, transferViews } from './transferViews.js'

/** Keys that cannot be read are listed up to here. */
const maxOfOnePlace = 10

/** The cluster as operators see it: pure, from the documents to the shapes of `model/api.ts`. */
export function statusView(
  cluster: Cluster,
  config: SchedulerConfig,
  scheduler: StatusView['scheduler'],
  etcd: StatusView['etcd'],
  /** What is wrong beside the cluster's documents. */
  ownProblems: string[] = [],
): StatusView {
  const hosts = hostsView(cluster)
  const counts: Partial<Record<Phase, number>> = {}
  for (const buffer of cluster.buffers.values()) {
    const { phase } = phaseOf(cluster, buffer)
    counts[phase] = (counts[phase] ?? 0) + 1
  }
  return {
    scheduler,
    etcd,
    hosts: {
      alive: hosts.filter(({ state }) => state === 'alive').length,
      lost: hosts.filter(({ state }) => state === 'lost').map(({ host }) => host),
      cordoned: hosts.filter(({ cordon }) => cordon !== null).map(({ host }) => host),
    },
    pools: poolsOf(cluster, config).map(({ name, isDefault, granularityBytes, quantity, free, devices }) => ({
      pool: name,
      default: isDefault,
      granularityBytes,
      totalBytes: quantity * granularityBytes,
      usedBytes: devices.taken * granularityBytes,
      freeBytes: free * granularityBytes,
      cordonedBytes: devices.cordoned * granularityBytes,
      lostBytes: devices.lost * granularityBytes,
    })),
    buffers: counts,
    problems: [...ownProblems, ...problemsOf(cluster, config, hosts)],
  }
}

export function hostsView(cluster: Cluster): HostView[] {
  // What is left of a compute host that went is no loss.
  const stored = [...cluster.inventories].filter(([, { devices }]) => devices.length > 0).map(([host]) => host)
  const bricks = new Map<string, number>()
  for (const buffer of cluster.buffers.values()) {
    for (const { host } of [...buffer.bricks, ...buffer.released]) bricks.set(host, (bricks.get(host) ?? 0) + 1)
  }
  const cutOff = new Map<string, string[]>()
  for (const found of cutOffHosts(cluster)) {
    cutOff.set(found.host, [...(cutOff.get(found.host) ?? []), describeCutOff(cluster, found)])
  }
  // Nor is one that was taken out of the configuration, unless it has bricks still.
  const names = new Set([...cluster.hosts.keys(), ...stored, ...bricks.keys()])
  return [...names].sort(compareNames).map((host) => {
    const document = cluster.hosts.get(host)
    const ignored = cluster.ignored.get(host)
    return {
      host,
      state: document ? 'alive' : 'lost',
      roles: document?.roles ?? ['storage'],
      devices: cluster.inventories.get(host)?.devices.length ?? 0,
      bricks: bricks.get(host) ?? 0,
      cordon: cordonOf(cluster, host),
      problems: [
        ...(ignored ? [describeIgnored(ignored)] : []),
        ...(document?.problems ?? []),
        ...problemWithLevel(document),
        ...problemWithAddresses(document),
        ...(cutOff.get(host) ?? []),
      ],
      versions: document?.versions ?? {},
    }
  })
}

function problemWithLevel(document: HostDocument | undefined): string[] {
  if (!document || levelOfHost(document) !== undefined) return []
  const theirs = document.versions['documents']
  return [`it knows documents of levels ${theirs}, this scheduler of ${ourLevels}: upgrade the older one`]
}

function problemWithAddresses(document: HostDocument | undefined): string[] {
  const unusable = unusableAddresses(document?.addresses ?? [])
  if (unusable.length === 0) return []
  return [`addresses that are no host name and no IP address are left out: ${unusable.map(quote).join(', ')}`]
}

export function devicesView(cluster: Cluster, config: SchedulerConfig): DeviceView[] {
  const owners = new Map<string, string>()
  for (const [key, { bricks, released }] of cluster.buffers) {
    for (const { host, device } of [...bricks, ...released]) owners.set(hostKey(host, device), key)
  }
  const taken = takenDevices(cluster)
  const shared = sharedDisks(cluster)
  const pools = new Set([...cluster.inventories.values()].flatMap(({ devices }) => devices.map(({ pool }) => pool)))
  const views = [...pools].flatMap((pool) => {
    const configured = config.pools[pool]
    const asked = { pool, granularityBytes: configured?.granularityBytes ?? 0, wipe: configured?.wipe }
    return devicesOf(cluster, asked, taken, shared).map(({ host, device, availability, alsoAt }): DeviceView => {
      const cordon = cordonOf(cluster, host, device.name)
      const unknownPool = configured ? undefined : `the scheduler's configuration has no pool ${pool}`
      return {
        host,
        device: device.name,
        pool,
        sizeBytes: device.sizeBytes,
        identity: device.identity,
        availability: unknownPool ? 'refused' : availability,
        buffer: owners.get(hostKey(host, device.name)) ?? null,
        reason:
          unknownPool ??
          sameDisk(device.identity, alsoAt) ??
          whyNotFree(availability, device, asked) ??
          wipingOf(cluster, host, device.name) ??
          cordon,
        wipes: wipesOf(device),
      }
    })
  })
  return views.sort((a, b) => compareNames(a.host, b.host) || compareNames(a.device, b.device))
}

export function buffersView(cluster: Cluster): BufferView[] {
  return [...cluster.buffers.values()]
    .map((buffer) => bufferView(cluster, buffer))
    .sort((a, b) => compareNames(a.name, b.name))
}

export function bufferDetail(
  cluster: Cluster,
  buffer: BufferDocument,
  timeline: EventDocument[],
  rateOf: RateOf,
): BufferDetail {
  const sessions = sessionsUsing(cluster, buffer)
  return {
    ...bufferView(cluster, buffer),
    gid: buffer.gid,
    sharedGid: buffer.sharedGid ?? null,
    requestedBytes: buffer.requestedBytes,
    access: buffer.swapBytes === undefined ? buffer.access : [...buffer.access, `swap ${printSize(buffer.swapBytes)}`],
    volume: buffer.volume,
    volumeState: shownStateOf(volumeOf(cluster, buffer)) ?? null,
    mountpoint: mountpointOf(buffer) ?? null,
    brickList: [
      ...buffer.bricks.map((brick) => {
        const observed = observedBrickOf(cluster, brick)
        const state = isReady(cluster, buffer, brick) ? 'ready' : (shownStateOf(observed) ?? 'not begun')
        return { host: brick.host, device: brick.device, state, problem: observed?.problem?.message ?? null }
      }),
      ...buffer.released.map((brick) => {
        const observed = observedBrickOf(cluster, brick)
        return {
          host: brick.host,
          device: brick.device,
          state: 'replaced',
          problem: observed?.problem?.message ?? null,
        }
      }),
    ],
    sessions: sessions.map(({ token, kind, stage, uid, computeHosts }) => ({
      token,
      kind,
      stage: shownStage(stage),
      uid,
      computeHosts,
    })),
    mounts: sessions.flatMap((session) =>
      session.computeHosts.flatMap((host) =>
        viewsOf(buffer).flatMap((view) => {
          const observed = cluster.observed.mount.get(hostKey(host, mountId(session.id, buffer.id, view)))
          if (!observed || observed.state === 'absent') return []
          return [
            {
              host,
              token: session.token,
              state: shownState(observed.state),
              problem: observed.problem?.message ?? null,
            },
          ]
        }),
      ),
    ),
    transfers: sessions.flatMap((session) => transferViews(cluster, session, bufferKey(cluster, buffer), rateOf)),
    timeline: timeline.map(({ at, text }) => ({ at, text })),
  }
}

function shownStateOf(observed: { state: string } | undefined): string | undefined {
  return observed && shownState(observed.state)
}

/** Names like the one that was mistyped: the same beginning, or a letter or two away. */
export function nearNames(names: Iterable<string>, asked: string): string[] {
  return [...names]
    .filter((name) => name.startsWith(asked) || asked.startsWith(name) || distance(name, asked) <= 2)
    .slice(0, 5)
}

function bufferView(cluster: Cluster, buffer: BufferDocument): BufferView {
  const { phase, waitingFor, reason } = phaseOf(cluster, buffer)
  return {
    name: bufferKey(cluster, buffer),
    id: buffer.id,
    kind: buffer.kind,
    uid: buffer.uid,
    pool: buffer.pool,
    sizeBytes: capacityOf(buffer),
    bricks: buffer.bricks.length,
    phase,
    waitingFor,
    reason: reason ?? null,
    createdAt: buffer.createdAt,
  }
}

function problemsOf(cluster: Cluster, config: SchedulerConfig, hosts: HostView[]): string[] {
  const devices = devicesView(cluster, config)
  return [
    ...hosts
      .filter(({ state }) => state === 'lost')
      .map(({ host }) => `host ${host} is lost: its agent does not answer`),
    ...hosts.flatMap(({ host, problems }) => problems.map((problem) => `host ${host}: ${problem}`)),
    ...[...cluster.cordons.values()]
      .filter(({ kind }) => kind === 'quarantine')
      .map(
        ({ host, device, why }) => `${device === undefined ? host : hostKey(host, device)} is in quarantine: ${why}`,
      ),
    ...devices
      .filter(({ availability }) => ['foreign', 'refused', 'too small'].includes(availability))
      .map(
        ({ host, device, availability, reason }) =>
          `device ${hostKey(host, device)} is ${availability}: ${reason ?? 'no reason given'}`,
      ),
    ...takenTwice(cluster),
    ...[...cluster.buffers.values()].flatMap((buffer) => {
      const { phase, waitingFor, reason } = phaseOf(cluster, buffer)
      if (phase !== 'blocked' && phase !== 'degraded' && phase !== 'failed') return []
      return [`buffer ${bufferKey(cluster, buffer)} is ${phase}: ${reason ?? waitingFor.join('; ')}`]
    }),
    ...transferProblems(cluster),
    ...unreadProblems(cluster),
  ]
}

/** One host may have written any number of them. */
function unreadProblems(cluster: Cluster): string[] {
  const byPlace = new Map<string, string[]>()
  for (const [key, reason] of cluster.invalid) {
    const place = key.split('/').slice(0, 2).join('/')
    byPlace.set(place, [...(byPlace.get(place) ?? []), `etcd key ${key} cannot be read: ${reason}`])
  }
  return [...byPlace].flatMap(([place, all]) =>
    all.length <= maxOfOnePlace
      ? all
      : [
          ...all.slice(0, maxOfOnePlace),
          `${all.length - maxOfOnePlace} more keys of etcd below ${place} cannot be read`,
        ],
  )
}

function cordonOf(cluster: Cluster, host: string, device?: string): string | null {
  const cordon =
    cluster.cordons.get(device === undefined ? host : hostKey(host, device)) ??
    (device === undefined ? undefined : cluster.cordons.get(host))
  return cordon ? `${cordon.kind === 'quarantine' ? 'quarantine' : `cordoned by ${cordon.who}`}: ${cordon.why}` : null
}

/** A disk of a buffer that another host came to see as well: refused there, and to be known here. */
function takenTwice(cluster: Cluster): string[] {
  const taken = takenDevices(cluster)
  return [...sharedDisks(cluster)]
    .filter(([place]) => taken.has(place))
    .map(([place, others]) => `device ${place} is taken, and the same disk as ${others}`)
}

function sameDisk(identity: string, alsoAt: string | undefined): string | undefined {
  return alsoAt === undefined ? undefined : `the same disk as ${alsoAt}, by its ${identity}`
}

function whyNotFree(
  availability: string,
  device: InventoryDevice,
  { granularityBytes, wipe }: PoolRequest,
): string | undefined {
  if (availability === 'too small')
    return `it has ${device.sizeBytes} bytes, the pool's granularity is ${granularityBytes}`
  if (availability === 'foreign' && device.stamp)
    return `it carries the brick ${device.stamp.uuid}, which no buffer claims`
  if (availability === 'taken') return undefined
  return device.reason ?? (availability === 'refused' ? whyNotWipe(device, wipe) : undefined)
}

function wipingOf(cluster: Cluster, host: string, device: string): string | undefined {
  const { brick, adopt } = cluster.observed
  const wiping = brick.get(hostKey(host, device))?.wiping ?? adopt.get(hostKey(host, device))?.wiping
  return wiping && describeWiping(wiping)
}

function wipesOf({ wipes }: InventoryDevice): DeviceView['wipes'] {
  return wipes ? { discard: wipes.discard, zero: true, sanitize: wipes.sanitize, reason: wipes.reason ?? null } : null
}
