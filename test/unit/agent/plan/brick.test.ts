import { expect } from 'chai'
import type { BrickFacts, DeviceContent } from '../../../../src/agent/port/host.js'
import { describeContent } from '../../../../src/agent/plan/device.js'
import {
  cannotBeUsed,
  dataIsLost,
  deviceHasPartitions,
  deviceHolds,
  deviceIsInUse,
  deviceIsUnreadable,
  deviceToBeReleased,
  formatToFinish,
  hasAnotherIdentity,
  hasAnotherSize,
  hasNoStamp,
  hasStampOf,
  isMountedAndHolds,
  isMountedAndUnreadable,
  isMountedReadOnly,
  otherMountAt,
  spareHasDirectory,
  wipeToFinish,
} from '../../../../src/agent/plan/messages.js'
import { planBrick } from '../../../../src/agent/plan/brick.js'
import { describeStep } from '../../../../src/agent/port/steps.js'
import type { DesiredBrick } from '../../../../src/model/documents/brick.js'
import { aUuid } from '../../../support/builders.js'
import {
  aDesiredBrick,
  aDeviceSeen,
  brickFacts,
  ownXfs,
  type PresentDevice,
  readyBrick,
} from '../../../support/desired.js'

function planned(facts: BrickFacts, brick: Partial<DesiredBrick> = {}) {
  const { steps, waitingFor, refused, report } = planBrick(aDesiredBrick(brick), facts)
  return { steps: steps.map(describeStep), waitingFor, refused, state: report.state }
}

const absent = { wanted: 'absent' } as const
const holding = (content: DeviceContent, parts: Partial<PresentDevice> = {}) =>
  brickFacts({ device: aDeviceSeen({ content, ...parts }) })
const inUse = { busy: ['held by dm-0'] }
const otherXfs: DeviceContent = { kind: 'xfs', uuid: aUuid(7), label: 'home', inProgress: false }
const otherBrick: DeviceContent = { kind: 'xfs', uuid: aUuid(7), label: 'bb-111111111', inProgress: false }
const mountedElsewhere = { thisDevice: false, readOnly: false, source: '/dev/sda1' }

const wiping = { doneBytes: 1, totalBytes: 2 }
const waitingFor = [formatToFinish('nvme1n1')]

const whole = ['format nvme1n1 for buffer 3', 'mount nvme1n1', 'stamp nvme1n1', 'make brick on nvme1n1']

