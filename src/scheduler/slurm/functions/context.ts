import type { Clock } from '../../../daemon/clock.js'
import type { DecisionStore } from '../../commit/decision.js'
import type { SchedulerConfig } from '../../config.js'
import type { CapacityQueue } from '../../placement/capacityQueue.js'
import type { StatPaths } from '../../users/pathAccess.js'
import type { GroupQueries } from '../../users/permissions.js'
import type { SlurmQueries } from './splitTask.js'
import type { Arguments } from './arguments.js'
import type { InFlightSetups } from './inFlightSetups.js'

export interface SlurmDependencies extends GroupQueries {
  decisions: DecisionStore
  config: SchedulerConfig
  clock: Clock
  newUuid(): string
  slurm: SlurmQueries
  /** Looks up files that are to be staged, as far as this host can see them. */
  statPaths: StatPaths
  /** Setup calls that have no answer yet. */
  inFlightSetups: InFlightSetups
  /** The setup calls that wait for devices. */
  capacityQueue: CapacityQueue
  /** Makes this scheduler the leader, because slurmctld calls it; false when that did not succeed in time. */
  becomeLeader(timeoutMs: number): Promise<boolean>
}

/** One of Slurm's functions: returns what slurmctld reads, or throws a `SlurmFailure`. `gone` resolves when the caller has ended. */
export type SlurmFunction = (deps: SlurmDependencies, given: Arguments, gone: Promise<void>) => Promise<string>
