import type { SchedulerConfig } from '../config.js'

/** What a decision needs beside the cluster and the request. */
export interface Means {
  config: SchedulerConfig
  /** Unix seconds. */
  now: number
  newUuid: () => string
}

/**
 * admitted: the session stands; wait for `setupProgress(cluster, token, sessionId)`.
 * leaving: an earlier one of that name is still going: wait until `mayStart(cluster, token)`, then decide again.
 */
export type Admission =
  { state: 'admitted'; sessionId: number; buffer: string | undefined } | { state: 'leaving'; waitingFor: string[] }
