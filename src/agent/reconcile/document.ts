import type PQueue from 'p-queue'
import type { Clock } from '../../daemon/clock.js'
import type { Log } from '../../daemon/log.js'
import type { Desired, DesiredKind } from '../../model/documents/desired.js'
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
  /** Looks at the devices anew and writes the inventory: before a device is reported to be free. */
  refreshInventory(): Promise<void>
  /** Of documents that the leader reads. */
  level: () => number
  /** How many steps of a kind may run at once on this host. */
  limits: Record<DesiredKind, PQueue>
  /** What mounts at one path do one after the other. */
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
