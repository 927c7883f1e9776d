/*
 * How long an operator's word to wipe a foreign device holds. It is judged by the agent's own clock, and against both sides: a
 * document that was forgotten, or that came back with an old snapshot of etcd, is past its end; and where the host's clock
 * was set back, as one without a battery starts in 1970, its end lies further ahead than any document was ever given. So a
 * device is wiped only when both clocks agree that the word is fresh, and a clock that is wrong costs another `bbctl adopt`.
 */

/** From the operator's word to the beginning of the wipe, which then ends in its own time. */
export const adoptSeconds = 600
/** How far the clocks of host and scheduler may be apart. */
const skewSeconds = 300

/**
 * Why nothing may be wiped by an adoption at that time; undefined when it may. `now`, `until`: unix seconds, `now` by
 * the host's own clock.
 */
export function whyNotAdoptAt(now: number, until: number | undefined): string | undefined {
  if (until === undefined)
    return 'it was adopted by a scheduler that says no time: upgrade the scheduler, adopt it again'
  if (now >= until) return `its adoption ended ${now - until} s ago by this host's clock: adopt it again`
  if (until - now > adoptSeconds + skewSeconds)
    return `its adoption would end in ${until - now} s by this host's clock, which is wrong, or the scheduler's is: set it, adopt it again`
  return undefined
}
