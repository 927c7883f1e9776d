import type { Clock } from '../../daemon/clock.js'

/**
 * What is as desired is looked at again in rounds that the whole host has in common: it wakes once a minute, and what several
 * look at is asked once. Hosts count from when their agents started, so that a cluster's do not all come at once.
 */
const resyncIntervalMs = 60_000

export function msUntilNextResync(clock: Clock): number {
  return resyncIntervalMs - (clock.monotonicMs() % resyncIntervalMs)
}
