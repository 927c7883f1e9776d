import { expect } from 'chai'
import { teardown } from '../../../../src/scheduler/admission/teardown.js'
import { alice, aBuffer, aCluster, aSession, bob } from '../../../support/builders.js'
import { changesOf, refusalOf } from '../../../support/decisions.js'
import * as messages from '../../../../src/scheduler/admission/messages.js'

const parts = { buffers: [aBuffer({ name: '5' })], sessions: [aSession({ buffer: '5' })] }

describe('teardown', () => {
  it('wants session and buffer gone', () => {
    expect(changesOf(teardown(aCluster(parts), { token: '5' }))).to.deep.equal([
      'session 5 leaving',
      'buffer 5 absent on gluster1/nvme1n1',
    ])
  })

  it('changes nothing the second time', () => {
    const cluster = aCluster({
      buffers: [aBuffer({ name: '5', wanted: 'absent' })],
      sessions: [aSession({ buffer: '5', stage: 'leaving' })],
    })
    expect(teardown(cluster, { token: '5' })).to.deep.equal({
      changes: [],
      result: { state: 'leaving', sessionId: 20 },
    })
  })

  it('removes a buffer whose session is lost, and a session without a buffer', () => {
    expect(changesOf(teardown(aCluster({ buffers: parts.buffers }), { token: '5' }))).to.have.length(1)
    expect(changesOf(teardown(aCluster({ sessions: [aSession()] }), { token: '5' }))).to.deep.equal([
      'session 5 leaving',
    ])
  })

  it('leaves a persistent buffer that the job only used', () => {
    const cluster = aCluster({ buffers: [aBuffer()], sessions: [aSession({ uses: ['mytest'] })] })
    expect(changesOf(teardown(cluster, { token: '5' }))).to.deep.equal(['session 5 leaving'])
  })

  it('says so when the token is unknown', () => {
    expect(teardown(aCluster(parts), { token: '6' })).to.deep.equal({ changes: [], result: { state: 'unknown' } })
  })

  it('is refused to a user that is not the owner', () => {
    expect(refusalOf(teardown(aCluster(parts), { token: '5', uid: bob.uid }))).to.equal(messages.ownedByAnother('"5"'))
    expect(changesOf(teardown(aCluster(parts), { token: '5', uid: alice.uid }))).to.have.length(2)
  })
})
