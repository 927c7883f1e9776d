import { adoptSeconds } from '../../model/adoption.js'
import { hostKey, type Cluster } from '../../model/cluster.js'
import type { InventoryDevice } from '../../model/documents/inventory.js'
import { whyNotWipe } from '../../model/wipes.js'
import type { Decision } from '../commit/decision.js'
import { sharedDisks, takenDevices } from '../cluster/devices.js'
import type { AdmissionContext } from './context.js'
import * as messages from './messages.js'

/** A whole host, or one of its devices. */
export interface Place {
  host: string
  device?: string
}

/** No new bricks here. What is there stays. */
export function cordon(
  cluster: Cluster,
  request: Place & { who: string; why: string },
  context: AdmissionContext,
): Decision<{ already: boolean }> {
  const { host, device, who, why } = request
  const unknown = problemWithPlace(cluster, request)
  if (unknown !== undefined) return { refused: unknown }
  const existing = cluster.cordons.get(nameOf(request))
  if (existing?.kind === 'operator' && existing.why === why) return { changes: [], result: { already: true } }
  const place = { host, ...(device === undefined ? {} : { device }) }
  const document = { v: 1, ...place, kind: 'operator', why, who, when: context.now } as const
  return { changes: [{ kind: 'cordon', ...place, document }], result: { already: false } }
}

/**
 * Takes an operator's cordon or a quarantine off. `already`: there was none. Refused while the agent still says what the
 * quarantine is for: another would follow at once.
 */
export function uncordon(cluster: Cluster, request: Place): Decision<{ already: boolean }> {
  const { host, device } = request
  const place = { host, ...(device === undefined ? {} : { device }) }
  const cordon = cluster.cordons.get(nameOf(request))
  const given = cordon?.kind === 'quarantine' ? whyGivenUp(cluster, nameOf(request)) : undefined
  if (given !== undefined) return { refused: messages.stillFailing(nameOf(request), given) }
  if (cordon) return { changes: [{ kind: 'cordon', ...place, document: undefined }], result: { already: false } }
  const unknown = problemWithPlace(cluster, request)
  return unknown === undefined ? { changes: [], result: { already: true } } : { refused: unknown }
}

/**
 * Gives a device that holds something of others to us, to be wiped; then wait for `adoptProgress`. A brick of ours that
 * no buffer claims may be adopted too. Refused for every other device.
 */
export function adopt(
  cluster: Cluster,
  request: { host: string; device: string; who: string },
  context: Pick<AdmissionContext, 'now'> & { config: Pick<AdmissionContext['config'], 'pools'> },
): Decision<Record<never, never>> {
  const { host, device, who } = request
  const unknown = problemWithPlace(cluster, request)
  if (unknown !== undefined) return { refused: unknown }
  const found = cluster.inventories.get(host)!.devices.find(({ name }) => name === device)!
  const place = `${host}/${device}`
  if (!cluster.hosts.has(host)) return { refused: messages.noAgent(host) }
  if (takenDevices(cluster).has(hostKey(host, device)) || cluster.desired.brick.has(hostKey(host, device)))
    return { refused: messages.deviceInUse(place) }
  if (found.state === 'blank') return { refused: messages.deviceBlank(place) }
  const alsoAt = sharedDisks(cluster).get(hostKey(host, device))
  if (alsoAt !== undefined) return { refused: messages.sameDisk(place, alsoAt, found.identity) }
  if (found.state === 'refused') return { refused: messages.deviceUnusable(place, found.reason) }
  const { identity, sizeBytes } = found
  const until = context.now + adoptSeconds
  // Written anew even when it stands already: that makes the agent try again what it had given up.
  const wipe = context.config.pools[found.pool]?.wipe
  const cannot = whyNotWipe(found, wipe)
  if (cannot !== undefined) return { refused: messages.deviceUnusable(place, cannot) }
  const document = {
    ...({ v: 1, kind: 'adopt', device, identity, sizeBytes, expected: holds(found), who, until } as const),
    ...(wipe === undefined ? {} : { wipe }),
  }
  return { changes: [{ kind: 'adopt', host, device, document }], result: {} }
}

/** What keeps the agent from giving the device back, by its last report on the brick that is there now. */
function whyGivenUp(cluster: Cluster, place: string): string | undefined {
  const told = cluster.desired.brick.get(place)
  const observed = cluster.observed.brick.get(place)
  if (told?.wanted !== 'absent' || observed?.uuid !== told.uuid || observed.state !== 'leaving') return undefined
  return observed.problem?.terminal === true ? observed.problem.message : undefined
}

/** In the agent's own words, for it compares them with what it finds. */
function holds({ reason, stamp }: InventoryDevice): string {
  return reason ?? (stamp ? `the brick ${stamp.uuid}` : '')
}

function problemWithPlace(cluster: Cluster, { host, device }: Place): string | undefined {
  const inventory = cluster.inventories.get(host)
  if (!inventory && !cluster.hosts.has(host)) {
    const known = [...new Set([...cluster.inventories.keys(), ...cluster.hosts.keys()])].sort()
    return messages.noHost(host, known)
  }
  if (device === undefined || inventory?.devices.some(({ name }) => name === device)) return undefined
  if (cluster.ignored.get(host)?.devices.some(({ name }) => name === device))
    return messages.deviceIgnored(`${host}/${device}`, host)
  const known = inventory?.devices.map(({ name }) => name) ?? []
  return messages.noDevice(host, device, known)
}

function nameOf({ host, device }: Place): string {
  return device === undefined ? host : hostKey(host, device)
}
