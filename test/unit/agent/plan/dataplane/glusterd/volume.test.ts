import { expect } from 'chai'
import type { GlusterfsVolumeFacts } from '../../../../../../src/agent/port/host.js'
import {
  anotherVolume,
  brickToComeOnline,
  peerToConnect,
  volumeToBeDeleted,
} from '../../../../../../src/agent/plan/dataplane/glusterd/messages.js'
import { planGlusterfsVolume } from '../../../../../../src/agent/plan/dataplane/glusterd/volume.js'
import { describeStep } from '../../../../../../src/agent/port/steps.js'
import type { GlusterfsVolume } from '../../../../../../src/model/documents/volume.js'
import { aDesiredVolume, startedVolume, volumeFacts } from '../../../../../support/desired.js'

function planned(facts: GlusterfsVolumeFacts, volume: Partial<GlusterfsVolume> = {}) {
  const { steps, waitingFor, refused, report } = planGlusterfsVolume(aDesiredVolume(volume), facts)
  return { steps: steps.map(describeStep), waitingFor, refused, report }
}

const absent = { wanted: 'absent' } as const
const second = startedVolume().bricks[1]!

describe('the plan of a volume that is wanted', () => {
  it('is empty on a host that is as desired', () => {
    expect(planned(startedVolume())).to.deep.equal({
      steps: [],
      waitingFor: [],
      refused: undefined,
      report: { bufferId: 10, state: 'started', offline: [] },
    })
  })

  it('says under which boots of its hosts it was looked at', () => {
    const boots = { gluster1: 'first', gluster2: 'second' }
    expect(planned(startedVolume(), { boots }).report).to.deep.include({ state: 'started', boots })
    expect(planned(startedVolume({ offline: [second] }), { boots }).report).to.deep.include({
      state: 'degraded',
      boots,
    })
  })

  it('creates it, sets its options and starts it', () => {
    const { steps, report } = planned(volumeFacts())
    expect(steps).to.deep.equal(['create volume 3', 'set network.ping-timeout of volume 3', 'start volume 3'])
    expect(report.state).to.equal('forming')
  })

  it('goes on where a create was the last that was done', () => {
    expect(planned(startedVolume({ status: 'created', options: {} })).steps).to.deep.equal([
      'set network.ping-timeout of volume 3',
      'start volume 3',
    ])
  })

  it('starts again what was stopped by hand', () => {
    expect(planned(startedVolume({ status: 'stopped' })).steps).to.deep.equal(['start volume 3'])
  })

  it('sets again an option that was changed by hand, and only that', () => {
    const options = { 'network.ping-timeout': '42', 'storage.owner-uid': '0' }
    const wanted = { options: { 'network.ping-timeout': '10', 'storage.owner-uid': '0' } }
    expect(planned(startedVolume({ options }), wanted).steps).to.deep.equal(['set network.ping-timeout of volume 3'])
  })

  it('leaves an option alone that is not wanted: without its sharding, a volume of an earlier release would lose data', () => {
    const { options } = startedVolume()
    expect(planned(startedVolume({ options: { ...options, 'features.shard': 'on' } })).steps).to.deep.equal([])
  })

  it('starts a missing brick process by force, waits for it and says which is offline', () => {
    expect(planned(startedVolume({ offline: [second] }))).to.deep.equal({
      steps: ['start volume 3 by force'],
      waitingFor: [brickToComeOnline(second)],
      refused: undefined,
      report: { bufferId: 10, state: 'degraded', offline: [second] },
    })
  })

  it('is not created before every host of its bricks is connected', () => {
    const { steps, waitingFor } = planned(volumeFacts({ connectedPeers: ['gluster1'] }))
    expect(steps).to.deep.equal([])
    expect(waitingFor).to.deep.equal([peerToConnect('gluster2')])
  })

  it('waits, and does nothing, while glusterd does not answer', () => {
    const { steps, waitingFor, report } = planned(volumeFacts({ unavailable: 'glusterd on gluster1 to answer' }))
    expect([steps, waitingFor, report.state]).to.deep.equal([[], ['glusterd on gluster1 to answer'], 'forming'])
  })

  it('refuses a volume of that name with other bricks, or with the same in another order', () => {
    for (const bricks of [['gluster1:/x'], [...startedVolume().bricks].reverse(), [second]]) {
      const { steps, refused } = planned(startedVolume({ bricks }))
      expect(steps).to.deep.equal([])
      expect(refused).to.equal(anotherVolume('3', bricks))
    }
  })
})

describe('the plan of a volume that has to go', () => {
  it('is empty once gluster has none of that name', () => {
    expect(planned(volumeFacts(), absent)).to.deep.equal({
      steps: [],
      waitingFor: [],
      refused: undefined,
      report: { bufferId: 10, state: 'absent', offline: [] },
    })
  })

  it('stops it and deletes it', () => {
    const { steps, report } = planned(startedVolume(), absent)
    expect(steps).to.deep.equal(['stop volume 3', 'delete volume 3'])
    expect(report).to.deep.equal({ bufferId: 10, state: 'leaving', offline: [] })
  })

  it('says that it is stopped, so that bricks need not wait for a record that cannot be deleted', () => {
    const { steps, report } = planned(startedVolume({ status: 'stopped' }), absent)
    expect(steps).to.deep.equal(['delete volume 3'])
    expect(report).to.deep.equal({ bufferId: 10, state: 'leaving', offline: [], stopped: true })
  })

  it('leaves another volume of that name alone', () => {
    const { steps, refused, report } = planned(startedVolume({ bricks: ['gluster1:/x'] }), absent)
    expect([steps, refused, report.state]).to.deep.equal([[], undefined, 'absent'])
  })

  it('waits while glusterd does not answer, which is no proof of absence, and says how another host gets the volume', () => {
    const { steps, waitingFor, report } = planned(volumeFacts({ unavailable: 'glusterd to answer' }), absent)
    expect([steps, waitingFor, report.state]).to.deep.equal([[], [volumeToBeDeleted('glusterd to answer')], 'leaving'])
  })
})
