import { expect } from 'chai'
import * as messages from '../../../src/model/messages.js'
import { isComplete, isDeletedInBackground, phaseOf, replacedBrickWait } from '../../../src/model/phase.js'
import {
  aBuffer,
  aCluster,
  aHost,
  aSession,
  brickReport,
  brickReports,
  type ClusterParts,
  mountReport,
  volumeReport,
} from '../../support/builders.js'

const hosts = [aHost('gluster1'), aHost('gluster2'), aHost('c1', { roles: ['compute'] })]
const lostTwo = [aHost('gluster1'), aHost('gluster2', { alive: false })]
const buffer = aBuffer({ bricks: ['gluster1/nvme1n1', 'gluster2/nvme1n1'] })
const built = { ...buffer, builtAt: 5 }
const leaving = { ...built, wanted: 'absent' as const }
const [brick1, brick2] = buffer.bricks.map(messages.brickOn) as [string, string]
const volume = messages.volumeOn('mytest', 'gluster1')
const of = (parts: ClusterParts, document = buffer) =>
  phaseOf(aCluster({ hosts, buffers: [document], ...parts }), document)

describe('the phase of a buffer that is wanted', () => {
  it('is creating-bricks as long as one is not ready, and says which', () => {
    const observed = {
      ...brickReports(buffer),
      ...brickReport(buffer.bricks[1]!, { state: 'forming', waitingFor: ['mkfs'] }),
    }
    expect(of({ observed })).to.deep.equal({
      phase: 'creating-bricks',
      waitingFor: [`${brick2}: mkfs`],
    })
  })

  it('says a problem before what the agent waits for, and that the host is lost', () => {
    const problem = { message: 'mkfs.xfs failed', terminal: false }
    const observed = {
      ...brickReports(buffer),
      ...brickReport(buffer.bricks[1]!, { state: 'forming', problem, waitingFor: ['x'] }),
    }
    expect(of({ hosts: lostTwo, observed }).waitingFor).to.deep.equal([
      `${messages.onLostHost(brick2)}: mkfs.xfs failed`,
    ])
  })

  it('is creating-volume when all bricks are ready', () => {
    const observed = {
      ...brickReports(buffer),
      ...volumeReport(buffer, { state: 'forming', waitingFor: ['peer gluster2'] }),
    }
    expect(of({ observed })).to.deep.equal({
      phase: 'creating-volume',
      waitingFor: [`${volume}: peer gluster2`],
    })
  })

  it('is ready once it was built and all is online', () => {
    const observed = { ...brickReports(buffer), ...volumeReport(buffer) }
    expect(of({ observed }, built)).to.deep.equal({ phase: 'ready', waitingFor: [] })
  })

  describe('after a restart of a host', () => {
    const restarted = [aHost('gluster1'), aHost('gluster2', { boot: 'second' })]
    const [before, after] = [{ gluster2: 'first' }, { gluster2: 'second' }]
    const brick = (boot: string) => brickReport(buffer.bricks[1]!, { boot })

    it('is degraded until the agent has looked at the bricks', () => {
      const observed = { ...brickReports(buffer), ...brick('first'), ...volumeReport(buffer, { boots: after }) }
      expect(of({ hosts: restarted, observed }, built)).to.deep.equal({
        phase: 'degraded',
        waitingFor: [messages.brickToBeChecked(brick2)],
      })
    })

    it('is degraded until the primary has looked at what serves them', () => {
      const observed = { ...brickReports(buffer), ...brick('second'), ...volumeReport(buffer, { boots: before }) }
      expect(of({ hosts: restarted, observed }, built)).to.deep.equal({
        phase: 'degraded',
        waitingFor: [messages.bricksToBeChecked('gluster2')],
      })
      expect(isComplete(aCluster({ hosts: restarted, buffers: [buffer], observed }), buffer)).to.equal(false)
    })

    it('is ready when both have', () => {
      const observed = { ...brickReports(buffer), ...brick('second'), ...volumeReport(buffer, { boots: after }) }
      expect(of({ hosts: restarted, observed }, built).phase).to.equal('ready')
    })

    it('is ready where agents do not tell their boots', () => {
      const observed = { ...brickReports(buffer), ...volumeReport(buffer) }
      expect(of({ hosts: restarted, observed }, built).phase).to.equal('ready')
    })
  })

  it('is degraded when a host is lost, a brick is offline, or the volume is not started', () => {
    const bricks = brickReports(buffer)
    const offline = volumeReport(buffer, { state: 'degraded', offline: ['gluster2:/data/glusterfs/nvme1n1/brick'] })
    expect(of({ hosts: lostTwo, observed: { ...bricks, ...volumeReport(buffer) } }, built)).to.deep.equal({
      phase: 'degraded',
      waitingFor: [messages.lostHost('gluster2')],
    })
    expect(of({ observed: { ...bricks, ...offline } }, built).waitingFor).to.deep.equal([
      messages.brickOffline('gluster2:/data/glusterfs/nvme1n1/brick'),
    ])
    expect(of({ observed: bricks }, built)).to.deep.equal({
      phase: 'degraded',
      waitingFor: [volume],
    })
  })

  it('is failed with its reason, whatever the agents say', () => {
    const failed = { ...buffer, failure: 'no device left' }
    const observed = { ...brickReports(buffer), ...volumeReport(buffer) }
    expect(of({ observed }, failed)).to.deep.equal({ phase: 'failed', waitingFor: [], reason: 'no device left' })
  })

  it('is never complete with a brick offline, a brick not ready, or a volume that only forms', () => {
    const all = { ...brickReports(buffer), ...volumeReport(buffer) }
    const less: Record<string, ClusterParts['observed']> = {
      'a brick offline': { ...all, ...volumeReport(buffer, { offline: ['gluster2:/x'] }) },
      'a brick forming': { ...all, ...brickReport(buffer.bricks[1]!, { state: 'forming' }) },
      'the volume forming': { ...all, ...volumeReport(buffer, { state: 'forming' }) },
      'no word of the volume': brickReports(buffer),
    }
    expect(isComplete(aCluster({ hosts, observed: all }), buffer)).to.equal(true)
    for (const [what, observed] of Object.entries(less)) {
      expect(isComplete(aCluster({ hosts, observed: observed! }), buffer), what).to.equal(false)
    }
  })
})

