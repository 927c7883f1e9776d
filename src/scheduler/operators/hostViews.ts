import { each, eachDocument, sorted, type Work } from '../../daemon/slices.js'
import type { HostView } from '../../model/api.js'
import { cutOffHosts } from '../../model/buffers.js'
import type { Cluster } from '../../model/cluster.js'
import type { HostDocument } from '../../model/documents/host.js'
import { unusableAddresses } from '../../model/fields.js'
import { levelOfHost, ourLevels } from '../../model/levels.js'
import { compareNames } from '../../model/names.js'
import { describeCutOff } from '../admission/cutOff.js'
import { describeIgnored } from '../cluster/storageHosts.js'
import { cordonOf } from './cordons.js'
import * as messages from './messages.js'

/** Each host as it is in its turn. */
export function* hostsView(cluster: Cluster): Work<HostView[]> {
  // The inventory of a compute host has no devices: when its agent ends, the host is not lost.
  const stored = [...cluster.inventories].filter(([, { devices }]) => devices.length > 0).map(([host]) => host)
  const bricks = new Map<string, number>()
  yield* eachDocument(cluster.buffers, (buffer) => {
    for (const { host } of [...buffer.bricks, ...buffer.released]) bricks.set(host, (bricks.get(host) ?? 0) + 1)
  })
  const cutOff = new Map<string, string[]>()
  for (const found of cutOffHosts(cluster)) {
    cutOff.set(found.host, [...(cutOff.get(found.host) ?? []), describeCutOff(cluster, found)])
  }
  // A host that was removed from the configuration counts only while it has bricks.
  const names = new Set([...cluster.hosts.keys(), ...stored, ...bricks.keys()])
  return yield* each(yield* sorted([...names], compareNames), (host) => {
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
  return [messages.levelsDiffer(theirs, ourLevels)]
}

function problemWithAddresses(document: HostDocument | undefined): string[] {
  const unusable = unusableAddresses(document?.addresses ?? [])
  if (unusable.length === 0) return []
  return [messages.invalidAddresses(unusable)]
}
