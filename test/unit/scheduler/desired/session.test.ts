import { atOnce } from '../../../../src/daemon/slices.js'
import { expect } from 'chai'
import { hostDisconnected } from '../../../../src/scheduler/desired/messages.js'
import type { SessionDocument, SessionStage } from '../../../../src/model/documents/session.js'
import { hostsToUnmount } from '../../../../src/model/buffers.js'
import { allowedClients } from '../../../../src/scheduler/dataplane/glusterd/authAllow.js'
import { mayStart, unmountProgress } from '../../../../src/scheduler/progress.js'
import { startJob } from '../../../../src/scheduler/admission/jobStages.js'
import { hostsView } from '../../../../src/scheduler/operators/hostViews.js'
import { desiredOfSession, transitionOfSession } from '../../../../src/scheduler/desired/session.js'
import { describeRecord } from '../../../../src/model/desiredRecord.js'
import {
  aBuffer,
  aCluster,
  aHost,
  aSession,
  type ClusterParts,
  mountReport,
  volumeReport,
} from '../../../support/builders.js'
import { aConfig, describeChange } from '../../../support/decisions.js'
import * as messages from '../../../../src/scheduler/admission/messages.js'

const config = aConfig({ mountRoot: '/mnt/bb' })
const own = aBuffer({ id: 10, name: '5', builtAt: 5 })
const shared = aBuffer({ id: 11, builtAt: 5, bricks: ['gluster2/nvme1n1'] })
const job = aSession({ buffer: '5', uses: ['mytest'], computeHosts: ['c1', 'c2'], stage: 'running' })
/** The bricks let in the storage host and the job's nodes. */
const letIn = {
  ...volumeReport(own, { allow: 'c1,c2,gluster1' }),
  ...volumeReport(shared, { allow: 'c1,c2,gluster2' }),
}
const parts = (session: SessionDocument, more: ClusterParts = {}): ClusterParts => ({
  buffers: [own, shared],
  sessions: [session],
  observed: letIn,
  ...more,
})
const sharing: SessionDocument = { ...job, sharedPaths: true }
const records = (session: SessionDocument, more: ClusterParts = {}) =>
  desiredOfSession(aCluster(parts(session, more)), session, config).map(describeRecord)
const told = (wanted: 'present' | 'absent', id = 10, host = 'c1') => ({
  [`mount ${host}/20.${id}`]: {
    kind: 'mount',
    session: { id: 20, token: '5' },
    buffer: { id, name: '5' },
    path: '/mnt/bb/5.20/striped',
    wanted,
  } as never,
})

