import { expect } from 'chai'
import { stagedTooLarge } from '../../../../src/scheduler/placement/messages.js'
import type { SessionStage } from '../../../../src/model/documents/session.js'
import { endJob, stagedIn, stagedOut, startJob } from '../../../../src/scheduler/admission/jobStages.js'
import { aBuffer, aCluster, aHost, aSession, aTransfer, type ClusterParts } from '../../../support/builders.js'
import { aConfig, changesOf, refusalOf } from '../../../support/decisions.js'
import * as messages from '../../../../src/scheduler/admission/messages.js'

const compute = ['c1', 'c2'].map((name) => aHost(name, { roles: ['compute'] }))
const built = aBuffer({ name: '5', builtAt: 5 })
const job = aSession({ buffer: '5', stage: 'staged-in' })
const start = (parts: ClusterParts = {}, computeHosts = ['c1', 'c2']) =>
  startJob(aCluster({ hosts: compute, buffers: [built], sessions: [job], ...parts }), {
    token: '5',
    computeHosts,
    clients: aConfig(),
  })
const at = (stage: SessionStage) => aCluster({ sessions: [{ ...job, stage }] })

describe('pre_run', () => {
  it('wants the buffers on the job’s hosts, each once and in order', () => {
    const decision = start({}, ['c2', 'c1', 'c2'])
    expect(changesOf(decision)).to.deep.equal(['session 5 running'])
    expect(decision).to.have.deep.nested.property('changes[0].document.computeHosts', ['c1', 'c2'])
  })

  it('changes nothing when it comes again for the same hosts', () => {
    const running = { ...job, stage: 'running' as const, computeHosts: ['c1', 'c2'] }
    expect(start({ sessions: [running] })).to.have.property('changes').that.is.empty
  })

  it('is refused for other hosts while the job runs, and after it ended', () => {
    const running = { ...job, stage: 'running' as const, computeHosts: ['c1'] }
    expect(refusalOf(start({ sessions: [running] }))).to.equal(messages.runsElsewhere('5', ['c1']))
    for (const stage of ['ran', 'staged-out', 'leaving'] as const) {
      expect(refusalOf(start({ sessions: [{ ...job, stage }] }))).to.equal(messages.hasEnded('5'))
    }
  })

  it('is refused without a node, without an agent there, before the buffer is built, and when it is gone', () => {
    expect(refusalOf(start({}, []))).to.equal(messages.noComputeNodes('5'))
    expect(refusalOf(start({ hosts: compute.slice(0, 1) }))).to.equal(messages.noComputeAgent(['c2']))
    expect(refusalOf(start({ buffers: [aBuffer({ name: '5' })] }))).to.equal(messages.bufferNotReady('5'))
    expect(refusalOf(start({ buffers: [] }))).to.equal(messages.bufferIsGone('5'))
  })

  it('is refused when what was staged in for each node does not fit in so often', () => {
    const counts = { files: 1, bytes: 4e11, totalFiles: 1, totalBytes: 4e11, failed: 0 }
    const ended = { at: 1, state: 'done', counts } as const
    const staged = (variable: string) => ({ sessions: [{ ...job, transfers: [aTransfer({ variable, ended })] }] })
    expect(changesOf(start(staged('DW_JOB_PRIVATE'), ['c1']))).to.deep.equal(['session 5 running'])
    expect(refusalOf(start(staged('DW_JOB_PRIVATE')))).to.equal(
      stagedTooLarge(4e11, { bytes: 1.2e12, nodes: 2, bufferBytes: 1e12 }),
    )
    expect(changesOf(start(staged('DW_JOB_STRIPED')))).to.deep.equal(['session 5 running'])
  })

  it('is refused on a host that only stores', () => {
    expect(refusalOf(start({ hosts: [aHost('gluster1')] }, ['gluster1']))).to.equal(
      messages.noComputeAgent(['gluster1']),
    )
  })

  it('is refused where an agent of the first release would take a shared mount away', () => {
    const [c1, c2] = [compute[0]!, compute[1]!]
    const hosts = [c1, { ...c2, host: { ...c2.host, versions: {} } }]
    const uses = { ...job, uses: ['mytest'] }
    const buffers = [built, aBuffer({ name: 'mytest', id: 12, builtAt: 5 })]
    const sharing = { ...uses, sharedPaths: true as const }
    expect(refusalOf(start({ hosts, buffers, sessions: [sharing] }))).to.contain('the agent on c2')
    expect(changesOf(start({ hosts, buffers, sessions: [uses] }))).to.deep.equal(['session 5 running'])
  })

  it('needs no node and no agent for a job without buffers', () => {
    const decision = start({ sessions: [aSession({ stage: 'staged-in' })], hosts: [] }, [])
    expect(changesOf(decision)).to.deep.equal(['session 5 running'])
  })
})

describe('the stages of a session', () => {
  it('go forward as Slurm calls', () => {
    expect(changesOf(stagedIn(at('setup'), { token: '5' }))).to.deep.equal(['session 5 staged-in'])
    expect(changesOf(endJob(at('running'), { token: '5' }))).to.deep.equal(['session 5 ran'])
    expect(changesOf(stagedOut(at('ran'), { token: '5' }))).to.deep.equal(['session 5 staged-out'])
  })

  it('never go back when a call comes late or again', () => {
    expect(changesOf(stagedIn(at('running'), { token: '5' }))).to.deep.equal([])
    expect(changesOf(endJob(at('ran'), { token: '5' }))).to.deep.equal([])
    expect(changesOf(endJob(at('leaving'), { token: '5' }))).to.deep.equal([])
    expect(changesOf(stagedOut(at('leaving'), { token: '5' }))).to.deep.equal([])
  })

  it('of a token that nobody knows are answered in the words that Slurm takes for done', () => {
    for (const decide of [stagedIn, endJob, stagedOut]) {
      expect(refusalOf(decide(aCluster(), { token: '9' }))).to.equal('No matching session: "9"')
    }
  })
})
