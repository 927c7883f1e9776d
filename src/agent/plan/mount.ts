import type { DesiredMount } from '../../model/documents/mount.js'
import type { MountFacts } from '../port.js'
import type { Step } from '../steps.js'
import { isMountOf } from './dataplane/index.js'
import type { Plan } from './plan.js'

/**
 * A buffer on a compute node. A client that died leaves a dead mount, which goes before the new one comes. None goes while swap
 * is on it, dead or not: the scheduler's order is not enough, for it does not know what a host holds that was lost for a while.
 */
export function planMount(mount: DesiredMount, facts: MountFacts): Plan<'mount'> {
  const { mounted, alive, loops = [], isWantedElsewhere = false, leftovers } = facts
  const held = loops.map((device) => `the swap on ${device} to be turned off`)
  const ours = mounted !== undefined && isMountOf(mount, mounted)
  if (mount.wanted === 'absent') {
    // Something else at that path is not this attachment; and one that others share stays for them.
    if (!ours || isWantedElsewhere) return { steps: [], waitingFor: [], report: { state: 'absent' } }
    // guard: swap-off-planned
    if (held.length > 0) return { steps: [], waitingFor: held, report: { state: 'leaving' } }
    const ends: Step[] = leftovers
      ? [
          { kind: 'signalMountUsers', mount, signal: leftovers.signal },
          ...leftovers.below.map((below): Step => ({ kind: 'unmountBelow', mount, below })),
        ]
      : []
    return { steps: [...ends, { kind: 'unmountBuffer', mount }], waitingFor: [], report: { state: 'leaving' } }
  }
  if (mounted && !ours) {
    return {
      steps: [],
      waitingFor: [`${mount.path} to be free: ${mounted.source} is mounted there`],
      report: { state: 'forming' },
    }
  }
  if (ours && alive) return { steps: [], waitingFor: [], report: { state: 'mounted' } }
  if (ours && held.length > 0) return { steps: [], waitingFor: held, report: { state: 'forming' } }
  return {
    steps: [...(ours ? [{ kind: 'unmountBuffer', mount } as const] : []), { kind: 'mountBuffer', mount }],
    waitingFor: [],
    report: { state: 'forming' },
  }
}
