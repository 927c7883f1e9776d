import { expect } from 'chai'
import fc from 'fast-check'
import type { ClusterIndex } from '../../../src/model/cluster.js'
import { brickOn, hostToUnmount, volumeOn } from '../../../src/model/messages.js'
import * as messages from '../../../src/scheduler/admission/messages.js'
import { takenDevices } from '../../../src/scheduler/cluster/devices.js'
import {
  adoptProgress,
  settled,
  isHidden,
  mayHaveMounted,
  mayHaveUnmounted,
  mayStart,
  mountProgress,
  setupProgress,
  teardownProgress,
  unmountProgress,
} from '../../../src/scheduler/progress.js'
import {
  aBuffer,
  aCluster,
  aHost,
  aSession,
  aTransfer,
  brickReport,
  type ClusterParts,
  mountReport,
  swapReport,
  volumeReport,
} from '../../support/builders.js'
import { countMounts } from '../../support/mountCounts.js'

const hosts = [aHost('gluster1'), aHost('c1', { roles: ['compute'] })]
const buffer = aBuffer({ name: '5' })
const built = { ...buffer, builtAt: 5 }
const job = aSession({ buffer: '5', computeHosts: ['c1'] })
const running = { ...job, stage: 'running' as const }
const leaving = { ...job, stage: 'leaving' as const }
const of = (parts: ClusterParts) => aCluster({ hosts, buffers: [built], sessions: [job], ...parts })
const brick = brickOn({ host: 'gluster1', device: 'nvme1n1' })
const volume = volumeOn('5', 'gluster1')
const problem = (terminal: boolean) => ({ state: 'forming' as const, problem: { message: 'no route', terminal } })

describe('setup has come to its end', () => {
  it('when its buffers are built', () => {
    expect(setupProgress(of({}), '5', 20)).to.deep.equal({ state: 'done' })
    expect(setupProgress(of({ buffers: [buffer] }), '5', 20)).to.deep.equal({
      state: 'waiting',
      waitingFor: [brick],
    })
  })

  it('with a failure when one cannot be built', () => {
    const failed = setupProgress(of({ buffers: [{ ...buffer, failure: 'bad disk' }] }), '5', 20)
    expect(failed).to.deep.equal({ state: 'failed', reason: 'bad disk' })
  })

  it('with a failure when it was torn down meanwhile, also when the token was set up anew', () => {
    expect(setupProgress(of({ sessions: [leaving] }), '5', 20)).to.include({ state: 'failed' })
    expect(setupProgress(of({ sessions: [{ ...job, id: 30 }] }), '5', 20)).to.include({ state: 'failed' })
    expect(setupProgress(of({ sessions: [] }), '5', 20)).to.include({ state: 'failed' })
  })
})

describe('pre_run has come to its end', () => {
  it('when every host has every buffer mounted', () => {
    expect(mountProgress(of({ sessions: [running] }), '5', 20)).to.deep.equal({
      state: 'waiting',
      waitingFor: [`${messages.hostToMount('c1', '5', 'striped')}: ${messages.accessToVolume('5', 'c1', '')}`],
    })
    expect(mountProgress(of({ sessions: [running], observed: mountReport('c1', job, built) }), '5', 20)).to.deep.equal({
      state: 'done',
    })
  })

  it('when what was staged in for each node was copied to all of them, or with the failure of that', () => {
    const fill = aTransfer({ direction: 'fill', type: 'directory', inside: '', variable: 'DW_JOB_PRIVATE' })
    const own = { ...built, access: ['private' as const] }
    const filling = (ended?: { at: number; state: 'done' | 'failed'; reason?: string }) =>
      mountProgress(
        of({
          buffers: [own],
          sessions: [{ ...running, transfers: [{ ...fill, ...(ended ? { ended } : {}) }] }],
          observed: brickReport(own.bricks[0]!),
        }),
        '5',
        20,
      )
    expect(filling()).to.deep.equal({ state: 'waiting', waitingFor: [`stage-in to the nodes: ${volume}`] })
    expect(filling({ at: 1, state: 'failed', reason: 'a: it did not arrive' })).to.deep.equal({
      state: 'failed',
      reason: messages.transferFailed('stage-in to the nodes', 'a: it did not arrive'),
    })
    expect(filling({ at: 1, state: 'done' })).to.deep.equal({
      state: 'waiting',
      waitingFor: [`${messages.hostToMount('c1', '5', 'private')}: ${messages.accessToVolume('5', 'c1', '')}`],
    })
  })

  it('with a failure when a host will not mount it, but not for a problem that may pass', () => {
    const report = (terminal: boolean) =>
      of({ sessions: [running], observed: mountReport('c1', job, built, problem(terminal)) })
    expect(mountProgress(report(true), '5', 20)).to.deep.equal({
      state: 'failed',
      reason: messages.cannotMount('c1', '5', 'striped', 'no route'),
    })
    expect(mountProgress(report(false), '5', 20)).to.deep.equal({
      state: 'waiting',
      waitingFor: [`${messages.hostToMount('c1', '5', 'striped')}: no route`],
    })
  })

  it('not while the agent is away for a moment', () => {
    expect(mountProgress(of({ hosts: [], sessions: [running] }), '5', 20)).to.deep.equal({
      state: 'waiting',
      waitingFor: [messages.agentToAnswer('c1')],
    })
  })

  it('with a failure when the job was torn down meanwhile', () => {
    expect(mountProgress(of({ sessions: [leaving] }), '5', 20)).to.include({ state: 'failed' })
  })
})

