import { expect } from 'chai'
import * as messages from '../../../../src/scheduler/desired/messages.js'
import { copiesTooLarge, sourceTooLarge } from '../../../../src/scheduler/placement/messages.js'
import { hostsToUnmount, jobsHolding } from '../../../../src/model/buffers.js'
import type { SessionDocument, SessionTransfer } from '../../../../src/model/documents/session.js'
import type { DesiredTransfer } from '../../../../src/model/documents/transfer.js'
import { brickOffline, hostToUnmount, lostHost } from '../../../../src/model/messages.js'
import { currentTransfer } from '../../../../src/model/transfers.js'
import { transitionOfSession } from '../../../../src/scheduler/desired/session.js'
import { desiredTransfers } from '../../../../src/scheduler/desired/transfers.js'
import { transitionOfTransfers } from '../../../../src/scheduler/desired/transferTransitions.js'
import { waitsOf } from '../../../../src/scheduler/desired/transferWaits.js'
import { describeRecord } from '../../../../src/model/desiredRecord.js'
import { desiredOfBuffer } from '../../../../src/scheduler/desired/buffer.js'
import {
  aBuffer,
  aCluster,
  aHost,
  aSession,
  aTransfer,
  brickReports,
  mountReport,
  terabyte,
  transferReport,
  volumeReport,
} from '../../../support/builders.js'
import { aConfig } from '../../../support/decisions.js'
import { aDesiredTransfer } from '../../../support/desired.js'

const own = aBuffer({ id: 10, name: '5', builtAt: 5, bricks: ['gluster1/nvme1n1', 'gluster2/nvme1n1'] })
const counts = { files: 0, bytes: 0, totalFiles: 2, totalBytes: 30, failed: 0 }
const job = (parts: Partial<SessionDocument> = {}, line: Partial<SessionTransfer> = {}) =>
  aSession({ buffer: '5', stage: 'staging-in', transfers: [aTransfer(line)], ...parts })

/** What hosts were told, as `host part`, and have reported since. */
interface Situation {
  session?: SessionDocument
  told?: [host: string, part: DesiredTransfer['part'], parts?: Partial<DesiredTransfer>][]
  reports?: object[]
  lost?: string[]
}

function situation({ session = job(), told = [], reports = [], lost = [] }: Situation) {
  const desired = Object.fromEntries(
    told.map(([host, part, parts = {}]) => {
      const index = host === 'gluster1' ? 0 : 1
      const document = aDesiredTransfer({
        session: { id: 20, token: '5' },
        buffer: { id: 10, name: '5' },
        part,
        share: { index, of: 2 },
        ...parts,
      })
      return [`transfer ${host}/20.${document.transfer}`, document]
    }),
  )
  const cluster = aCluster({
    hosts: [...['gluster1', 'gluster2'], 'c1'].map((name) =>
      aHost(name, { alive: !lost.includes(name), roles: [name === 'c1' ? 'compute' : 'storage'] }),
    ),
    buffers: [own],
    sessions: [session],
    desired,
    observed: Object.assign({}, brickReports(own), volumeReport(own), ...reports) as never,
  })
  return { cluster, session }
}

const records = (given: Situation) => {
  const { cluster, session } = situation(given)
  return desiredTransfers(cluster, session).map(describeRecord)
}
const ended = (given: Situation) => {
  const { cluster, session } = situation(given)
  const followUp = transitionOfTransfers(cluster, session, 2000)
  const [change] = followUp?.changes ?? []
  return change?.kind === 'session' ? change.document?.transfers?.map((line) => line.ended) : undefined
}
const waits = (given: Situation) => {
  const { cluster, session } = situation(given)
  return waitsOf(cluster, session, session.transfers![0]!)
}

const planned = transferReport('gluster1', { id: 20 }, { part: 'plan', state: 'done', counts })
const copied = (host: string, parts = {}) => transferReport(host, { id: 20 }, { part: 'copy', state: 'done', ...parts })
const copying: Situation['told'] = [
  ['gluster1', 'copy'],
  ['gluster2', 'copy'],
]
const finishing: Situation['told'] = [
  ['gluster1', 'finish'],
  ['gluster2', 'copy'],
]

