import { expect } from 'chai'
import type { TransferFacts } from '../../../../src/agent/port/host.js'
import { planTransfer } from '../../../../src/agent/plan/transfer.js'
import { describeStep } from '../../../../src/agent/port/steps.js'
import type { DesiredTransfer } from '../../../../src/model/documents/transfer.js'
import { aDesiredTransfer } from '../../../support/desired.js'

const counts = { files: 1, bytes: 2, totalFiles: 3, totalBytes: 4, failed: 0 }

function planned(facts: Partial<TransferFacts>, transfer: Partial<DesiredTransfer> = {}) {
  const { steps, refused, report } = planTransfer(aDesiredTransfer(transfer), { mounted: true, orphans: 0, ...facts })
  return { steps: steps.map(describeStep), state: report.state, ...(refused === undefined ? {} : { refused }) }
}

describe('the plan of a part of a transfer that is wanted', () => {
  it('mounts the buffer first, also one whose mount is dead', () => {
    const mount = { steps: ['mount 3 for transfer 3.1'], state: 'working' }
    expect(planned({ mounted: false })).to.deep.equal(mount)
    expect(planned({ isDead: true })).to.deep.equal(mount)
  })

  for (const [part, step] of [
    ['plan', 'begin to scan for transfer 3.1'],
    ['copy', 'begin to copy share 1 of transfer 3.1'],
    ['finish', 'begin to finish transfer 3.1'],
  ] as const) {
    it(`begins its ${part}`, () => {
      const share = { index: 1, of: 2 }
      expect(planned({}, { part, share })).to.deep.equal({ steps: [step], state: 'working' })
    })
  }

  it('begins nothing while a process of an earlier life still copies', () => {
    expect(planned({ orphans: 2 })).to.deep.equal({ steps: ['stop what runs of transfer 3.1'], state: 'working' })
  })

  it('renews the certificate of its mount while it runs', () => {
    const running = { counts, failures: [] }
    expect(planned({ running, hasOldCertificate: true })).to.deep.equal({
      steps: ['renew the certificate of transfer 3.1'],
      state: 'working',
    })
  })

  it('does nothing while it runs, and tells how far it is', () => {
    const running = { counts, failures: ['a: no'] }
    const { steps, report } = planTransfer(aDesiredTransfer(), { mounted: true, orphans: 0, running })
    expect(steps).to.deep.equal([])
    expect(report).to.deep.include({ state: 'working', counts, failures: ['a: no'], attempt: 1, part: 'plan' })
  })

  it('is done when the notes say so', () => {
    expect(planned({ done: { counts, failures: [] } })).to.deep.equal({ steps: [], state: 'done' })
  })

  it('is refused on a host that serves no staging', () => {
    expect(planned({ mounted: false, refused: 'set stagePaths' })).to.deep.equal({
      steps: [],
      state: 'working',
      refused: 'set stagePaths',
    })
  })
})

describe('the plan of a transfer that has to go', () => {
  const absent = { wanted: 'absent' } as const

  it('is ended while anything of it is there', () => {
    for (const facts of [{ mounted: true }, { mounted: true, isDead: true }, { mounted: false, orphans: 1 }]) {
      expect(planned(facts, absent)).to.deep.equal({ steps: ['end transfer 3.1'], state: 'working' })
    }
  })

  it('is absent when nothing runs and nothing is mounted, also where no staging is served', () => {
    expect(planned({ mounted: false }, absent)).to.deep.equal({ steps: [], state: 'absent' })
    expect(planned({ mounted: false, refused: 'set stagePaths' }, absent)).to.deep.equal({ steps: [], state: 'absent' })
  })
})