describe('post_run has come to its end', () => {
  const mounted = { sessions: [{ ...job, stage: 'ran' as const }], observed: mountReport('c1', job, built) }

  it('when no host that lives has it mounted', () => {
    expect(unmountProgress(of(mounted), '5', 20)).to.deep.equal({
      state: 'waiting',
      waitingFor: [hostToUnmount('c1', '5')],
    })
    expect(unmountProgress(of({ ...mounted, hosts: [] }), '5', 20)).to.deep.equal({ state: 'done' })
    expect(unmountProgress(of({ ...mounted, sessions: [] }), '5', 20)).to.deep.equal({ state: 'done' })
  })
})

describe('teardown has come to its end', () => {
  const absent = { ...built, wanted: 'absent' as const }

  it('when session and buffer are gone, or another has the token', () => {
    expect(teardownProgress(of({ buffers: [], sessions: [] }), '5', 20)).to.deep.equal({ state: 'done' })
    expect(teardownProgress(of({ sessions: [{ ...job, id: 30 }] }), '5', 20)).to.deep.equal({ state: 'done' })
  })

  it('not while a host that lives has work to do, which it names', () => {
    const progress = teardownProgress(of({ buffers: [absent], sessions: [leaving] }), '5', 20)
    expect(progress).to.deep.equal({
      state: 'waiting',
      waitingFor: [volume, brick],
    })
  })

  it('when only lost hosts are left, so that Slurm does not wait for them', () => {
    const blocked = of({ hosts: [], buffers: [absent], sessions: [leaving] })
    expect(teardownProgress(blocked, '5', 20)).to.deep.equal({ state: 'done' })
    expect(isHidden(blocked, leaving)).to.equal(true)
    expect(mayStart(blocked, '5')).to.equal(true)
  })

  it('when only wipes that take long are left: Slurm waits for none, and the name may be used again', () => {
    const report = { state: 'leaving' as const, wiping: { doneBytes: 1, totalBytes: 2 } }
    const observed = { ...brickReport(built.bricks[0]!, report), ...volumeReport(built, { state: 'absent' }) }
    const wiping = of({ buffers: [absent], sessions: [leaving], observed })
    expect(teardownProgress(wiping, '5', 20)).to.deep.equal({ state: 'done' })
    expect(isHidden(wiping, leaving)).to.equal(true)
    expect(mayStart(wiping, '5')).to.equal(true)
    expect(takenDevices(wiping).has('gluster1/nvme1n1')).to.equal(true)
  })

  it('not for a session whose host is alive and has not let go', () => {
    const parts = { buffers: [], sessions: [leaving], observed: mountReport('c1', job, built) }
    expect(settled(teardownProgress(of(parts), '5', 20))).to.equal(undefined)
    expect(mayStart(of(parts), '5')).to.equal(false)
  })
})

