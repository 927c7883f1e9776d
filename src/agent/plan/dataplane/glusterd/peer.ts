import type { DesiredPeer } from '../../../../model/documents/peer.js'
import type { PeerFacts } from '../../../port/host.js'
import type { Plan } from '../../../port/plan.js'

/** Another storage host in the trusted pool. One that is known and away is waited for: probing it again helps nothing. */
export function planPeer(peer: DesiredPeer, facts: PeerFacts): Plan<'peer'> {
  if (facts.unavailable !== undefined)
    return { steps: [], waitingFor: [facts.unavailable], report: { state: 'forming' } }
  if (facts.connected) return { steps: [], waitingFor: [], report: { state: 'connected' } }
  if (facts.known)
    return { steps: [], waitingFor: [`glusterd on ${peer.peer} to answer`], report: { state: 'disconnected' } }
  return { steps: [{ kind: 'probePeer', peer }], waitingFor: [], report: { state: 'forming' } }
}
