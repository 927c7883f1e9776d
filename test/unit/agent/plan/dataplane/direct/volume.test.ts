import { expect } from 'chai'
import { planDirectVolume } from '../../../../../../src/agent/plan/dataplane/direct/volume.js'
import type { DirectBrickFacts, DirectVolumeFacts } from '../../../../../../src/agent/port/host.js'
import { describeStep } from '../../../../../../src/agent/port/steps.js'
import { fingerprintOf, sessionFingerprintOf } from '../../../../../../src/model/fingerprint.js'
import type { DirectVolume } from '../../../../../../src/model/documents/volume.js'
import { aDirectVolume } from '../../../../../support/desired.js'

const directories = aDirectVolume().exports.map(({ directory }) => directory)
const served = { isReady: true, process: { pid: 7, isCurrent: true }, answers: true }
const mounted = { isReady: true, answers: false }
const missing = { isReady: false, answers: false }
const facts = (
  bricks: Omit<DirectBrickFacts, 'device' | 'path'>[],
  parts: Partial<DirectVolumeFacts> = {},
): DirectVolumeFacts => ({
  type: 'direct',
  bricks: bricks.map((brick, index) => ({
    ...brick,
    device: `nvme${index + 1}n1`,
    path: `/data/glusterfs/nvme${index + 1}n1/brick`,
  })),
  others: [],
  directories,
  isFenced: true,
  ...parts,
})

function planned(seen: DirectVolumeFacts, parts: Partial<DirectVolume> = {}) {
  const { steps, ...rest } = planDirectVolume(aDirectVolume(parts), seen)
  return { ...rest, steps: steps.map(describeStep) }
}

