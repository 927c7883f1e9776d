import { inSlices } from '../../../daemon/slices.js'
import { capacityOf } from '../../../model/capacity.js'
import { need } from './arguments.js'
import type { SlurmFunction } from './context.js'
import { configurations, instances, pools, sessions } from './replies.js'
import { sessionOf } from './sessionOf.js'

/* Functions that show the current state as JSON. They wait for nothing and write nothing. */

export const showPools: SlurmFunction = ({ decisions, config, capacityQueue }) =>
  json(pools(decisions.cluster, config, (pool) => capacityQueue.claimedSlots(pool)))

export const showInstances: SlurmFunction = async ({ decisions, clock }) =>
  json(await inSlices(clock, instances(decisions.cluster)))

export const showSessions: SlurmFunction = async ({ decisions, clock, inFlightSetups }) =>
  json(await inSlices(clock, sessions(decisions.cluster, inFlightSetups.unfinishedSetups(), clock.unixSeconds())))

export const showConfigurations: SlurmFunction = async ({ decisions, clock }) =>
  json(await inSlices(clock, configurations(decisions.cluster)))

export const realSize: SlurmFunction = ({ decisions }, given) => {
  const token = need(given, 'token')
  const session = sessionOf(decisions.cluster, token)
  const buffer = session.buffer === undefined ? undefined : decisions.cluster.buffers.get(session.buffer)
  const bytes = buffer ? capacityOf(buffer) : 0
  return json({ token, capacity: bytes, units: 'bytes' })
}

function json(value: object): Promise<string> {
  return Promise.resolve(`${JSON.stringify(value)}\n`)
}
