import type { DesiredPeer } from '../../../../model/documents/peer.js'
import type { PeerFacts } from '../../../port/host.js'
import type { Plan } from '../../../port/plan.js'
import { glusterdToAnswer, toBeInvited } from './messages.js'

/**
 * Another storage host in the trusted pool. A peer that is known and does not answer is not probed again: that does not
 * help. A host that is alone begins a trusted pool only where the document lets it.
 */
export function planPeer(peer: DesiredPeer, facts: PeerFacts): Plan<'peer'> {
  if (facts.unavailable !== undefined)
    return { steps: [], waitingFor: [facts.unavailable], report: { state: 'forming' } }
  if (facts.connected) return { steps: [], waitingFor: [], report: { state: 'connected' } }
  if (facts.known) return { steps: [], waitingFor: [glusterdToAnswer(peer.peer)], report: { state: 'disconnected' } }
  if (peer.asMember && facts.isAlone) return { steps: [], waitingFor: [toBeInvited()], report: { state: 'forming' } }
  return { steps: [{ kind: 'probePeer', peer }], waitingFor: [], report: { state: 'forming' } }
}
