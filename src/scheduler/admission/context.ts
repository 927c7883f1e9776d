import type { SchedulerConfig } from '../config.js'
import type { Claim, LeftFor } from '../placement/capacityQueue.js'

/** What a decision needs beside the cluster and the request. */
export interface AdmissionContext {
  config: SchedulerConfig
  /** Unix seconds. */
  now: number
  newUuid: () => string
  /** What others who wait for devices leave; all that is free where nobody waits. */
  leftFor?: LeftFor
}

/**
 * admitted: the session stands; wait for `setupProgress(cluster, token, sessionId)`.
 * leaving: an earlier one of that name is still going: wait until `mayStart(cluster, token)`, then decide again.
 * no-room: the pool is large enough, and full at the moment: wait in the `CapacityQueue`, then decide again.
 */
export type Admission =
  | { state: 'admitted'; sessionId: number; buffer: string | undefined }
  | { state: 'leaving'; waitingFor: string[] }
  | { state: 'no-room'; claim: Claim; reason: string }
