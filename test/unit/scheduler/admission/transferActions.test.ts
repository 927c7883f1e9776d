import { expect } from 'chai'
import type { SessionDocument, SessionStage, SessionTransfer } from '../../../../src/model/documents/session.js'
import { beginStaging, startJob } from '../../../../src/scheduler/admission/jobStages.js'
import { teardown } from '../../../../src/scheduler/admission/teardown.js'
import { cancelTransfers, dropTransfers, retryTransfers } from '../../../../src/scheduler/admission/transferActions.js'
import { transferProgress } from '../../../../src/scheduler/progress.js'
import { aBuffer, aCluster, aHost, aSession, aTransfer } from '../../../support/builders.js'
import { aConfig, changesOf, refusalOf } from '../../../support/decisions.js'
import * as messages from '../../../../src/scheduler/admission/messages.js'

const failed = { at: 1, state: 'failed', reason: 'no space' } as const
const done = { at: 1, state: 'done' } as const
const out = (parts: Partial<SessionTransfer> = {}) => aTransfer({ direction: 'out', ...parts })
const job = (stage: SessionStage, ...transfers: SessionTransfer[]) =>
  aCluster({
    hosts: [aHost('c1', { roles: ['compute'] })],
    buffers: [aBuffer({ name: '5', builtAt: 5 })],
    sessions: [aSession({ buffer: '5', stage, transfers })],
  })
const request = { token: '5', who: 'root', now: 2000 }
const linesOf = (decision: ReturnType<typeof retryTransfers>) => {
  if ('refused' in decision) throw new Error(decision.refused)
  const [change] = decision.changes
  return change?.kind === 'session' ? (change.document as SessionDocument).transfers! : []
}

describe('data_in and data_out', () => {
  it('begin to stage where there are lines of their direction, and have succeeded where there are none', () => {
    const begin = (direction: 'in' | 'out', stage: SessionStage, ...lines: SessionTransfer[]) =>
      changesOf(beginStaging(job(stage, ...lines), { token: '5', direction }))
    expect(begin('in', 'setup', aTransfer())).to.deep.equal(['session 5 staging-in'])
    expect(begin('in', 'setup', out())).to.deep.equal(['session 5 staged-in'])
    expect(begin('out', 'ran', out())).to.deep.equal(['session 5 staging-out'])
    expect(begin('out', 'ran', aTransfer())).to.deep.equal(['session 5 staged-out'])
    expect(begin('in', 'running', aTransfer())).to.deep.equal([])
  })
})

describe('pre_run', () => {
  it('is refused while the data of the job is not there', () => {
    const start = (...lines: SessionTransfer[]) =>
      startJob(job('staging-in', ...lines), { token: '5', computeHosts: ['c1'], clients: aConfig() })
    expect(refusalOf(start(aTransfer()))).to.equal(messages.notStagedIn(aTransfer(), '5'))
    expect(refusalOf(start(aTransfer({ ended: failed })))).to.equal(messages.notStagedIn(aTransfer(), '5'))
    expect(changesOf(start(aTransfer({ ended: done }), out()))).to.deep.equal(['session 5 running'])
  })
})

describe('teardown', () => {
  it('is refused while a stage-out has not succeeded, and says what can be done', () => {
    for (const stage of ['running', 'ran', 'staging-out'] as const) {
      for (const line of [out(), out({ ended: failed })]) {
        expect(refusalOf(teardown(job(stage, line), { token: '5' })), stage).to.equal(messages.dataKept('5', line))
      }
    }
  })

  it('goes on when every stage-out has succeeded or was given up, and when the job never ran', () => {
    const given = { at: 1, state: 'dropped' } as const
    expect(
      changesOf(teardown(job('staging-out', out({ ended: done }), out({ ended: given })), { token: '5' })),
    ).to.include('session 5 leaving')
    for (const stage of ['setup', 'staging-in', 'staged-in'] as const) {
      expect(changesOf(teardown(job(stage, out()), { token: '5' }))).to.include('session 5 leaving')
    }
  })

  it('stages nothing out when it is in a hurry', () => {
    expect(changesOf(teardown(job('ran', out()), { token: '5', hurry: true }))).to.include('session 5 leaving')
  })
})

