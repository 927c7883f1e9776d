import { expect } from 'chai'
import { type JobRequest, admitJob } from '../../../../src/scheduler/admission/job.js'
import {
  alice,
  aBuffer,
  aCluster,
  aHost,
  aSession,
  aTransfer,
  bob,
  type ClusterParts,
  terabyte,
  transferReport,
} from '../../../support/builders.js'
import { aDesiredTransfer } from '../../../support/desired.js'
import { changesOf, deps, refusalOf } from '../../../support/decisions.js'
import * as messages from '../../../../src/scheduler/admission/messages.js'

const hosts = [aHost('gluster1'), aHost('gluster2')]
const asked: JobRequest = { token: '5', ...alice, pool: undefined, bytes: terabyte, access: ['striped'], uses: [] }
const setup = (request: Partial<JobRequest> = {}, parts: ClusterParts = {}) =>
  admitJob(aCluster({ hosts, ...parts }), { ...asked, ...request }, deps())
const shared = aBuffer({ bricks: ['gluster1/nvme1n1'] })

describe('setup of a job', () => {
  it('places the buffer under the name of the job', () => {
    expect(changesOf(setup())).to.deep.equal(['session 5 setup', 'buffer 5 present on gluster1/nvme1n1', 'last id 102'])
  })

  it('makes a session alone for a job that only uses persistent buffers', () => {
    const decision = setup({ bytes: 0, uses: ['mytest', 'mytest'] }, { buffers: [shared] })
    expect(changesOf(decision)).to.deep.equal(['session 5 setup', 'last id 102'])
    expect(decision).to.have.deep.nested.property('changes[0].document.uses', ['mytest'])
  })

  it('gives persistent buffers the paths that all jobs share, unless an agent of the first release lives', () => {
    const c1 = aHost('c1', { roles: ['compute'] })
    const old = { ...c1, host: { ...c1.host, versions: {} } }
    const sharedPaths = (hosts: ClusterParts['hosts']) =>
      setup({ bytes: 0, uses: ['mytest'] }, { hosts, buffers: [shared] })
    expect(sharedPaths(hosts)).to.have.deep.nested.property('changes[0].document.sharedPaths', true)
    expect(sharedPaths([...hosts, old])).not.to.have.nested.property('changes[0].document.sharedPaths')
  })

  it('changes nothing when slurmctld calls it again', () => {
    const parts = { buffers: [aBuffer({ name: '5' })], sessions: [aSession({ buffer: '5' })] }
    expect(setup({}, parts)).to.have.property('changes').that.is.empty
  })

  it('waits for the copies of an earlier session, which must not write beside those of the next', () => {
    const parts = {
      buffers: [shared],
      sessions: [aSession({ uses: ['mytest'], stage: 'leaving', transfers: [aTransfer({ buffer: 'mytest' })] })],
      desired: { 'transfer gluster1/20.1': aDesiredTransfer({ wanted: 'absent' }) },
    }
    const waits = setup({ bytes: 0, uses: ['mytest'] }, parts)
    expect(waits).to.deep.equal({
      changes: [],
      result: { state: 'leaving', waitingFor: [messages.hostToStopCopying('gluster1')] },
    })
    const lost = { ...parts, hosts: [aHost('gluster1', { alive: false })] }
    expect(changesOf(setup({ bytes: 0, uses: ['mytest'] }, lost))).to.include('session 5~20 leaving')
    const ended = { ...parts, observed: transferReport('gluster1', { id: 20 }, { state: 'absent' }) }
    expect(changesOf(setup({ bytes: 0, uses: ['mytest'] }, ended))).to.include('session 5~20 leaving')
  })

  it('refuses the token when it was set up with another size, user, or other persistent buffers', () => {
    const parts = { buffers: [aBuffer({ name: '5' }), shared], sessions: [aSession({ buffer: '5' })] }
    expect(refusalOf(setup({ bytes: 3 * terabyte }, parts))).to.equal(
      messages.sizeDiffers('job 5', terabyte, 3 * terabyte),
    )
    expect(refusalOf(setup({ ...bob }, parts))).to.equal(messages.takenByAnother('job 5'))
    expect(refusalOf(setup({ uses: ['mytest'] }, parts))).to.equal(messages.usesDiffer('job 5', []))
    expect(refusalOf(setup({ bytes: 0 }, parts))).to.equal(messages.differs('job 5'))
  })

  for (const token of ['abc', '0', '-1', '1/2', '']) {
    it(`refuses ${JSON.stringify(token)}, which is no job`, () =>
      expect(refusalOf(setup({ token }))).to.equal(messages.invalidJobId(token)))
  }

  const unusable: [string, ClusterParts, string][] = [
    ['is not there', {}, messages.noPersistentBuffer('mytest')],
    [
      'belongs to another user',
      { buffers: [{ ...shared, ...bob }] },
      messages.ownedByAnother('persistent buffer "mytest"'),
    ],
    ['is being destroyed', { buffers: [{ ...shared, wanted: 'absent' }] }, messages.isBeingDestroyed('mytest')],
    ['has failed', { buffers: [{ ...shared, failure: 'bad disk' }] }, messages.hasFailed('mytest', 'bad disk')],
    ["is a job's", { buffers: { mytest: aBuffer({ kind: 'job' }) } }, messages.noPersistentBuffer('mytest')],
    ['was archived', { buffers: { 'mytest~10': shared } }, messages.noPersistentBuffer('mytest')],
  ]
  for (const [what, parts, told] of unusable) {
    it(`refuses to use a persistent buffer that ${what}`, () =>
      expect(refusalOf(setup({ uses: ['mytest'] }, parts))).to.equal(told))
  }

  it('leaves a job that was set up what it has, although its persistent buffer is being destroyed', () => {
    const parts: ClusterParts = {
      buffers: [{ ...shared, wanted: 'absent' }],
      sessions: [aSession({ uses: ['mytest'] })],
    }
    expect(setup({ bytes: 0, uses: ['mytest'] }, parts)).to.have.property('changes').that.is.empty
  })

  it('waits while the torn down session of a requeued job still goes', () => {
    const job = aSession({ buffer: '5', stage: 'leaving' })
    const parts: ClusterParts = { buffers: [aBuffer({ name: '5', wanted: 'absent' })], sessions: [job] }
    expect(setup({}, parts)).to.deep.equal({
      changes: [],
      result: { state: 'leaving', waitingFor: ['brick nvme1n1 on gluster1'] },
    })
  })
})