describe('what storage hosts do of a transfer', () => {
  for (const stage of ['setup', 'staged-in', 'running', 'ran', 'staged-out', 'leaving'] as const) {
    it(`is nothing of a stage-in at ${stage}`, () => expect(records({ session: job({ stage }) })).to.deep.equal([]))
  }

  it('is the plan first, on the first of the buffer’s hosts', () => {
    expect(records({})).to.deep.equal(['gluster1: transfer 20.1 plan done'])
  })

  it('waits until every brick is online, and says for which', () => {
    const offline = volumeReport(own, { state: 'degraded', offline: ['gluster2:/data/glusterfs/nvme1n1/brick'] })
    expect(records({ reports: [offline] })).to.deep.equal([])
    expect(waits({ reports: [offline] })).to.deep.equal([brickOffline('gluster2:/data/glusterfs/nvme1n1/brick')])
    expect(records({ lost: ['gluster2'] })).to.deep.equal([])
    expect(waits({ lost: ['gluster2'] })[0]).to.equal(lostHost('gluster2'))
  })

  it('stays a plan until that is done', () => {
    const working = transferReport('gluster1', { id: 20 })
    expect(records({ told: [['gluster1', 'plan']], reports: [working] })).to.deep.equal([
      'gluster1: transfer 20.1 plan done',
    ])
  })

  it('is a share for every host once it is planned', () => {
    expect(records({ told: [['gluster1', 'plan']], reports: [planned] })).to.deep.equal([
      'gluster1: transfer 20.1 copy done',
      'gluster2: transfer 20.1 copy done',
    ])
    const { cluster, session } = situation({ told: [['gluster1', 'plan']], reports: [planned] })
    const shares = desiredTransfers(cluster, session).map(({ document }) => (document as DesiredTransfer).share)
    expect(shares).to.deep.equal([
      { index: 0, of: 2 },
      { index: 1, of: 2 },
    ])
  })

  it('goes on where a scheduler was that told one host alone', () => {
    const given = { told: [['gluster2', 'copy']] as Situation['told'] }
    expect(records(given)).to.deep.equal(['gluster1: transfer 20.1 copy done', 'gluster2: transfer 20.1 copy done'])
  })

  it('stays with a host that is lost, which may be copying still', () => {
    const given = { told: copying, reports: [copied('gluster1')], lost: ['gluster2'] }
    expect(records(given)).to.deep.equal(['gluster1: transfer 20.1 copy done', 'gluster2: transfer 20.1 copy done'])
    expect(waits(given)).to.deep.equal([lostHost('gluster2')])
  })

  it('is finished when every share is copied, also with files that could not be', () => {
    const failed = copied('gluster2', { counts: { ...counts, failed: 1 } })
    expect(records({ told: copying, reports: [copied('gluster1'), failed] })).to.deep.equal([
      'gluster1: transfer 20.1 finish done',
      'gluster2: transfer 20.1 copy done',
    ])
  })

  it('does not count what was reported of an earlier attempt or part', () => {
    const session = job({}, { attempt: 2 })
    const told: Situation['told'] = [['gluster1', 'plan', { attempt: 2 }]]
    expect(records({ session, told, reports: [planned] })).to.deep.equal(['gluster1: transfer 20.1 plan done'])
    const reports = [copied('gluster1'), transferReport('gluster2', { id: 20 }, { part: 'plan', state: 'done' })]
    expect(records({ told: copying, reports })).to.deep.equal([
      'gluster1: transfer 20.1 copy done',
      'gluster2: transfer 20.1 copy done',
    ])
  })

  it('is nothing more when it has ended, the first host last', () => {
    const session = job({}, { ended: { at: 1, state: 'done' } })
    const told = finishing
    expect(records({ session, told })).to.deep.equal([
      'gluster1: transfer 20.1 finish done',
      'gluster2: transfer 20.1 copy absent',
    ])
    const gone = transferReport('gluster2', { id: 20 }, { part: 'copy', state: 'absent' })
    expect(records({ session, told, reports: [gone] })).to.deep.equal([
      'gluster1: transfer 20.1 finish absent',
      'gluster2: transfer 20.1 copy absent',
    ])
    expect(records({ session, told, lost: ['gluster2'] })[0]).to.equal('gluster1: transfer 20.1 finish absent')
  })

  describe('the key of an attempt', () => {
    const keysOf = (
      parts: Situation,
      change: (cluster: ReturnType<typeof situation>['cluster']) => void = () => {},
    ) => {
      const { cluster, session } = situation(parts)
      change(cluster)
      return desiredTransfers(cluster, session).map(({ document }) => (document as DesiredTransfer).noteKey)
    }

    it('is made with its first document, and is what every host is told from then on', () => {
      const [first] = keysOf({})
      expect(first).to.match(/^[A-Za-z0-9_-]{43}$/)
      expect(keysOf({})).not.to.deep.equal([first])
      const reports = [transferReport('gluster1', { id: 20 }, { part: 'plan', state: 'done', counts })]
      expect(keysOf({ told: [['gluster1', 'plan', { noteKey: first }]], reports })).to.deep.equal([first, first])
    })

    it('is not given while a host of the buffer is of a release that knows none, nor to an attempt that began without', () => {
      const old = (cluster: ReturnType<typeof situation>['cluster']) => {
        const host = cluster.hosts.get('gluster2')!
        ;(cluster.hosts as Map<string, typeof host>).set('gluster2', { ...host, versions: {} })
      }
      expect(keysOf({}, old)).to.deep.equal([undefined])
      expect(keysOf({ told: [['gluster1', 'plan']] })).to.deep.equal([undefined])
    })

    it('comes with ranges when every host knows them, and an attempt keeps what it began with', () => {
      const rangesOf = (parts: Parameters<typeof situation>[0], levels: string) => {
        const { cluster, session } = situation(parts)
        const host = cluster.hosts.get('gluster2')!
        ;(cluster.hosts as Map<string, typeof host>).set('gluster2', { ...host, versions: { documents: levels } })
        return desiredTransfers(cluster, session).map(({ document }) => (document as DesiredTransfer).ranges)
      }
      expect(rangesOf({}, '1-3')).to.deep.equal([true])
      expect(rangesOf({}, '1-2')).to.deep.equal([undefined])
      expect(rangesOf({ told: [['gluster1', 'plan']] }, '1-3')).to.deep.equal([undefined])
      expect(rangesOf({ told: [['gluster1', 'plan', { ranges: true }]] }, '1-2')).to.deep.equal([true])
    })
  })

  it('leaves nothing behind that a scheduler of the release before cannot read: what has to go has no key', () => {
    const { cluster, session } = situation({
      session: job({}, { ended: { at: 9, state: 'done' } }),
      told: [['gluster1', 'finish', { noteKey: 'k'.repeat(43), ranges: true }]],
    })
    const [want] = desiredTransfers(cluster, session)
    expect(want!.document).to.include({ wanted: 'absent' }).and.to.not.have.any.keys('noteKey', 'ranges')
  })

  it('begins anew when every host is rid of the attempt before', () => {
    const session = job({}, { attempt: 2 })
    expect(records({ session, told: copying })).to.deep.equal([
      'gluster1: transfer 20.1 copy done',
      'gluster2: transfer 20.1 copy absent',
    ])
    const told: Situation['told'] = [
      ['gluster1', 'copy', { wanted: 'absent' }],
      ['gluster2', 'copy', { wanted: 'absent' }],
    ]
    const one = transferReport('gluster1', { id: 20 }, { part: 'copy', state: 'absent' })
    expect(waits({ session, told, reports: [one] })).to.deep.equal([messages.earlierAttempt('gluster2')])
    const both = [one, transferReport('gluster2', { id: 20 }, { part: 'copy', state: 'absent' })]
    expect(records({ session, told, reports: both })).to.include('gluster1: transfer 20.1 plan done')
  })

  it('comes one line after the other, and after a stage-in that failed none', () => {
    const lines = (first: Partial<SessionTransfer>) =>
      job({ transfers: [aTransfer(first), aTransfer({ number: 2, inside: 'b' })] })
    expect(records({ session: lines({}) })).to.deep.equal(['gluster1: transfer 20.1 plan done'])
    const done = { at: 1, state: 'done' } as const
    expect(records({ session: lines({ ended: done }) })).to.deep.equal(['gluster1: transfer 20.2 plan done'])
    expect(records({ session: lines({ ended: { at: 1, state: 'failed' } }) })).to.deep.equal([])
  })

  it('is every stage-out, although one has failed', () => {
    const failed = aTransfer({ direction: 'out', ended: { at: 1, state: 'failed' } })
    const session = job({ stage: 'staging-out', transfers: [failed, aTransfer({ direction: 'out', number: 2 })] })
    expect(records({ session })).to.deep.equal(['gluster1: transfer 20.2 plan done'])
  })

  it('waits with a stage-out until the job’s nodes have written all, and let go', () => {
    const session = job({ stage: 'staging-out', computeHosts: ['c1'] }, { direction: 'out' })
    const mounted = mountReport('c1', session, own, { state: 'leaving' })
    expect(records({ session, reports: [mounted] })).to.deep.equal([])
    expect(waits({ session, reports: [mounted] })).to.deep.equal([hostToUnmount('c1', '5')])
    const gone = mountReport('c1', session, own, { state: 'absent' })
    expect(records({ session, reports: [gone] })).to.deep.equal(['gluster1: transfer 20.1 plan done'])
  })

  it('is told with the namespace of the striped mode', () => {
    const both = { ...own, access: ['striped' as const, 'private' as const] }
    const { cluster, session } = situation({ reports: [volumeReport(own, { directories: ['/striped'] })] })
    const [want] = desiredTransfers({ ...cluster, buffers: new Map([['5', both]]) }, session)
    expect(want!.document).to.include({ directory: '/striped' })
    expect(desiredTransfers(cluster, session)[0]!.document).to.include({ directory: '/', bricks: 2 })
  })
})

