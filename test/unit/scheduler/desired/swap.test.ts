import { glusterfsVolumeIn } from '../../../support/desired.js'
import { expect } from 'chai'
import type { Observed } from '../../../../src/model/documents/observed.js'
import { desiredOfBuffer, desiredOfSession, transitionOfSession } from '../../../../src/scheduler/desired/index.js'
import { mountProgress, unmountProgress } from '../../../../src/scheduler/progress.js'
import { hostToUnmount } from '../../../../src/model/messages.js'
import { cannotSwap, hostToSwap } from '../../../../src/scheduler/admission/messages.js'
import { describeRecord } from '../../../../src/model/desiredRecord.js'
import {
  aBuffer,
  aCluster,
  aHost,
  alice,
  aSession,
  brickReports,
  mountReport,
  swapReport,
  volumeReport,
} from '../../../support/builders.js'
import { aDesiredMount, aDesiredSwap } from '../../../support/desired.js'

const settings = { mountRoot: '/mnt/bb', adminClients: [], computeNetworks: [] }
const swapBytes = 4 * 1024 ** 3
const buffer = aBuffer({ name: '5', builtAt: 1, access: [], swapBytes })
const job = aSession({ token: '5', buffer: '5', computeHosts: ['c1'], stage: 'running' })
const allow = '/(gluster1),/swap/c1(c1)'
const directories = ['/swap', '/swap/c1']
const swapMount = (state: Observed['mount']['state']) => mountReport('c1', job, buffer, { view: 'swap', state })

interface Given {
  session?: typeof job
  buffers?: (typeof buffer)[]
  observed?: object
  told?: { mount?: 'present' | 'absent'; swap?: 'on' | 'absent' }
  isAlive?: boolean
}

function cluster({ session = job, buffers = [buffer], observed = {}, told = {}, isAlive = true }: Given) {
  const ids = { session: { id: job.id, token: '5' }, buffer: { id: buffer.id, name: '5' } }
  const mount = told.mount && aDesiredMount({ ...ids, view: 'swap', wanted: told.mount })
  const swap = told.swap && aDesiredSwap({ ...ids, wanted: told.swap })
  return aCluster({
    hosts: [aHost('gluster1'), aHost('c1', { devices: 0, roles: ['compute'], alive: isAlive })],
    buffers,
    sessions: [session],
    desired: { ...(mount ? { 'mount c1/20.10.swap': mount } : {}), ...(swap ? { 'swap c1/20.10': swap } : {}) },
    observed: { ...brickReports(buffer), ...volumeReport(buffer, { allow, directories }), ...observed },
  })
}

const records = (given: Given) => desiredOfSession(cluster(given), given.session ?? job, settings).map(describeRecord)
const ended = { ...job, stage: 'ran' as const }
const both = { mount: 'present', swap: 'on' } as const

describe('swap on a buffer', () => {
  it('lies where its node alone gets in, in directories of root’s', () => {
    const found = desiredOfBuffer(cluster({}), buffer, settings)
    const volume = glusterfsVolumeIn(found)
    expect(volume.options['auth.allow']).to.equal(allow)
    expect(volume.directories).to.deep.equal(directories.map((path) => ({ path, uid: 0, gid: 0, mode: 0o700 })))
  })

  it('leaves the user the same buffer as ever beside it', () => {
    const striped = aBuffer({ name: '5', builtAt: 1, swapBytes })
    const found = desiredOfBuffer(cluster({ buffers: [striped] }), striped, settings)
    const volume = glusterfsVolumeIn(found)
    expect(volume.directories![0]).to.deep.equal({ path: '/striped', ...alice, mode: 0o700 })
  })

  it('is told on when the place of its file is mounted, not before', () => {
    expect(records({})).to.deep.equal(['c1: mount 20.10.swap present'])
    const mounted = ['c1: mount 20.10.swap present', 'c1: swap 20.10 on']
    expect(records({ observed: swapMount('mounted') })).to.deep.equal(mounted)
    expect(records({ observed: swapMount('forming'), told: both })).to.deep.equal(mounted)
  })

  it('goes before its mount, which stays until it was seen gone', () => {
    const on = { ...swapMount('mounted'), ...swapReport('c1', job, buffer) }
    const off = ['c1: mount 20.10.swap present', 'c1: swap 20.10 absent']
    expect(records({ session: ended, observed: on, told: both })).to.deep.equal(off)
    expect(records({ session: ended, observed: swapMount('mounted'), told: both })).to.deep.equal(off)
    const gone = { ...swapMount('mounted'), ...swapReport('c1', job, buffer, { state: 'absent' }) }
    expect(records({ session: ended, observed: gone, told: both })).to.include('c1: mount 20.10.swap absent')
  })

  it('goes in that order also with --hurry, and of a buffer that is gone', () => {
    const leaving = { ...job, stage: 'leaving' as const }
    const given = { session: leaving, buffers: [], observed: swapReport('c1', job, buffer), told: both }
    expect(records(given)).to.deep.equal(['c1: mount 20.10.swap present', 'c1: swap 20.10 absent'])
  })

  it('is told to a host that is away together with the unmount, which is not taken back when it returns', () => {
    const on = { ...swapMount('mounted'), ...swapReport('c1', job, buffer) }
    const away = records({ session: ended, observed: on, told: both, isAlive: false })
    expect(away).to.deep.equal(['c1: mount 20.10.swap absent', 'c1: swap 20.10 absent'])
    const told = { mount: 'absent', swap: 'absent' } as const
    expect(records({ session: ended, observed: on, told })).to.deep.equal(away)
  })

  it('keeps its session until the host has reported it gone', () => {
    const leaving = { ...job, stage: 'leaving' as const }
    const follow = (observed: object) =>
      transitionOfSession(cluster({ session: leaving, buffers: [], observed, told: { swap: 'absent' } }), leaving, 1)
    expect(follow(swapReport('c1', job, buffer))).to.equal(undefined)
    expect(follow(swapReport('c1', job, buffer, { state: 'absent' }))?.changes).to.have.length(1)
  })
})

describe('a job with swap', () => {
  const start = (observed: object) => mountProgress(cluster({ observed }), '5', job.id)

  it('starts when it is on on every node', () => {
    expect(start(swapMount('mounted'))).to.deep.equal({ state: 'waiting', waitingFor: [hostToSwap('c1', '5')] })
    expect(start({ ...swapMount('mounted'), ...swapReport('c1', job, buffer) })).to.deep.equal({ state: 'done' })
  })

  it('fails with the reason of a node that cannot', () => {
    const problem = { message: 'the kernel of this node refuses swap', terminal: true }
    const refused = swapReport('c1', job, buffer, { state: 'forming', problem })
    expect(start({ ...swapMount('mounted'), ...refused })).to.deep.equal({
      state: 'failed',
      reason: cannotSwap('c1', '5', 'the kernel of this node refuses swap'),
    })
  })

  it('says while it ends that swap cannot be turned off', () => {
    const problem = { message: 'swap on /dev/loop7 is still on', terminal: false }
    const observed = { ...swapMount('mounted'), ...swapReport('c1', job, buffer, { state: 'leaving', problem }) }
    expect(unmountProgress(cluster({ session: ended, observed, told: both }), '5', job.id)).to.deep.equal({
      state: 'waiting',
      waitingFor: [`${hostToUnmount('c1', '5')}: swap on /dev/loop7 is still on`],
    })
  })
})