describe('an adoption has come to its end', () => {
  const adopted = (parts: ClusterParts) => adoptProgress(aCluster(parts), 'gluster1', 'nvme1n1')
  const foreign = [aHost('gluster1', { devices: [{ state: 'foreign', reason: 'ext4' }] })]
  const report = (extra: object) => ({
    'adopt gluster1/nvme1n1': { v: 1, state: 'forming', waitingFor: [], ...extra } as never,
  })

  it('when the device is blank', () => {
    expect(adopted({ hosts: [aHost('gluster1')] })).to.deep.equal({ state: 'done' })
    expect(adopted({ hosts: foreign, observed: report({ state: 'done' }) })).to.deep.equal({ state: 'done' })
    expect(adopted({ hosts: foreign })).to.include({ state: 'waiting' })
  })

  it('with a failure when its agent will not wipe it', () => {
    const refused = report({ problem: { message: 'it holds something else by now', terminal: true } })
    expect(adopted({ hosts: foreign, observed: refused })).to.deep.equal({
      state: 'failed',
      reason: 'it holds something else by now',
    })
  })

  it('is not taken for a brick’s report', () => {
    expect(adopted({ hosts: foreign, observed: brickReport(built.bricks[0]!) })).to.include({ state: 'waiting' })
  })
})

describe('the counts of a session', () => {
  const nodes = ['c1', 'c2', 'c3']
  const swapped = aBuffer({ name: '5', builtAt: 5, swapBytes: 1 })
  const shared = aBuffer({ id: 11, name: 'mytest', builtAt: 5 })
  const mounts = nodes.flatMap((node) =>
    ([undefined, 'swap'] as const)
      .map((view) => (report: object) => mountReport(node, job, swapped, { ...report, ...(view && { view }) }))
      .concat((report) => mountReport(node, job, shared, report)),
  )
  const swaps = nodes.map((node) => (report: object) => swapReport(node, job, swapped, report))
  const terminal = { problem: { message: 'no', since: 1, attempts: 1, terminal: true } }
  const aMount = fc.constantFrom('mounted', 'mounted', 'mounted', 'absent', 'forming', 'failed', undefined)
  const aSwap = fc.constantFrom('on', 'on', 'on', 'forming', 'failed', undefined)
  const reported = (all: ((report: object) => object)[], states: (string | undefined)[]) =>
    Object.assign(
      {},
      ...all.map((report, index) => {
        const state = states[index]
        return state === undefined ? {} : report(state === 'failed' ? { state: 'forming', ...terminal } : { state })
      }),
    ) as ClusterParts['observed']

  const counted = (stage: 'running' | 'ran', alive: string[], observed: ClusterParts['observed']) => {
    const session = { ...job, stage, computeHosts: nodes, uses: ['mytest'] }
    const hosts = alive.map((node) => aHost(node, { roles: ['compute'] }))
    const cluster = of({ hosts, buffers: [swapped, shared], sessions: [session], observed })
    const index = { mountsOf: (id: number) => countMounts(cluster, id) } as unknown as ClusterIndex
    return { cluster, withIndex: { ...cluster, index: { ...index, sessionsUsing: () => [session] } as ClusterIndex } }
  }

  it('never hold back what has come to its end, and ask no node while one is missing', () => {
    fc.assert(
      fc.property(
        fc.subarray(nodes),
        fc.array(aMount, { minLength: 9, maxLength: 9 }),
        fc.array(aSwap, { minLength: 3, maxLength: 3 }),
        (alive, mounted, swapping) => {
          const observed = { ...reported(mounts, mounted), ...reported(swaps, swapping) } as ClusterParts['observed']
          const begun = counted('running', alive, observed)
          if (settled(mountProgress(begun.cluster, '5', 20)))
            expect(mayHaveMounted(begun.withIndex, '5')).to.equal(true)
          const ended = counted('ran', alive, observed)
          if (settled(unmountProgress(ended.cluster, '5', 20)))
            expect(mayHaveUnmounted(ended.withIndex, '5')).to.equal(true)
        },
      ),
    )
    const oneMissing = reported(
      mounts.slice(1),
      mounts.map(() => 'mounted'),
    )
    expect(mayHaveMounted(counted('running', nodes, oneMissing).withIndex, '5')).to.equal(false)
    expect(mayHaveUnmounted(counted('ran', ['c3'], oneMissing).withIndex, '5')).to.equal(false)
    expect(mayHaveUnmounted(counted('ran', [], oneMissing).withIndex, '5')).to.equal(true)
  })
})
