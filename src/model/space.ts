import type { InventoryDevice } from './documents/inventory.js'
import type { ThoroughWipe } from './documents/wipe.js'

/**
 * free: may be given to a buffer. Every other availability says why not, the strongest reason first: a device that is
 * taken on a lost host is taken.
 */
export const deviceAvailabilities = ['taken', 'refused', 'too small', 'lost', 'cordoned', 'foreign', 'free'] as const
export type DeviceAvailability = (typeof deviceAvailabilities)[number]

/** Devices by their availability. */
export type DeviceCounts = Record<DeviceAvailability, number>

/** What a device is wanted for. */
export interface PoolRequest {
  pool: string
  granularityBytes: number
  /** The wipe that it must support. */
  wipe?: ThoroughWipe | undefined
}

/** The devices of a pool on one host. */
export interface HostSpace {
  readonly host: string
  readonly counts: Readonly<DeviceCounts>
  /** Spares that are ready first, then by name. */
  readonly free: readonly InventoryDevice[]
  /** How many of `free` are spares that are ready. */
  readonly spares: number
}

/** The devices of a pool, as a request sees them. */
export interface PoolSpace {
  readonly counts: Readonly<DeviceCounts>
  /** Those with a free device: the smallest share of slots taken first, then by name. */
  readonly hosts: readonly HostSpace[]
}
