import type { DesiredMount } from '../../model/documents/mount.js'
import type { MountFacts } from '../port/host.js'
import type { Step } from '../port/steps.js'
import { isMountOf } from './dataplane/index.js'
import { bricksToBeConnected, pathToBeFree, swapToBeOff } from './messages.js'
import type { Plan } from '../port/plan.js'

/**
 * A buffer on a compute node. A client that died leaves a dead mount, which is unmounted before the new mount. No
 * mount, dead or not, is unmounted while swap on it is on: the scheduler's order is not enough, because it does not
 * know the state of a host that was lost for a while.
 */
export function planMount(mount: DesiredMount, facts: MountFacts): Plan<'mount'> {
  const {
    mounted,
    alive,
    shownBytes,
    isLeft = false,
    loops = [],
    isWantedElsewhere = false,
    leftovers,
    hasOldCertificate = false,
  } = facts
  const held = loops.map(swapToBeOff)
  const ours = mounted !== undefined && isMountOf(mount, mounted)
  if (mount.wanted === 'absent') {
    // Another mount at that path is not this attachment; a mount that other sessions share stays for them.
    if (!(ours || isLeft) || isWantedElsewhere) return { steps: [], waitingFor: [], report: { state: 'absent' } }
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
      waitingFor: [pathToBeFree(mount.path, mounted.source)],
      report: { state: 'forming' },
    }
  }
  // A client that no brick believes any more connects again with a certificate that is valid.
  if (ours && hasOldCertificate)
    return {
      steps: [{ kind: 'renewCertificate', mount }],
      waitingFor: [],
      report: { state: alive ? 'mounted' : 'forming' },
    }
  const minBytes = mount.direct?.minBytes
  // It stays, with a job on it or not: its client connects by itself to bricks that answer again.
  if (ours && alive && minBytes !== undefined && shownBytes !== undefined && shownBytes < minBytes)
    return {
      steps: [],
      waitingFor: [bricksToBeConnected(mount.path, shownBytes, minBytes)],
      report: { state: 'forming' },
    }
  if (ours && alive) return { steps: [], waitingFor: [], report: { state: 'mounted' } }
  if (ours && held.length > 0) return { steps: [], waitingFor: held, report: { state: 'forming' } }
  return {
    steps: [...(ours ? [{ kind: 'unmountBuffer', mount } as const] : []), { kind: 'mountBuffer', mount }],
    waitingFor: [],
    report: { state: 'forming' },
  }
}
