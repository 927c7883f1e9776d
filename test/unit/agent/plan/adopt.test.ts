import { expect } from 'chai'
import type { DeviceFacts } from '../../../../src/agent/port/host.js'
import {
  cannotBeUsed,
  deviceIsInUse,
  deviceIsUnreadable,
  hasAnotherIdentity,
  hasAnotherSize,
  holdsSomethingElse,
} from '../../../../src/agent/plan/messages.js'
import { planAdopt } from '../../../../src/agent/plan/adopt.js'
import { describeStep } from '../../../../src/agent/port/steps.js'
import type { DesiredAdopt } from '../../../../src/model/documents/adopt.js'
import { aUuid } from '../../../support/builders.js'
import { aDesiredAdopt, aDeviceSeen, ownXfs } from '../../../support/desired.js'

function planned(device: DeviceFacts, adopt: Partial<DesiredAdopt> = {}, now = 1_000) {
  const { steps, waitingFor, refused, report } = planAdopt(aDesiredAdopt(adopt), { device, now })
  return { steps: steps.map(describeStep), waitingFor, refused, state: report.state }
}

const ext4 = { content: { kind: 'other', what: 'a signature of ext4' } } as const

describe('the plan of an adoption', () => {
  it('is empty once the device is blank', () => {
    expect(planned(aDeviceSeen())).to.deep.equal({ steps: [], waitingFor: [], refused: undefined, state: 'done' })
  })

  it('wipes a device that holds what the operator saw', () => {
    expect(planned(aDeviceSeen(ext4))).to.deep.equal({
      steps: ['adopt nvme1n1'],
      waitingFor: [],
      refused: undefined,
      state: 'forming',
    })
    const expected = `the brick ${aUuid(1)}`
    expect(planned(aDeviceSeen({ content: ownXfs() }), { expected }).steps).to.deep.equal(['adopt nvme1n1'])
  })

  it('tells how far a wipe is that takes long, and ends it although the word has ended meanwhile', () => {
    const wiping = { doneBytes: 1, totalBytes: 2 }
    const facts = { device: aDeviceSeen(ext4), now: 9_000 }
    const adopt = aDesiredAdopt({ until: 1_600, wipe: 'zero' })
    expect(planAdopt(adopt, { ...facts, wiping })).to.deep.include({ steps: [], report: { state: 'forming', wiping } })
    expect(planAdopt(adopt, { ...facts, isAllButWiped: true }).steps.map(describeStep)).to.deep.equal(['adopt nvme1n1'])
  })

  for (const [what, now] of [
    ['after its time', 1_600],
    ['so late as with an old snapshot of etcd', 40_000_000],
    ["while the host's clock is hours behind, so that nobody knows its age", -10_000],
  ] as [string, number][]) {
    it(`wipes nothing ${what}`, () => {
      const { steps, refused } = planned(aDeviceSeen(ext4), { until: 1_600 }, now)
      expect(steps).to.deep.equal([])
      expect(refused).to.match(/adopt it again$/)
    })
  }

  it('wipes nothing by a word without a time, and everything while the clocks are minutes apart', () => {
    const timeless = aDesiredAdopt()
    delete timeless.until
    expect(planAdopt(timeless, { device: aDeviceSeen(ext4), now: 1_000 }).refused).to.contain('upgrade the scheduler')
    for (const now of [1_000 - 290, 1_000, 1_599])
      expect(planned(aDeviceSeen(ext4), {}, now).steps).to.deep.equal(['adopt nvme1n1'])
  })

  for (const [what, device, words] of [
    ['is not there', { present: false, reason: 'no such device' }, cannotBeUsed('nvme1n1', 'no such device')],
    [
      'is another disk by now',
      aDeviceSeen({ ...ext4, identity: 'serial:S2' }),
      hasAnotherIdentity('nvme1n1', 'serial:S1', 'serial:S2'),
    ],
    [
      'has another size by now',
      aDeviceSeen({ ...ext4, sizeBytes: 5 }),
      hasAnotherSize('nvme1n1', 1_000_000_000_000, 5),
    ],
    [
      'cannot be read',
      aDeviceSeen({ content: { kind: 'unreadable', reason: 'EIO' } }),
      deviceIsUnreadable('nvme1n1', 'EIO'),
    ],
    ['is in use', aDeviceSeen({ ...ext4, busy: ['held by dm-0'] }), deviceIsInUse('nvme1n1', ['held by dm-0'])],
    [
      'holds something else than the operator saw',
      aDeviceSeen({ content: ownXfs() }),
      holdsSomethingElse('nvme1n1', `the brick ${aUuid(1)}`, 'a signature of ext4'),
    ],
  ] as [string, DeviceFacts, string][]) {
    it(`refuses a device that ${what}`, () => {
      const { steps, refused, state } = planned(device)
      expect([steps, state]).to.deep.equal([[], 'forming'])
      expect(refused).to.equal(words)
    })
  }
})