describe('the plan of a brick that is wanted', () => {
  it('is empty on a host that is as desired', () => {
    expect(planned(readyBrick())).to.deep.equal({ steps: [], waitingFor: [], refused: undefined, state: 'ready' })
  })

  describe('as a spare', () => {
    const spare = { spare: 'dedicated_nvme' }
    const mounted = { ...readyBrick(), directories: [] }

    it('is formatted, mounted and stamped, and gets no directory', () => {
      expect(planned(brickFacts(), spare).steps).to.deep.equal(whole.slice(0, 3))
      expect(planned(mounted, spare)).to.include({ refused: undefined, state: 'ready' })
      expect(planned(mounted, spare).steps).to.deep.equal([])
    })

    it('is reported so that nobody takes it for a brick of a buffer', () => {
      expect(planBrick(aDesiredBrick(spare), mounted).report).to.include({ state: 'ready', directory: '' })
    })

    it('gets the directory alone when a buffer has it', () => {
      expect(planned(mounted).steps).to.deep.equal(['make brick on nvme1n1'])
    })

    it('is refused with a directory in it', () => {
      expect(planned(readyBrick(), spare).refused).to.equal(spareHasDirectory('nvme1n1', 'brick'))
    })
  })

  it('formats, mounts, stamps and exports a blank device', () => {
    expect(planned(brickFacts())).to.deep.equal({
      steps: whole,
      waitingFor: [],
      refused: undefined,
      state: 'forming',
    })
  })

  it('mounts what carries its uuid, and never formats it before it has looked inside', () => {
    expect(planned(holding(ownXfs())).steps).to.deep.equal(['mount nvme1n1'])
  })

  it('formats again what a mkfs left unfinished', () => {
    expect(planned(holding(ownXfs({ inProgress: true }))).steps).to.deep.equal([
      'format nvme1n1 for buffer 3 again',
      ...whole.slice(1),
    ])
  })

  it('waits for the end of a mkfs that an earlier run of the agent began, whatever it has written by now', () => {
    for (const content of [{ kind: 'blank' }, ownXfs({ inProgress: true })] as DeviceContent[]) {
      const facts = holding(content, { busy: ['opened exclusively'] })
      expect(planned({ ...facts, beingFormatted: true })).to.deep.include({ steps: [], refused: undefined, waitingFor })
      expect(planned({ ...facts, beingFormatted: true }, absent)).to.deep.include({
        steps: [],
        waitingFor,
        state: 'leaving',
      })
    }
  })

  it('formats again what is mounted and was never stamped', () => {
    const unstamped = readyBrick({ directories: [] })
    delete unstamped.stamp
    expect(planned(unstamped).steps).to.deep.equal([
      'unmount nvme1n1',
      'format nvme1n1 for buffer 3 again',
      ...whole.slice(1),
    ])
  })

  it('formats nothing for a buffer that was built, whatever its device looks like', () => {
    const unstamped = readyBrick({ directories: [] })
    delete unstamped.stamp
    for (const facts of [brickFacts(), holding(ownXfs({ inProgress: true })), unstamped]) {
      const { steps, refused } = planned(facts, { built: true })
      expect(steps).to.deep.equal([])
      const content = facts.device.present ? describeContent(facts.device.content) : ''
      expect(refused).to.equal(dataIsLost('nvme1n1', content))
    }
    expect(planned(holding(ownXfs()), { built: true }).steps).to.deep.equal(['mount nvme1n1'])
    expect(planned(holding(ownXfs()), { built: true, ...absent }).steps).to.deep.equal(['wipe nvme1n1'])
  })

  it('waits for the end of a wipe of it that is under way', () => {
    const { steps, waitingFor } = planned({ ...holding(ownXfs()), wiping })
    expect(steps).to.deep.equal([])
    expect(waitingFor).to.deep.equal([wipeToFinish('nvme1n1')])
  })

  it('never formats what has lost its stamp beside a directory of the brick: it may hold data', () => {
    const bereft = readyBrick()
    delete bereft.stamp
    const refused = hasNoStamp('nvme1n1', 'brick')
    expect(planned(bereft)).to.deep.equal({ steps: [], waitingFor: [], refused, state: 'forming' })
  })

  it('makes the directory alone when that is all that is missing', () => {
    expect(planned(readyBrick({ directories: [] })).steps).to.deep.equal(['make brick on nvme1n1'])
    expect(planned(readyBrick(), { directory: 'brick-2' }).steps).to.deep.equal(['make brick-2 on nvme1n1'])
  })

  it('waits while somebody uses the file system that carries its uuid', () => {
    expect(planned(holding(ownXfs(), inUse))).to.deep.equal({
      steps: [],
      waitingFor: [deviceToBeReleased('nvme1n1', inUse.busy)],
      refused: undefined,
      state: 'forming',
    })
  })

  for (const [what, facts, words] of [
    [
      'is not there',
      brickFacts({ device: { present: false, reason: 'no such device' } }),
      cannotBeUsed('nvme1n1', 'no such device'),
    ],
    [
      'is another disk by now',
      brickFacts({ device: aDeviceSeen({ identity: 'serial:S2' }) }),
      hasAnotherIdentity('nvme1n1', 'serial:S1', 'serial:S2'),
    ],
    [
      'has no identity any more',
      brickFacts({ device: aDeviceSeen({ identity: '' }) }),
      hasAnotherIdentity('nvme1n1', 'serial:S1', ''),
    ],
    [
      'has another size by now',
      brickFacts({ device: aDeviceSeen({ sizeBytes: 5 }) }),
      hasAnotherSize('nvme1n1', 1_000_000_000_000, 5),
    ],
    [
      'has partitions',
      brickFacts({ device: aDeviceSeen({ partitions: ['nvme1n1p1'] }) }),
      deviceHasPartitions('nvme1n1', ['nvme1n1p1']),
    ],
    ['is in use', brickFacts({ device: aDeviceSeen(inUse) }), deviceIsInUse('nvme1n1', inUse.busy)],
    ['holds another XFS', holding(otherXfs), deviceHolds('nvme1n1', `an XFS file system ${aUuid(7)}`)],
    ['holds the brick of another buffer', holding(otherBrick), deviceHolds('nvme1n1', `the brick ${aUuid(7)}`)],
    [
      'holds something else',
      holding({ kind: 'other', what: 'a signature of ext4' }),
      deviceHolds('nvme1n1', 'a signature of ext4'),
    ],
    [
      'cannot be read',
      holding({ kind: 'unreadable', reason: 'EIO' }),
      deviceHolds('nvme1n1', 'what cannot be read (EIO)'),
    ],
    [
      'has another disk mounted at its place',
      readyBrick({ mounted: mountedElsewhere }),
      otherMountAt('/data/glusterfs/nvme1n1', '/dev/sda1'),
    ],
    [
      'is mounted read-only',
      readyBrick({ mounted: { thisDevice: true, readOnly: true, source: '/dev/nvme1n1' } }),
      isMountedReadOnly('nvme1n1'),
    ],
    [
      'is mounted and cannot be read',
      brickFacts({
        mounted: { ...readyBrick().mounted!, unreadable: 'EIO' },
        device: aDeviceSeen({ content: ownXfs() }),
      }),
      isMountedAndUnreadable('nvme1n1', 'EIO'),
    ],
    ['is stamped for another brick', readyBrick({ stamp: aUuid(9) }), hasStampOf('nvme1n1', aUuid(9))],
    [
      'is mounted and was overwritten',
      readyBrick({ device: aDeviceSeen({ content: { kind: 'other', what: 'a signature of ext4' } }) }),
      isMountedAndHolds('nvme1n1', 'a signature of ext4'),
    ],
  ] as [string, BrickFacts, string][]) {
    it(`refuses a device that ${what}`, () => {
      const { steps, refused, state } = planned(facts)
      expect(steps).to.deep.equal([])
      expect(refused).to.equal(words)
      expect(state).to.equal('forming')
    })
  }
})