describe('a volume that this host serves itself', () => {
  it('is left alone when it is as desired, and says what it is by its fingerprint', () => {
    const sessionsLetIn = [sessionFingerprintOf({ id: 7 }, ['c1'])]
    const sized = [1000, 600].map((totalBytes) => ({ ...served, totalBytes }))
    const { steps, waitingFor, report } = planned(facts(sized, { boots: { gluster1: 'b' } }), { sessionsLetIn })
    expect([...steps, ...waitingFor]).to.deep.equal([])
    expect(report).to.deep.equal({
      bufferId: 10,
      state: 'started',
      offline: [],
      directories,
      allow: fingerprintOf(aDirectVolume()),
      sessionsLetIn,
      brickBytes: [1000, 600],
      boots: { gluster1: 'b' },
    })
  })

  it('renews the certificates of its processes, and starts none of them anew', () => {
    const { steps, report } = planned(facts([served, served], { haveOldCertificates: true }))
    expect(steps).to.deep.equal(['renew the certificates of volume 3'])
    expect(report).to.include({ state: 'started' })
  })

  it('serves nothing with a certificate that nobody believes, says so once, and cuts clients off all the same', () => {
    const isNotValid = 'the certificate ran out'
    const offline = { ...served, answers: false }
    const seen = facts([mounted, offline], { isNotValid, isFenced: false, haveOldCertificates: true })
    const { steps, waitingFor, report } = planned(seen)
    expect(steps).to.deep.equal(['admit 2 addresses to the ports of volume 3'])
    expect(waitingFor).to.deep.equal([isNotValid])
    expect(report).to.include({ state: 'forming' })
  })

  it('waits for its bricks', () => {
    const { steps, waitingFor, report } = planned(facts([missing, missing], { directories: [], isFenced: true }))
    expect(steps).to.deep.equal([])
    expect(waitingFor).to.deep.equal(['brick nvme1n1 to be mounted', 'brick nvme2n1 to be mounted'])
    expect(report).to.include({ state: 'forming' }).and.not.have.property('allow')
  })

  it('opens no port before its clients are admitted, and serves nothing before the exports are made', () => {
    expect(planned(facts([mounted, missing], { directories: [], isFenced: false })).steps).to.deep.equal([
      'make the exports of volume 3',
      'admit 2 addresses to the ports of volume 3',
      'serve brick nvme1n1 of volume 3',
    ])
  })

  it('starts a process anew that was started with something else, and one that is missing', () => {
    const old = { ...served, process: { pid: 8, isCurrent: false } }
    const { steps, report } = planned(facts([old, mounted]))
    expect(steps).to.deep.equal([
      'stop process 8 of brick nvme1n1 of volume 3',
      'serve brick nvme1n1 of volume 3',
      'serve brick nvme2n1 of volume 3',
    ])
    expect(report).to.deep.include({ state: 'forming', offline: facts([old, mounted]).bricks.map(({ path }) => path) })
  })

  it('starts a process anew that hangs, and leaves it alone while its brick is not mounted', () => {
    const hung = { ...served, answers: false, hangs: true }
    const { steps, waitingFor, report } = planned(facts([served, hung]))
    expect(steps).to.deep.equal([
      'stop process 7 of brick nvme2n1 of volume 3, which hangs',
      'serve brick nvme2n1 of volume 3',
    ])
    expect(waitingFor).to.deep.equal([])
    expect(report).to.deep.include({ state: 'degraded', offline: ['/data/glusterfs/nvme2n1/brick'] })
    expect(planned(facts([served, { ...hung, isReady: false }])).steps).to.deep.equal([])
  })

  it('does not end a process that merely does not answer, and says that its brick is offline', () => {
    const { steps, waitingFor, report } = planned(facts([served, { ...served, answers: false }]))
    expect(steps).to.deep.equal([])
    expect(waitingFor).to.deep.equal(['brick nvme2n1 to answer'])
    expect(report).to.deep.include({ state: 'degraded', offline: ['/data/glusterfs/nvme2n1/brick'] })
  })

  it('does not start a process on a port that something else has, and tells the port', () => {
    const { steps, waitingFor, report } = planned(facts([served, { ...mounted, isPortTaken: true }]))
    expect(steps).to.deep.equal([])
    expect(waitingFor).to.deep.equal(['port 29001 to be free'])
    expect(report).to.deep.include({ state: 'degraded', takenPorts: [29_001] })
  })

  it('admits other clients without ending a process', () => {
    const { steps, report } = planned(facts([served, served], { isFenced: false }))
    expect(steps).to.deep.equal(['admit 2 addresses to the ports of volume 3'])
    expect(report).to.include({ state: 'degraded' }).and.not.have.property('allow')
  })

  it('ends what serves a brick that is not its own any more', () => {
    const { steps, report } = planned(facts([served, served], { others: [{ device: 'nvme3n1', pid: 9 }] }))
    expect(steps).to.deep.equal(['stop process 9 of brick nvme3n1 of volume 3'])
    expect(report.state).to.equal('degraded')
  })

  it('waits for what the host lacks', () => {
    const { steps, waitingFor, report } = planned(facts([], { unavailable: 'nftables' }))
    expect(steps).to.deep.equal([])
    expect(waitingFor).to.deep.equal(['nftables'])
    expect(report.state).to.equal('forming')
  })
})

describe('a volume that this host serves no more', () => {
  const absent: Partial<DirectVolume> = { wanted: 'absent', exports: [], clients: [] }

  it('loses its processes, those of bricks that it does not name too, and then its ports', () => {
    const others = [{ device: 'nvme3n1', pid: 9 }]
    const { steps, report } = planned(facts([served, mounted], { others, isLeft: true }), absent)
    expect(steps).to.deep.equal([
      'stop process 7 of brick nvme1n1 of volume 3',
      'stop process 9 of brick nvme3n1 of volume 3',
      'close the ports of volume 3',
    ])
    expect(report.state).to.equal('leaving')
  })

  it('is absent once no process and no rule is left', () => {
    expect(planned(facts([mounted, missing], { isLeft: true }), absent).steps).to.deep.equal([
      'close the ports of volume 3',
    ])
    const { steps, report } = planned(facts([mounted, missing]), absent)
    expect(steps).to.deep.equal([])
    expect(report).to.include({ state: 'absent', allow: fingerprintOf(aDirectVolume(absent)) })
  })
})
