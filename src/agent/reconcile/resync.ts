import type { Clock } from '../../daemon/clock.js'

/**
 * Documents that are as desired are checked again once a minute, all of a host at the same time, so that facts that
 * several need are read once. Hosts count from the start of their agents, so that the hosts of a cluster do not all
 * check at once.
 */
const resyncIntervalMs = 60_000

export function msUntilNextResync(clock: Clock): number {
  return resyncIntervalMs - (clock.monotonicMs() % resyncIntervalMs)
}
