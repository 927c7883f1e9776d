import { expect } from 'chai'
import { destroy } from '../../../../src/scheduler/admission/destroy.js'
import type { SessionDocument } from '../../../../src/model/documents/session.js'
import { aBuffer, aCluster, aSession, aTransfer } from '../../../support/builders.js'
import { changesOf, refusalOf } from '../../../support/decisions.js'

const persistent = (parts: SessionDocument[]) =>
  aCluster({
    buffers: [aBuffer({ builtAt: 1 })],
    sessions: [aSession({ id: 19, token: 'mytest', buffer: 'mytest' }), ...parts],
  })
const ofJob = (session: Parameters<typeof aSession>[0]) =>
  aCluster({
    buffers: [aBuffer({ name: '5', kind: 'job', builtAt: 1 })],
    sessions: [aSession({ token: '5', buffer: '5', ...session })],
  })
const used = (cluster: ReturnType<typeof aCluster>, token: string) => {
  const decision = destroy(cluster, { token, force: false })
  if ('refused' in decision || decision.result.state !== 'used') throw new Error(JSON.stringify(decision))
  expect(decision.changes).to.deep.equal([])
  return decision.result
}

describe('an operator’s destroy', () => {
  it('names the jobs that use a persistent buffer, and changes nothing', () => {
    const cluster = persistent([
      aSession({ token: '7', uses: ['mytest'], stage: 'running', computeHosts: ['c1', 'c2'] }),
      aSession({ id: 21, token: '8', uses: ['mytest'], stage: 'ran' }),
    ])
    expect(used(cluster, 'mytest')).to.deep.equal({
      state: 'used',
      reason: '"mytest" is used by job 7 (running on c1, c2)',
      jobs: ['7'],
    })
    expect(changesOf(destroy(cluster, { token: 'mytest', force: true }))).to.have.length(2)
  })

  it('names the job whose own buffer it is, from its setup to its end', () => {
    for (const stage of ['setup', 'staging-in', 'staged-in', 'running'] as const) {
      expect(used(ofJob({ stage }), '5').jobs).to.deep.equal(['5'])
      expect(changesOf(destroy(ofJob({ stage }), { token: '5', force: true }))).to.have.length(2)
    }
    expect(changesOf(destroy(ofJob({ stage: 'ran' }), { token: '5', force: false }))).to.have.length(2)
  })

  it('names a job that runs without a buffer of its own', () => {
    const cluster = aCluster({ sessions: [aSession({ token: '5', stage: 'running', uses: ['mytest'] })] })
    expect(used(cluster, '5').jobs).to.deep.equal(['5'])
  })

  it('is refused for data that is not saved, also with force', () => {
    const cluster = ofJob({ stage: 'staging-out', transfers: [aTransfer({ direction: 'out', buffer: '5' })] })
    for (const force of [true, false])
      expect(refusalOf(destroy(cluster, { token: '5', force }))).to.contain('bbctl transfer drop')
  })

  it('removes what no job uses, and asks nothing about what is going already', () => {
    expect(changesOf(destroy(persistent([]), { token: 'mytest', force: false }))).to.have.length(2)
    const going = aCluster({
      buffers: [aBuffer({ wanted: 'absent' })],
      sessions: [aSession({ token: '7', uses: ['mytest'], stage: 'running' })],
    })
    expect(destroy(going, { token: 'mytest', force: false })).to.have.nested.property('result.state', 'leaving')
    expect(destroy(aCluster(), { token: 'mytest', force: false })).to.have.nested.property('result.state', 'unknown')
  })
})