describe('a brick that was replaced', () => {
  const former = { ...buffer, formerVolumes: [{ volume: 'old', bricks: [{ host: 'gluster1', path: '/old' }] }] }
  const waitOf = (report: Parameters<typeof volumeReport>[1]) => {
    const observed = volumeReport({ ...former, volume: 'old' }, report)
    return replacedBrickWait(aCluster({ hosts, buffers: [former], observed }), former)
  }

  it('waits for the volume that may still serve it, and says why that is not deleted', () => {
    const waitingFor = ['glusterd on gluster1 to answer']
    expect(waitOf({ state: 'leaving', waitingFor })).to.equal(
      messages.waitsFor(`${messages.volumeOn('old', 'gluster1')}: ${waitingFor[0]}`),
    )
  })

  it('waits for nothing when that volume is stopped or gone', () => {
    expect(waitOf({ state: 'leaving', stopped: true })).to.equal(undefined)
    expect(waitOf({ state: 'absent' })).to.equal(undefined)
    expect(replacedBrickWait(aCluster({ hosts, buffers: [buffer] }), buffer)).to.equal(undefined)
  })
})

describe('the phase of a buffer that is wanted no more', () => {
  const absent = { ...brickReports(leaving, { state: 'absent' }), ...volumeReport(leaving, { state: 'absent' }) }

  it('waits for the job that uses it, its mounts, its volume and its bricks, in this order', () => {
    const job = aSession({ uses: ['mytest'], stage: 'running', computeHosts: ['c1'] })
    const observed = { ...brickReports(leaving), ...volumeReport(leaving), ...mountReport('c1', job, leaving) }
    expect(of({ observed, sessions: [job] }, leaving)).to.deep.equal({
      phase: 'deleting',
      waitingFor: [messages.endOfJob('5'), messages.hostToUnmount('c1'), volume, brick1, brick2],
    })
  })

  it('waits for nothing when everything was seen gone', () => {
    expect(of({ observed: absent }, leaving)).to.deep.equal({ phase: 'deleting', waitingFor: [] })
  })

  it('is blocked when only lost hosts have something to clean up', () => {
    const observed = { ...absent, ...brickReport(leaving.bricks[1]!, { state: 'leaving' }) }
    expect(of({ hosts: lostTwo, observed }, leaving)).to.deep.equal({
      phase: 'blocked',
      waitingFor: [messages.onLostHost(brick2)],
    })
  })

  it('is blocked when an agent has given its brick up', () => {
    const problem = { message: 'the disk is gone', terminal: true }
    const observed = { ...absent, ...brickReport(leaving.bricks[1]!, { state: 'leaving', problem }) }
    expect(of({ observed }, leaving).phase).to.equal('blocked')
  })

  it('is blocked when the record of a stopped volume is all that is left', () => {
    const observed = { ...absent, ...volumeReport(leaving, { state: 'leaving', stopped: true }) }
    expect(of({ observed }, leaving).phase).to.equal('blocked')
  })

  it('is not blocked while a host that lives has work to do', () => {
    const observed = { ...absent, ...brickReports(leaving, { state: 'leaving' }) }
    expect(of({ hosts: lostTwo, observed }, leaving).phase).to.equal('deleting')
  })

  it('is wiping when nothing is left but wipes that take long, and says how far each is', () => {
    const wiping = { doneBytes: 43e10, totalBytes: 1e12 }
    const one = { ...absent, ...brickReport(leaving.bricks[1]!, { state: 'leaving', wiping }) }
    const report = of({ observed: one }, leaving)
    expect(report).to.deep.equal({
      phase: 'wiping',
      waitingFor: [messages.brickBeingWiped(brick2, messages.percentWiped(43))],
    })
    expect(isDeletedInBackground(report)).to.equal(true)
    const both = { ...one, ...brickReport(leaving.bricks[0]!, { state: 'leaving' }) }
    expect(of({ observed: both }, leaving).phase).to.equal('deleting')
    expect(of({ hosts: lostTwo, observed: one }, leaving).phase).to.equal('blocked')
  })
})
