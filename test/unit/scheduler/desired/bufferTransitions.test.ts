import { expect } from 'chai'
import * as messages from '../../../../src/scheduler/desired/messages.js'
import { notEnoughFree } from '../../../../src/scheduler/placement/messages.js'
import type { BufferDocument } from '../../../../src/model/documents/buffer.js'
import { fingerprintOf } from '../../../../src/model/fingerprint.js'
import { transitionOfBuffer } from '../../../../src/scheduler/desired/bufferTransitions.js'
import { desiredOfBuffer } from '../../../../src/scheduler/desired/buffer.js'
import {
  aBuffer,
  aCluster,
  aCordon,
  aHost,
  aSession,
  brickReport,
  brickReports,
  type ClusterParts,
  mountReport,
  uuids,
  volumeReport,
} from '../../../support/builders.js'
import { aDesiredBrick, aDirectVolume } from '../../../support/desired.js'
import { aConfig } from '../../../support/decisions.js'
import { describeChange } from '../../../support/decisions.js'

const hosts = [aHost('gluster1'), aHost('gluster2'), aHost('gluster3')]
const buffer = aBuffer({ bricks: ['gluster1/nvme1n1', 'gluster2/nvme1n1'] })
const [first, second] = [buffer.bricks[0]!, buffer.bricks[1]!]
const bad = { state: 'forming' as const, problem: { message: 'the disk gives errors', terminal: true } }

function follow(parts: ClusterParts, document: BufferDocument = buffer, gone: string[] = []) {
  const context = { now: 5000, newUuid: uuids(), isLost: (host: string) => gone.includes(host) }
  return transitionOfBuffer(aCluster({ hosts, buffers: [document], ...parts }), document, context)
}
const changes = (...args: Parameters<typeof follow>) => follow(...args)?.changes.map(describeChange) ?? []
const documentOf = (...args: Parameters<typeof follow>) => {
  const change = follow(...args)?.changes.find(({ kind }) => kind === 'buffer')
  return change?.kind === 'buffer' ? change.document : undefined
}

describe('a buffer that is being made', () => {
  it('is left alone as long as its agents work on it', () => {
    expect(follow({})).to.equal(undefined)
    expect(follow({ observed: brickReports(buffer, { state: 'forming', waitingFor: ['mkfs'] }) })).to.equal(undefined)
  })

  describe('whose every brick is online', () => {
    const observed = { ...brickReports(buffer), ...volumeReport(buffer) }
    const told = (built: { built?: true }) =>
      Object.fromEntries(
        buffer.bricks.map(({ host, device, uuid }) => [
          `brick ${host}/${device}`,
          aDesiredBrick({ device, uuid, ...built }),
        ]),
      )

    it('is built when its agents are told that nothing of it may be formatted again, or in the same transaction', () => {
      expect(follow({ observed, desired: told({}) })?.tells).to.deep.equal(buffer.bricks)
      expect(follow({ observed, desired: told({ built: true }) })?.tells).to.deep.equal([])
      const records = desiredOfBuffer(aCluster({ hosts, buffers: [buffer], observed }), buffer, aConfig())
      expect(records.map(({ document }) => 'built' in document && document.built)).to.include.members([true])
      expect(documentOf({ observed, desired: told({ built: true }) })).to.include({ builtAt: 5000 })
    })

    it('does not wait for an agent of the first release, which cannot be told', () => {
      const old = hosts.map(({ host, ...rest }) => ({ ...rest, host: { ...host, versions: {} } }))
      expect(documentOf({ hosts: old, observed, desired: told({}) })).to.include({ builtAt: 5000 })
    })
  })

  it('gets another device for one that its agent refuses, which goes into quarantine', () => {
    const followed = follow({ observed: brickReport(first, bad) })!
    expect(followed.changes.map(describeChange)).to.deep.equal([
      'quarantine cordon on gluster1/nvme1n1',
      'buffer mytest present on gluster3/nvme1n1, gluster2/nvme1n1',
      'last id 100',
    ])
    expect(followed.events).to.deep.equal([
      messages.brickReplaced(first, { host: 'gluster3', device: 'nvme1n1' }, 'the disk gives errors'),
    ])
    expect(documentOf({ observed: brickReport(first, bad) })!.released).to.deep.equal([first])
  })

  it('keeps its volume name and directories when no volume was begun', () => {
    expect(documentOf({ observed: brickReport(first, bad) })).to.include({ volume: 'mytest', directory: 'brick' })
  })

  it('gets a new volume name and fresh directories when one may exist already', () => {
    const observed = { ...brickReport(first, bad), ...volumeReport(buffer, { state: 'forming' }) }
    const document = documentOf({ observed })!
    expect(document).to.include({ volume: 'mytest-10', directory: 'brick-2' })
    expect(document.formerVolumes.map(({ volume }) => volume)).to.deep.equal(['mytest'])
  })

  it('does the same when gluster left its mark on the directories', () => {
    const observed = {
      ...brickReports(buffer),
      ...volumeReport(buffer, { state: 'forming', needsFreshDirectories: true }),
    }
    expect(documentOf({ observed })).to.include({ volume: 'mytest-10', directory: 'brick-2' })
  })

  it('is placed elsewhere when a host is away for too long, without a quarantine', () => {
    const lost = [aHost('gluster1', { alive: false }), ...hosts.slice(1)]
    expect(changes({ hosts: lost })).to.deep.equal([])
    expect(changes({ hosts: lost }, buffer, ['gluster1'])).to.deep.equal([
      'buffer mytest present on gluster3/nvme1n1, gluster2/nvme1n1',
      'last id 100',
    ])
  })

  it('waits for a lost host when no other device is free', () => {
    const lost = [aHost('gluster1', { alive: false }), aHost('gluster2', { devices: 1 })]
    expect(changes({ hosts: lost }, buffer, ['gluster1'])).to.deep.equal([])
  })

  it('fails when a device is refused and no other is free', () => {
    const few = [aHost('gluster1', { devices: 1 }), aHost('gluster2', { devices: 1 })]
    const document = documentOf({ hosts: few, observed: brickReport(second, bad) })
    expect(document?.failure).to.equal(
      messages.cannotReplace(['the disk gives errors'], notEnoughFree('dedicated_nvme', '0 bytes', '1 TB')),
    )
  })

  it('fails when gluster refuses the volume for good', () => {
    const problem = { message: 'the name is reserved', terminal: true }
    const observed = { ...brickReports(buffer), ...volumeReport(buffer, { state: 'forming', problem }) }
    expect(documentOf({ observed })).to.include({ failure: messages.volumeFailed('mytest', 'the name is reserved') })
  })

  it('is not given up for a problem that may pass', () => {
    const problem = { message: 'busy', terminal: false }
    expect(follow({ observed: brickReport(first, { state: 'forming', problem }) })).to.equal(undefined)
  })
})

