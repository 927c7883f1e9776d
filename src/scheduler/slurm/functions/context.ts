import type { Clock } from '../../../daemon/clock.js'
import type { DecisionStore } from '../../commit/decision.js'
import type { SchedulerConfig } from '../../config.js'
import type { CapacityQueue } from '../../placement/capacityQueue.js'
import type { StatPaths } from '../../users/pathAccess.js'
import type { GroupQueries } from '../../users/permissions.js'
import type { SlurmQueries } from '../arrays/splitTask.js'
import type { Arguments } from './arguments.js'
import type { InFlightSetups } from './inFlightSetups.js'

export interface SlurmDependencies extends GroupQueries {
  decisions: DecisionStore
  config: SchedulerConfig
  clock: Clock
  newUuid(): string
  slurm: SlurmQueries
  /** What this host sees of files that are to be staged. */
  statPaths: StatPaths
  /** Calls that set something up, and have no answer yet. */
  inFlightSetups: InFlightSetups
  /** Those of them that wait for devices. */
  capacityQueue: CapacityQueue
  /** Makes this scheduler lead, when slurmctld has come to it; false when that did not come about in time. */
  becomeLeader(timeoutMs: number): Promise<boolean>
}

/** One of Slurm's functions: gives what slurmctld reads, or throws a `SlurmFailure`. `gone` resolves when its caller has gone. */
export type SlurmFunction = (deps: SlurmDependencies, given: Arguments, gone: Promise<void>) => Promise<string>
