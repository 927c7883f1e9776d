import { expect } from 'chai'
import type { PeerFacts } from '../../../../../../src/agent/port/host.js'
import { glusterdToAnswer, toBeInvited } from '../../../../../../src/agent/plan/dataplane/glusterd/messages.js'
import { planPeer } from '../../../../../../src/agent/plan/dataplane/glusterd/peer.js'
import { describeStep } from '../../../../../../src/agent/port/steps.js'
import { aDesiredPeer } from '../../../../../support/desired.js'

function planned(
  facts: Omit<PeerFacts, 'isAlone'>,
  { asMember, isAlone = false }: { asMember?: true; isAlone?: boolean } = {},
) {
  const peer = aDesiredPeer(asMember ? { asMember } : {})
  const { steps, waitingFor, refused, report } = planPeer(peer, { ...facts, isAlone })
  return { steps: steps.map(describeStep), waitingFor, refused, state: report.state }
}

describe('the plan of a peer', () => {
  it('is empty on a host that is as desired', () => {
    expect(planned({ known: true, connected: true })).to.deep.equal({
      steps: [],
      waitingFor: [],
      refused: undefined,
      state: 'connected',
    })
  })

  it('probes a host that gluster does not know', () => {
    expect(planned({ known: false, connected: false }).steps).to.deep.equal(['probe peer gluster2'])
  })

  it('invites nobody as a member while it is alone, for that would begin a second pool', () => {
    const unknown = { known: false, connected: false }
    expect(planned(unknown, { asMember: true, isAlone: true })).to.deep.equal({
      steps: [],
      waitingFor: [toBeInvited()],
      refused: undefined,
      state: 'forming',
    })
    expect(planned(unknown, { asMember: true }).steps).to.deep.equal(['probe peer gluster2'])
    expect(planned(unknown, { isAlone: true }).steps).to.deep.equal(['probe peer gluster2'])
  })

  it('waits for a host that gluster knows and that is away: probing it again helps nothing', () => {
    expect(planned({ known: true, connected: false })).to.deep.equal({
      steps: [],
      waitingFor: [glusterdToAnswer('gluster2')],
      refused: undefined,
      state: 'disconnected',
    })
  })

  it('waits while its own glusterd does not answer', () => {
    const { steps, waitingFor } = planned({
      known: false,
      connected: false,
      unavailable: 'glusterd to answer: refused',
    })
    expect([steps, waitingFor]).to.deep.equal([[], ['glusterd to answer: refused']])
  })
})
