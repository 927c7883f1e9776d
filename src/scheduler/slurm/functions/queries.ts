import { capacityOf } from '../../../model/capacity.js'
import { need } from './arguments.js'
import type { SlurmFunction } from './context.js'
import { configurations, instances, pools, sessions } from './replies.js'
import { sessionOf } from './sessionOf.js'

/* What is, as JSON: these functions wait for nothing and write nothing. */

export const showPools: SlurmFunction = ({ core, config, room }) =>
  json(pools(core.cluster, config, (pool) => room.claimedSlots(pool)))

export const showInstances: SlurmFunction = ({ core }) => json(instances(core.cluster))

export const showSessions: SlurmFunction = ({ core, clock, makings }) =>
  json(sessions(core.cluster, makings.unfinishedSetups(), clock.unixSeconds()))

export const showConfigurations: SlurmFunction = ({ core }) => json(configurations(core.cluster))

export const realSize: SlurmFunction = ({ core }, given) => {
  const token = need(given, 'token')
  const session = sessionOf(core.cluster, token)
  const buffer = session.buffer === undefined ? undefined : core.cluster.buffers.get(session.buffer)
  const bytes = buffer ? capacityOf(buffer) : 0
  return json({ token, capacity: bytes, units: 'bytes' })
}

function json(value: object): Promise<string> {
  return Promise.resolve(`${JSON.stringify(value)}\n`)
}