describe('what storage hosts do for the nodes’ own namespaces', () => {
  const both = { ...own, access: ['striped' as const, 'private' as const] }
  const made = (...directories: string[]) => [volumeReport(own, { directories })]
  const line = (parts: Partial<SessionTransfer>) => aTransfer({ variable: 'DW_JOB_PRIVATE', ...parts })
  const fill = (parts: Partial<SessionTransfer> = {}) =>
    line({ direction: 'fill', type: 'directory', inside: '', number: 2, ...parts })
  const staging = (stage: SessionDocument['stage'], transfers: SessionTransfer[]) =>
    job({ stage, computeHosts: stage === 'staging-in' ? [] : ['c1', 'c2'], transfers })
  const asked = (given: Situation) => {
    const { cluster, session } = situation(given)
    const known = { ...cluster, buffers: new Map([['5', both]]) }
    return { records: desiredTransfers(known, session), waits: waitsOf(known, session, currentTransfer(session)!) }
  }

  it('is to stage in to the template, when that is made', () => {
    const session = staging('staging-in', [line({}), fill()])
    expect(asked({ session, reports: made('/private') })).to.deep.equal({
      records: [],
      waits: [messages.missingDirectories('5', ['/template'])],
    })
    const { records } = asked({ session, reports: made('/private', '/template') })
    expect(records.map(describeRecord)).to.deep.equal(['gluster1: transfer 20.1 plan done'])
    expect(records[0]!.document)
      .to.include({ direction: 'in', directory: '/template' })
      .and.not.to.have.property('nodes')
  })

  it('is to copy that to every node at pre_run, when the directory of each is made', () => {
    const session = staging('running', [line({ ended: { at: 1, state: 'done' } }), fill()])
    expect(asked({ session, reports: made('/template', '/private', '/private/c1') }).waits).to.deep.equal([
      messages.missingDirectories('5', ['/private/c2']),
    ])
    const { records } = asked({ session, reports: made('/template', '/private', '/private/c1', '/private/c2') })
    expect(records.map(describeRecord)).to.deep.equal(['gluster1: transfer 20.2 plan done'])
    expect(records[0]!.document).to.deep.include({
      direction: 'fill',
      directory: '/private',
      nodes: ['c1', 'c2'],
      template: '/template',
    })
  })

  it('is to stage out of all of them as one line', () => {
    const session = staging('staging-out', [line({ direction: 'out' })])
    const { records } = asked({ session })
    expect(records[0]!.document).to.deep.include({ direction: 'out', directory: '/private', nodes: ['c1', 'c2'] })
    expect(records[0]!.document).not.to.have.property('template')
  })

  it('is nothing more when a fill has failed, or its job does not run any more', () => {
    const failed = fill({ ended: { at: 1, state: 'failed' } })
    const done = line({ ended: { at: 1, state: 'done' } })
    expect(records({ session: staging('running', [done, failed]) })).to.deep.equal([])
    const told: Situation['told'] = [['gluster1', 'plan', { transfer: 2 }]]
    expect(records({ session: staging('ran', [done, fill()]), told })).to.deep.equal([
      'gluster1: transfer 20.2 plan absent',
    ])
  })

  it('fails when the source does not fit in twice', () => {
    const large = { ...counts, totalBytes: terabyte + 1 }
    const reports = [transferReport('gluster1', { id: 20 }, { part: 'plan', state: 'done', counts: large })]
    const session = staging('staging-in', [line({}), fill()])
    expect(ended({ session, told: [['gluster1', 'plan']], reports })![0]!.reason).to.equal(
      copiesTooLarge(terabyte, { bytes: 2 * terabyte, nodes: 1, bufferBytes: 2 * terabyte }),
    )
  })
})