describe('the plan of a brick that has to go', () => {
  it('is empty once the device is blank', () => {
    expect(planned(brickFacts(), absent)).to.deep.equal({
      steps: [],
      waitingFor: [],
      refused: undefined,
      state: 'absent',
    })
  })

  it('ends the process that serves it before it unmounts, and wipes last', () => {
    expect(planned(readyBrick({ servedBy: { pid: 42 } }), absent)).to.deep.equal({
      steps: ['stop process 42 of brick nvme1n1', 'unmount nvme1n1', 'wipe nvme1n1'],
      waitingFor: [],
      refused: undefined,
      state: 'leaving',
    })
  })

  it('wipes what is not mounted', () => {
    expect(planned(holding(ownXfs()), absent).steps).to.deep.equal(['wipe nvme1n1'])
    expect(planned(holding(ownXfs({ inProgress: true })), absent).steps).to.deep.equal(['wipe nvme1n1'])
  })

  it('waits while somebody uses the device', () => {
    expect(planned(holding(ownXfs(), inUse), absent)).to.include({ state: 'leaving' })
    const waitingFor = [deviceToBeReleased('nvme1n1', inUse.busy)]
    expect(planned(holding(ownXfs(), inUse), absent).waitingFor).to.deep.equal(waitingFor)
  })

  for (const [what, content] of [
    ['another XFS', otherXfs],
    ['the brick of another buffer', otherBrick],
    ['anything else', { kind: 'other', what: 'a signature of ext4' }],
  ] as [string, DeviceContent][]) {
    it(`is done, with nothing touched, when the device holds ${what}`, () => {
      expect(planned(holding(content), absent)).to.deep.equal({
        steps: [],
        waitingFor: [],
        refused: undefined,
        state: 'absent',
      })
    })
  }

  for (const [what, facts, words] of [
    [
      'is not there',
      brickFacts({ device: { present: false, reason: 'no such device' } }),
      cannotBeUsed('nvme1n1', 'no such device'),
    ],
    [
      'is another disk by now',
      brickFacts({ device: aDeviceSeen({ identity: 'serial:S2' }) }),
      hasAnotherIdentity('nvme1n1', 'serial:S1', 'serial:S2'),
    ],
    ['cannot be read', holding({ kind: 'unreadable', reason: 'EIO' }), deviceIsUnreadable('nvme1n1', 'EIO')],
    [
      'has another disk mounted at its place',
      readyBrick({ mounted: mountedElsewhere }),
      otherMountAt('/data/glusterfs/nvme1n1', '/dev/sda1'),
    ],
    [
      'is mounted still and was overwritten',
      readyBrick({ device: aDeviceSeen({ content: { kind: 'other', what: 'a signature of ext4' } }) }),
      isMountedAndHolds('nvme1n1', 'a signature of ext4'),
    ],
  ] as [string, BrickFacts, string][]) {
    it(`refuses a device that ${what}, rather than call it free`, () => {
      const { steps, refused, state } = planned(facts, absent)
      expect(steps).to.deep.equal([])
      expect(refused).to.equal(words)
      expect(state).to.equal('leaving')
    })
  }
})

describe('the plan of a brick whose wipe takes long', () => {
  it('does nothing and tells how far it is, also while its drive cannot be read', () => {
    for (const content of [ownXfs(), { kind: 'unreadable', reason: 'EIO' }] as DeviceContent[]) {
      const facts = holding(content, { busy: ['opened exclusively'] })
      const plan = planBrick(aDesiredBrick({ ...absent, wipe: 'zero' }), { ...facts, wiping })
      expect(plan).to.deep.include({ steps: [], waitingFor: [] })
      expect(plan.refused).to.equal(undefined)
      expect(plan.report).to.deep.include({ state: 'leaving', wiping })
    }
  })

  it('goes on with the ends when it has come to its end', () => {
    expect(planned(holding(ownXfs()), { ...absent, wipe: 'zero' })).to.deep.include({
      steps: ['wipe nvme1n1'],
      state: 'leaving',
    })
  })
})