describe('what compute hosts should hold of a session', () => {
  for (const stage of ['setup', 'staging-in', 'staged-in'] as SessionStage[]) {
    it(`is nothing at ${stage}`, () => expect(records({ ...job, stage })).to.deep.equal([]))
  }

  it('is every buffer on every host while the job runs', () => {
    expect(records(job)).to.deep.equal([
      'c1: mount 20.10 present',
      'c2: mount 20.10 present',
      'c1: mount 20.11 present',
      'c2: mount 20.11 present',
    ])
  })

  it('is no buffer whose bricks do not let its hosts in yet', () => {
    const observed = { ...letIn, ...volumeReport(own, { allow: 'gluster1' }) }
    expect(records(job, { observed })).to.deep.equal(['c1: mount 20.11 present', 'c2: mount 20.11 present'])
  })

  const pathsOf = (session: SessionDocument) => [
    ...new Set(
      desiredOfSession(aCluster(parts(session)), session, config).map(({ document }) =>
        'path' in document ? document.path : '',
      ),
    ),
  ]

  it('is each buffer at a place of its own below the mount root', () => {
    expect(pathsOf(sharing)).to.deep.equal(['/mnt/bb/5.20/striped', '/mnt/bb/persistent/mytest'])
  })

  it('is a persistent buffer at a place of the session where it was set up so', () => {
    expect(pathsOf(job)).to.deep.equal(['/mnt/bb/5.20/striped', '/mnt/bb/5.20/persistent/mytest'])
  })

  it('is a persistent buffer at the same place for every session', () => {
    const other = aSession({ ...sharing, id: 21, token: '6', buffer: undefined, computeHosts: ['c1'] })
    const cluster = aCluster({ ...parts(sharing), sessions: [sharing, other] })
    const paths = [sharing, other].flatMap((session) =>
      desiredOfSession(cluster, session, config)
        .filter(({ id }) => id.endsWith('.11'))
        .map(({ document }) => ('path' in document ? document.path : '')),
    )
    expect(new Set(paths)).to.deep.equal(new Set(['/mnt/bb/persistent/mytest']))
  })

  it('stays where it was told to be, whatever the paths are now', () => {
    const before = desiredOfSession(aCluster(parts(job)), job, aConfig({ mountRoot: '/mnt/before' }))
    const desired = Object.fromEntries(
      before.map(({ host, kind, id, document }) => [`${kind} ${host}/${id}`, { ...document, fence: 1 } as never]),
    )
    for (const stage of ['running', 'ran', 'leaving'] as SessionStage[]) {
      const after = desiredOfSession(aCluster(parts({ ...job, stage }, { desired })), { ...job, stage }, config)
      expect(after.length).to.equal(4)
      for (const { document } of after)
        expect(document)
          .to.have.property('path')
          .that.matches(/^\/mnt\/before\//)
    }
  })

  it('is no mount after the job, on hosts that have not let go of theirs', () => {
    const observed = { ...mountReport('c1', job, own), ...mountReport('c2', job, own, { state: 'absent' }) }
    expect(records({ ...job, stage: 'ran' }, { observed })).to.deep.equal(['c1: mount 20.10 absent'])
  })

  it('stays told to hosts that were told, also of a buffer that is gone', () => {
    const session = { ...job, stage: 'leaving' as const }
    expect(records(session, { buffers: [], desired: told('present') })).to.deep.equal(['c1: mount 20.10 absent'])
  })
})

describe('a session that leaves', () => {
  const leaving = { ...job, stage: 'leaving' as const }
  const follow = (session: SessionDocument, more: ClusterParts) =>
    transitionOfSession(aCluster(parts(session, more)), session, 2000)?.changes.map(describeChange) ?? []

  it('is gone when its own buffer is and every host has let go', () => {
    const observed = mountReport('c1', job, own, { state: 'absent' })
    expect(follow(leaving, { buffers: [shared], desired: told('absent'), observed })).to.deep.equal(['no session 5'])
    expect(follow(leaving, { buffers: [shared] })).to.deep.equal(['no session 5'])
  })

  it('stays while its buffer is there or a host has not been seen to let go', () => {
    expect(follow(leaving, {})).to.deep.equal([])
    expect(follow(leaving, { buffers: [], desired: told('absent') })).to.deep.equal([])
    const observed = mountReport('c1', job, own, { state: 'leaving' })
    expect(follow(leaving, { buffers: [], desired: told('absent'), observed })).to.deep.equal([])
  })

  it('is never gone before it leaves', () => {
    expect(follow({ ...job, stage: 'staged-out' }, { buffers: [] })).to.deep.equal([])
  })

  it('is gone from the name that it was archived to', () => {
    expect(follow(leaving, { buffers: [], sessions: { '5~20': leaving } })).to.deep.equal(['no session 5~20'])
  })
})

describe('a host that cannot unmount', () => {
  const ran = { ...job, stage: 'ran' as const }
  const cut = { ...ran, cutOff: [{ host: 'c1', buffer: own.id }] }
  const problem = { message: '/mnt/bb/5.20/striped cannot be unmounted: target is busy', terminal: true }
  const clusterOf = (session: SessionDocument, report: object) =>
    aCluster(
      parts(session, {
        hosts: [aHost('gluster1'), aHost('c1', { devices: 0, roles: ['compute'] })],
        desired: told('absent'),
        observed: { ...letIn, ...mountReport('c1', job, own, { state: 'leaving', ...report }) },
      }),
    )
  const allowed = (session: SessionDocument, report: object) => allowedClients(clusterOf(session, report), own, config)

  it('is waited for and let in while it still tries', () => {
    for (const report of [{}, { problem: { ...problem, terminal: false } }]) {
      expect(hostsToUnmount(clusterOf(ran, report), own)).to.deep.equal(['c1'])
      expect(allowed(ran, report)).to.equal('c1,gluster1')
      expect(transitionOfSession(clusterOf(ran, report), ran, 2000)).to.equal(undefined)
    }
  })

  it('is written down when its time is over, once', () => {
    const { changes, events } = transitionOfSession(clusterOf(ran, { problem }), ran, 2000)!
    expect(changes.map((change) => 'document' in change && change.document)).to.deep.equal([cut])
    expect(events.join()).to.contain(hostDisconnected('c1', own.name, '5', problem.message))
    expect(transitionOfSession(clusterOf(cut, { problem }), cut, 2000)).to.equal(undefined)
  })

  it('stays cut off, and holds neither the volume nor Slurm, whatever its agent says after a restart', () => {
    for (const report of [{ problem }, {}]) {
      const cluster = clusterOf(cut, report)
      expect(hostsToUnmount(cluster, own)).to.deep.equal([])
      expect(allowed(cut, report)).to.equal('gluster1')
      expect(unmountProgress(cluster, '5', 20)).to.deep.equal({ state: 'done' })
      const [c1] = atOnce(hostsView(cluster)).filter(({ host }) => host === 'c1')
      expect(c1!.problems.join()).to.contain(messages.cutOff(own.name, '5', ''))
    }
  })

  it('is not given the buffer again before it has unmounted it', () => {
    const next = aSession({ token: '6', id: 21, buffer: undefined, stage: 'staged-in', uses: [own.name] })
    const request = { token: '6', computeHosts: ['c1'], clients: config }
    const with6 = (report: object) => {
      const cluster = clusterOf(cut, report)
      const built = { ...own, builtAt: 1 }
      return { ...cluster, buffers: new Map([[own.name, built]]), sessions: new Map(cluster.sessions).set('6', next) }
    }
    const refused = startJob(with6({ problem }), request)
    expect('refused' in refused && refused.refused).to.equal(
      messages.nodeCutOff('c1', own.name, '5', '/mnt/bb/5.20/striped'),
    )
    expect(startJob(with6({ state: 'absent' }), request)).to.not.have.property('refused')
  })

  it('keeps its session until it has let go, and the name of its job is free', () => {
    const leaving: SessionDocument = { ...cut, stage: 'leaving', buffer: undefined, uses: [] }
    const cluster = { ...clusterOf(leaving, { problem }), buffers: new Map() }
    expect(transitionOfSession(cluster, leaving, 2000)).to.equal(undefined)
    expect(mayStart(cluster, '5')).to.equal(true)
  })
})