describe('the end of a transfer', () => {
  const finished = (parts = {}) =>
    transferReport('gluster1', { id: 20 }, { part: 'finish', state: 'done', counts, ...parts })

  it('has not come while a host works', () => {
    expect(ended({ told: copying, reports: [copied('gluster1'), copied('gluster2')] })).to.equal(undefined)
    expect(ended({ told: finishing, reports: [copied('gluster1'), copied('gluster2')] })).to.equal(undefined)
  })

  it('is noted with what was copied', () => {
    expect(ended({ told: finishing, reports: [finished()] })).to.deep.equal([{ at: 2000, state: 'done', counts }])
  })

  it('is a failure when a file could not be copied, and names some', () => {
    const reports = [finished({ counts: { ...counts, failed: 1 }, failures: ['a: Permission denied'] })]
    expect(ended({ told: finishing, reports })![0]).to.deep.include({
      state: 'failed',
      reason: messages.notAllCopied(1, 2, 'a: Permission denied'),
      failures: ['a: Permission denied'],
    })
  })

  it('is a failure when a host has given it up, with the host’s word', () => {
    const problem = { message: 'alice is not known here', terminal: true }
    const reports = [transferReport('gluster2', { id: 20 }, { part: 'copy', problem })]
    expect(ended({ told: copying, reports })![0]).to.deep.include({
      state: 'failed',
      reason: messages.hostFailed('gluster2', 'alice is not known here'),
    })
    expect(
      ended({
        told: copying,
        reports: [transferReport('gluster2', { id: 20 }, { part: 'copy', problem, attempt: 3 })],
      }),
    ).to.equal(undefined)
  })

  it('is a failure before anything is copied when the source is larger than the buffer', () => {
    const large = { ...counts, totalBytes: 2 * terabyte + 1 }
    const given: Situation = {
      told: [['gluster1', 'plan']],
      reports: [transferReport('gluster1', { id: 20 }, { part: 'plan', state: 'done', counts: large })],
    }
    expect(ended(given)![0]!.reason).to.equal(sourceTooLarge(2 * terabyte, '5', 2 * terabyte))
    expect(records(given)).to.deep.equal(['gluster1: transfer 20.1 plan done'])
  })
})