describe('a buffer that was built', () => {
  const built = { ...buffer, builtAt: 5 }

  it('never has a brick taken from it, whatever becomes of its disks and hosts', () => {
    const lost = [aHost('gluster1', { alive: false }), ...hosts.slice(1)]
    expect(changes({ hosts: lost, observed: brickReport(second, bad) }, built, ['gluster1'])).to.deep.equal([])
  })

  it('gives a released brick’s device back once it was seen wiped, and not before', () => {
    const released = { ...built, released: aBuffer({ bricks: ['gluster3/nvme1n1'] }).bricks }
    const [old] = released.released
    expect(follow({}, released)).to.equal(undefined)
    expect(documentOf({ observed: brickReport(old!, { state: 'absent' }) }, released)!.released).to.deep.equal([])
  })

  it('keeps one, though wiped, until its host has ended what served it: without it the host is told nothing more', () => {
    const [old] = aBuffer({ bricks: ['gluster3/nvme1n1'] }).bricks
    const moved: BufferDocument = { ...buffer, dataPlane: 'direct', released: [old!] }
    const told = aDirectVolume({
      volume: moved.volume,
      buffer: { id: moved.id, name: 'mytest' },
      bricks: [],
      wanted: 'absent',
    })
    const desired = { [`volume gluster3/${moved.volume}`]: told }
    const reported = (report: Parameters<typeof volumeReport>[1]) => ({
      ...brickReport(old!, { state: 'absent' }),
      ...volumeReport(moved, { host: 'gluster3', ...report }),
    })
    const releasedAfter = (observed: ClusterParts['observed']) =>
      documentOf({ desired, observed: observed! }, moved)?.released
    expect(releasedAfter(reported({ state: 'leaving' }))).to.equal(undefined)
    expect(releasedAfter(reported({ state: 'absent', allow: fingerprintOf(told) }))).to.deep.equal([])
  })
})

describe('a buffer that leaves', () => {
  const leaving = { ...buffer, builtAt: 5, wanted: 'absent' as const }
  const gone = { ...brickReports(leaving, { state: 'absent' }), ...volumeReport(leaving, { state: 'absent' }) }

  it('is gone when its volume and every brick were seen gone', () => {
    expect(changes({ observed: gone }, leaving)).to.deep.equal(['no buffer mytest'])
  })

  it('stays while one brick, the volume, a job, or a mount is left', () => {
    const job = aSession({ uses: ['mytest'], stage: 'running', computeHosts: ['c1'] })
    const withCompute = [...hosts, aHost('c1', { roles: ['compute'] })]
    const left: ClusterParts[] = [
      { observed: { ...gone, ...brickReport(leaving.bricks[1]!, { state: 'leaving' }) } },
      { observed: { ...gone, ...volumeReport(leaving, { state: 'leaving', stopped: true }) } },
      { observed: gone, sessions: [job] },
      {
        hosts: withCompute,
        observed: { ...gone, ...mountReport('c1', job, leaving) },
        sessions: [{ ...job, stage: 'ran' }],
      },
    ]
    for (const parts of left) expect(changes(parts, leaving)).to.deep.equal([])
  })

  it('does not take the word of an earlier buffer on that device for it', () => {
    const other = { ...leaving.bricks[1]!, uuid: aBuffer({ bricks: ['x/y'] }).bricks[0]!.uuid }
    expect(changes({ observed: { ...gone, ...brickReport(other, { state: 'absent' }) } }, leaving)).to.deep.equal([])
  })

  it('puts a device into quarantine that its agent cannot wipe, and forgets the brick ten minutes later', () => {
    const broken = brickReport(leaving.bricks[1]!, { ...bad, state: 'leaving' })
    const observed = { ...gone, ...broken }
    expect(changes({ observed }, leaving)).to.deep.equal(['quarantine cordon on gluster2/nvme1n1'])
    const cordoned = (when: number) => [aCordon('gluster2/nvme1n1', { kind: 'quarantine', when })]
    expect(changes({ observed, cordons: cordoned(4500) }, leaving)).to.deep.equal([])
    expect(changes({ observed, cordons: cordoned(4400) }, leaving)).to.deep.equal(['no buffer mytest'])
  })
})