describe('an operator', () => {
  it('retries what failed, as another attempt, and nothing else', () => {
    const lines = linesOf(
      retryTransfers(job('staging-out', out({ ended: failed }), out({ number: 2, ended: done })), request),
    )
    expect(lines[0]).to.deep.equal(out({ attempt: 2 }))
    expect(lines[1]).to.deep.equal(out({ number: 2, ended: done }))
    expect(refusalOf(retryTransfers(job('staging-out', out()), request))).to.equal(messages.noFailedTransfer('5'))
    expect(refusalOf(retryTransfers(job('leaving', out({ ended: failed })), request))).to.equal(
      messages.isTornDown('5'),
    )
    const fill = aTransfer({ number: 3, direction: 'fill', ended: failed })
    expect(linesOf(retryTransfers(job('running', fill), request))[0]).to.include({ attempt: 2, direction: 'fill' })
    expect(refusalOf(retryTransfers(aCluster(), request))).to.equal(messages.noJob('5'))
  })

  it('drops what has not succeeded, once the job has ended', () => {
    const lines = linesOf(dropTransfers(job('staging-out', out({ ended: failed }), out({ number: 2 })), request))
    expect(lines.map(({ ended }) => ended?.state)).to.deep.equal(['dropped', 'dropped'])
    expect(lines[0]!.ended).to.include({ reason: messages.droppedBy('root'), at: 2000 })
    expect(refusalOf(dropTransfers(job('running', out()), request))).to.equal(messages.stillRunning('5'))
    expect(refusalOf(dropTransfers(job('staging-out', out({ ended: done })), request))).to.equal(
      messages.noStageOut('5'),
    )
    expect(refusalOf(dropTransfers(job('staging-in', aTransfer()), request))).to.equal(messages.noStageOut('5'))
  })

  it('cancels what is copied and what would come after it', () => {
    const lines = linesOf(
      cancelTransfers(job('staging-in', aTransfer(), aTransfer({ number: 2 }), out({ number: 3 })), request),
    )
    expect(lines.map(({ ended }) => ended?.reason)).to.deep.equal([
      messages.cancelledBy('root'),
      messages.cancelledBy('root'),
      undefined,
    ])
    expect(refusalOf(cancelTransfers(job('running', out()), request))).to.equal(messages.nothingCopied('5'))
  })
})

describe('the progress of stage directives', () => {
  const progress = (cluster: ReturnType<typeof job>, direction: 'in' | 'out') =>
    transferProgress(cluster, '5', 20, direction)

  it('is done when all are done or given up', () => {
    expect(progress(job('staging-in', aTransfer({ ended: done }), out()), 'in').state).to.equal('done')
    expect(progress(job('staging-out', out({ ended: { at: 1, state: 'dropped' } })), 'out').state).to.equal('done')
    expect(progress(job('staged-in'), 'in').state).to.equal('done')
  })

  it('is failed at the first stage-in, and at a stage-out when all were tried', () => {
    expect(progress(job('staging-in', aTransfer({ ended: failed }), aTransfer({ number: 2 })), 'in')).to.deep.equal({
      state: 'failed',
      reason: 'stage-in 1 failed: no space',
    })
    expect(progress(job('staging-out', out({ ended: failed }), out({ number: 2 })), 'out').state).to.equal('waiting')
    expect(progress(job('staging-out', out({ ended: failed }), out({ number: 2, ended: done })), 'out'))
      .to.have.property('reason')
      .that.equals(messages.dataKept('5', out({ ended: failed })))
  })

  it('is failed when the job was torn down meanwhile, or is another of that name', () => {
    expect(progress(job('leaving', aTransfer()), 'in').state).to.equal('failed')
    expect(transferProgress(job('staging-in', aTransfer()), '5', 21, 'in').state).to.equal('failed')
  })

  it('waits, and says for what', () => {
    expect(progress(job('staging-in', aTransfer()), 'in'))
      .to.have.property('waitingFor')
      .that.satisfies(([first]: string[]) => first!.startsWith('stage-in 1'))
  })
})
