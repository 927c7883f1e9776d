import { adoptionExpired, adoptionTooLong, adoptionWithoutEnd } from './messages.js'

/*
 * How long an operator's permission to wipe a foreign device is valid. The agent checks it by its own clock, in both directions: an old
 * document, for example from a restored snapshot of etcd, has expired; and if the host's clock is behind, because a clock without
 * a battery starts in 1970, the end is further ahead than any document allows. So a device is wiped only when both clocks agree
 * that the permission is fresh, and a wrong clock only costs another `bbctl adopt`.
 */

/** From the operator's permission to the beginning of the wipe; the wipe itself may take longer. */
export const adoptSeconds = 600
/** The greatest accepted difference between the clocks of host and scheduler. */
const skewSeconds = 300

/**
 * Why nothing may be wiped by an adoption at that time; undefined when it may. `now`, `until`: unix seconds, `now` by
 * the host's own clock.
 */
export function whyNotAdoptAt(now: number, until: number | undefined): string | undefined {
  if (until === undefined) return adoptionWithoutEnd()
  if (now >= until) return adoptionExpired(now - until)
  return until - now > adoptSeconds + skewSeconds ? adoptionTooLong(until - now, adoptSeconds) : undefined
}