describe('a buffer that a session copies from', () => {
  const leaving = { ...own, wanted: 'absent' as const }
  const volumeOf = (cluster: ReturnType<typeof aCluster>) =>
    desiredOfBuffer({ ...cluster, buffers: new Map([['5', leaving]]) }, leaving, aConfig())
      .map(describeRecord)
      .find((text) => text.includes('volume'))

  it('keeps its volume until no host that is alive copies', () => {
    const given: Situation = { session: job({ stage: 'leaving' }), told: copying }
    const { cluster } = situation(given)
    expect(hostsToUnmount(cluster, own)).to.deep.equal(['gluster1', 'gluster2'])
    expect(volumeOf(cluster)).to.equal('gluster1: volume 5 started')
    const gone = ['gluster1', 'gluster2'].map((host) =>
      transferReport(host, { id: 20 }, { part: 'copy', state: 'absent' }),
    )
    expect(volumeOf(situation({ ...given, reports: gone }).cluster)).to.equal('gluster1: volume 5 absent')
    expect(volumeOf(situation({ ...given, reports: gone.slice(0, 1), lost: ['gluster2'] }).cluster)).to.equal(
      'gluster1: volume 5 absent',
    )
  })

  it('is held by a job whose stage-out has not succeeded', () => {
    const held = (session: SessionDocument) => jobsHolding(situation({ session }).cluster, own).length > 0
    const out = (ended?: SessionTransfer['ended']) => aTransfer({ direction: 'out', ...(ended ? { ended } : {}) })
    for (const stage of ['ran', 'staging-out'] as const) {
      expect(held(job({ stage, transfers: [out()] })), stage).to.equal(true)
      expect(held(job({ stage, transfers: [out({ at: 1, state: 'failed' })] })), stage).to.equal(true)
      expect(held(job({ stage, transfers: [out({ at: 1, state: 'done' })] })), stage).to.equal(false)
      expect(held(job({ stage, transfers: [out({ at: 1, state: 'dropped' })] })), stage).to.equal(false)
      expect(held(job({ stage, transfers: [] })), stage).to.equal(false)
    }
    expect(held(job({ stage: 'leaving', transfers: [out()] }))).to.equal(false)
  })

  it('is followed by its session only when every host is rid of the copies', () => {
    const session = job({ stage: 'leaving' })
    const follow = (reports: object[]) => {
      const { cluster } = situation({ session, told: [['gluster1', 'plan']], reports })
      return transitionOfSession({ ...cluster, buffers: new Map() }, session, 2000)
    }
    expect(follow([])).to.equal(undefined)
    expect(follow([transferReport('gluster1', { id: 20 }, { state: 'absent' })])?.changes).to.have.length(1)
  })
})
