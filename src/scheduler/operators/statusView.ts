import { eachDocument, type Work } from '../../daemon/slices.js'
import type { DeviceView, HostView, StatusView } from '../../model/api.js'
import { hostKey, bufferKey, type Cluster } from '../../model/cluster.js'
import { phaseOf, type Phase } from '../../model/phase.js'
import { sharedDisks, takenDevices } from '../cluster/devices.js'
import { poolsOf } from '../cluster/pools.js'
import type { SchedulerConfig } from '../config.js'
import { devicesView } from './deviceViews.js'
import { hostsView } from './hostViews.js'
import * as messages from './messages.js'
import { transferProblems } from './transferViews.js'

/** At most this many keys that cannot be read are listed for each place. */
const maxOfOnePlace = 10

/**
 * The cluster as operators see it: pure, from the documents to the shapes of `model/api.ts`. Each buffer and each host is shown as it
 * is in its turn.
 */
export function* statusView(
  cluster: Cluster,
  config: SchedulerConfig,
  scheduler: StatusView['scheduler'],
  etcd: StatusView['etcd'],
  /** Problems that are not in the cluster's documents. */
  ownProblems: string[] = [],
): Work<StatusView> {
  const counts: Partial<Record<Phase, number>> = {}
  const ofBuffers = yield* eachDocument(cluster.buffers, (buffer) => {
    const { phase, waitingFor, reason } = phaseOf(cluster, buffer)
    counts[phase] = (counts[phase] ?? 0) + 1
    if (phase !== 'blocked' && phase !== 'degraded' && phase !== 'failed') return []
    return [messages.bufferProblem(bufferKey(cluster, buffer), phase, reason ?? waitingFor.join('; '))]
  })
  const devices = yield* devicesView(cluster, config)
  const hosts = yield* hostsView(cluster)
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
    problems: [...ownProblems, ...problemsOf(cluster, hosts, devices, ofBuffers.flat())],
  }
}

function problemsOf(cluster: Cluster, hosts: HostView[], devices: DeviceView[], ofBuffers: string[]): string[] {
  return [
    ...hosts.filter(({ state }) => state === 'lost').map(({ host }) => messages.hostIsLost(host)),
    ...hosts.flatMap(({ host, problems }) => problems.map((problem) => messages.ofHost(host, problem))),
    ...[...cluster.cordons.values()]
      .filter(({ kind }) => kind === 'quarantine')
      .map(({ host, device, why }) => messages.inQuarantine(device === undefined ? host : hostKey(host, device), why)),
    ...devices
      .filter(({ availability }) => ['foreign', 'refused', 'too small'].includes(availability))
      .map(({ host, device, availability, reason }) =>
        messages.deviceIs(hostKey(host, device), availability, reason ?? undefined),
      ),
    ...takenTwice(cluster),
    ...ofBuffers,
    ...transferProblems(cluster),
    ...unreadProblems(cluster),
  ]
}

/** Disks of buffers that another host sees as well: that host's device is refused, and operators should know. */
function takenTwice(cluster: Cluster): string[] {
  const taken = takenDevices(cluster)
  return [...sharedDisks(cluster)]
    .filter(([place]) => taken.has(place))
    .map(([place, others]) => messages.takenAndShared(place, others))
}

/** Shortened for each place, because one host may have written any number of keys. */
function unreadProblems(cluster: Cluster): string[] {
  const byPlace = new Map<string, string[]>()
  for (const [key, reason] of cluster.invalid) {
    const place = key.split('/').slice(0, 2).join('/')
    byPlace.set(place, [...(byPlace.get(place) ?? []), messages.keyUnreadable(key, reason)])
  }
  return [...byPlace].flatMap(([place, all]) =>
    all.length <= maxOfOnePlace
      ? all
      : [...all.slice(0, maxOfOnePlace), messages.moreKeysUnreadable(all.length - maxOfOnePlace, place)],
  )
}
