import type { Cluster } from '../../model/cluster.js'
import type { DeviceCounts } from '../../model/space.js'
import type { PoolConfig, SchedulerConfig } from '../config.js'
import * as messages from './messages.js'
import { spaceOf } from './space.js'

export interface PoolReport {
  name: string
  granularityBytes: number
  isDefault: boolean
  /** All slots: free, taken, cordoned and on lost hosts. Foreign devices do not belong to the pool. */
  quantity: number
  free: number
  devices: DeviceCounts
}

/** Every configured pool, also one without devices, because Slurm must always see it. */
export function poolsOf(cluster: Cluster, config: Pick<SchedulerConfig, 'pools'>): PoolReport[] {
  return Object.entries(config.pools).map(([name, { granularityBytes, isDefault, wipe }]) => {
    const devices = { ...spaceOf(cluster, { pool: name, granularityBytes, wipe }).counts }
    const quantity = devices.free + devices.taken + devices.cordoned + devices.lost
    return { name, granularityBytes, isDefault, quantity, free: devices.free, devices }
  })
}

/** The pool of a request; the default pool if it names none. */
export function findPool(
  config: Pick<SchedulerConfig, 'pools'>,
  name: string | undefined,
): (PoolConfig & { name: string }) | { refused: string } {
  const pools = Object.entries(config.pools)
  const found = pools.find(([pool, { isDefault }]) => (name === undefined ? isDefault : pool === name))
  if (found) return { name: found[0], ...found[1] }
  const known = pools.map(([pool]) => pool)
  return { refused: name === undefined ? messages.noDefaultPool(known) : messages.noPool(name, known) }
}
