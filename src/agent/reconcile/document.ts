import type PQueue from 'p-queue'
import type { Clock } from '../../daemon/clock.js'
import type { Log } from '../../daemon/log.js'
import type { AnyDesired, Desired, DesiredKind } from '../../model/documents/desired.js'
import type { Role } from '../../model/documents/host.js'
import type { Store } from '../../store/store.js'
import type { OneByOne } from './oneByOne.js'
import type { Host } from '../port/host.js'

export interface ReconcilerDependencies {
  host: Host
  roles: readonly Role[]
  store: Store
  clock: Clock
  log: Log
  /** Inspects a device and writes the inventory, before that device is reported free. */
  refreshInventory(device: string): Promise<void>
  /** Called each time that a brick was seen ready which was not before: whatever serves it need not wait for the scheduler. */
  onBrickReady(brick: Desired['brick']): void
  /** The level of documents that the leader reads. */
  level: () => number
  /** How many steps of a kind may run at once on this host. */
  limitOf: (document: AnyDesired) => PQueue
  /** Serializes the work on mounts at one path. */
  oneByOne: OneByOne
  random?: () => number
}

export interface DocumentId<K extends DesiredKind = DesiredKind> {
  kind: K
  id: string
}

export interface DesiredEntry<K extends DesiredKind = DesiredKind> extends DocumentId<K> {
  document: Desired[K]
  modRevision: number
}
