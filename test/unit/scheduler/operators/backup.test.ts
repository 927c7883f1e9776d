import { expect } from 'chai'
import * as messages from '../../../../src/scheduler/operators/messages.js'
import { createPersistent } from '../../../../src/scheduler/admission/index.js'
import { type Backup, backupFile, backupOf, restoreStep } from '../../../../src/scheduler/operators/backup.js'
import {
  alice,
  aBuffer,
  aCluster,
  aCordon,
  aHost,
  aSession,
  aTransfer,
  aUuid,
  terabyte,
} from '../../../support/builders.js'
import { changesOf, deps, refusalOf } from '../../../support/decisions.js'
import { Rig } from '../../../support/schedulerRig.js'

const cluster = aCluster({
  buffers: [aBuffer({ builtAt: 5 })],
  sessions: [aSession({ id: 21, token: 'mytest', buffer: 'mytest' }), aSession({ uses: ['mytest'] })],
  cordons: [aCordon('gluster1'), aCordon('gluster1/nvme2n1', { kind: 'quarantine' })],
  lastId: 40,
})

function backup(of = cluster): Backup {
  const made = backupOf(of, 9)
  if ('refused' in made) throw new Error(made.refused)
  return backupFile.parse(JSON.parse(JSON.stringify(made)))
}

describe('a backup', () => {
  it('is what people asked for, through a file and back into an empty etcd', () => {
    expect(changesOf(restoreStep(aCluster({ lastId: 0 }), backup(), 3000))).to.deep.equal([
      'last id 40',
      'buffer mytest present on gluster1/nvme1n1',
      'session mytest setup',
      'session 5 setup',
      'operator cordon on gluster1',
      'quarantine cordon on gluster1/nvme2n1',
    ])
  })

  it('opens no buffer: it holds no secret, and a buffer that comes back from it has another', () => {
    const buffer = aBuffer({ dataPlane: 'direct', secret: 's'.repeat(43), certifiedAt: 5 })
    const made = backup(aCluster({ buffers: [buffer] }))
    expect(JSON.stringify(made)).not.to.contain(buffer.secret)
    const step = restoreStep(aCluster({ lastId: 0 }), made, 3000)
    if ('refused' in step) throw new Error(step.refused)
    const restored = step.changes.flatMap((change) => (change.kind === 'buffer' ? [change.document] : []))
    // Its certificates would have run out in the file.
    expect(restored[0]!.certifiedAt).to.equal(3000)
    expect(restored[0]!.secret)
      .to.match(/^[\w-]{43}$/)
      .and.not.to.equal(buffer.secret)
  })

  it('is not made while a document cannot be read', () => {
    expect(backupOf(aCluster({ invalid: { 'buffers/x': 'v' } }), 9))
      .to.have.property('refused')
      .that.contains('buffers/x')
  })
})

describe('a restore', () => {
  it('never goes over what is there', () => {
    const refused = (parts: Parameters<typeof aCluster>[0]) => refusalOf(restoreStep(aCluster(parts), backup(), 3000))
    expect(refused({ buffers: [aBuffer({ id: 99 })] })).to.equal(messages.restoreNotEmpty('the buffer mytest'))
    expect(refused({ buffers: [aBuffer({ name: 'other' })] })).to.equal(messages.restoreNotEmpty('the buffer other'))
    expect(refused({ sessions: [aSession({ token: '9' })] })).to.equal(messages.restoreNotEmpty('the session 9'))
    expect(refused({ cordons: [aCordon('gluster2')] })).to.equal(messages.restoreNotEmpty('a cordon on gluster2'))
    expect(refused({ invalid: { 'sessions/x': 'v' } })).to.equal(messages.restoreUnreadable('sessions/x'))
  })

  it('goes on when it broke off, and changes nothing when all is there', () => {
    const half = aCluster({ buffers: [aBuffer({ builtAt: 5 })], lastId: 40 })
    expect(changesOf(restoreStep(half, backup(), 3000)).slice(0, 2)).to.deep.equal([
      'session mytest setup',
      'session 5 setup',
    ])
    expect(changesOf(restoreStep(cluster, backup(), 3000))).to.deep.equal([])
  })

  it('goes on over a quarantine that the scheduler made meanwhile, for an operator’s cordon as well', () => {
    const meanwhile = aCluster({
      cordons: [
        aCordon('gluster7/nvme1n1', { kind: 'quarantine' }),
        aCordon('gluster1/nvme2n1', { kind: 'quarantine', why: 'it refuses anew' }),
        aCordon('gluster1/nvme1n1', { kind: 'quarantine' }),
      ],
      lastId: 40,
    })
    const file = { ...backup(), cordons: [...backup().cordons, aCordon('gluster1/nvme1n1')] }
    expect(changesOf(restoreStep(meanwhile, file, 3000)).slice(3)).to.deep.equal([
      'operator cordon on gluster1',
      'operator cordon on gluster1/nvme1n1',
    ])
  })

  it('gives out no id again that the file knows', () => {
    expect(changesOf(restoreStep(aCluster({ lastId: 0 }), { ...backup(), lastId: 3 }, 3000))[0]).to.equal('last id 21')
  })

  it('comes in steps that etcd takes, each buffer with the session that made it', () => {
    const names = Array.from({ length: 70 }, (_, n) => `b${n}`)
    const many = aCluster({
      buffers: names.map((name, n) => aBuffer({ name, id: n + 1, bricks: [`gluster1/nvme${n}n1`] })),
      sessions: names.map((token, n) => aSession({ token, id: n + 101, buffer: token })),
    })
    const first = restoreStep(aCluster({ lastId: 0 }), backup(many), 3000)
    // Five operations for a buffer with its session, of a hundred.
    expect(changesOf(first)).to.have.length(1 + 2 * 19)
    expect(first).to.have.nested.property('result.left', 70 - 19)
    const restored = changesOf(first).map((text) => text.split(' ').slice(0, 2).join(' '))
    expect(restored.slice(1, 5)).to.deep.equal(['buffer b0', 'session b0', 'buffer b1', 'session b1'])
  })

  it('comes in steps that are no larger than etcd takes, however long the stage directives are', () => {
    const transfers = Array.from({ length: 60 }, (_, n) =>
      aTransfer({ number: n + 1, outside: `/${'x'.repeat(4000)}` }),
    )
    const sessions = Array.from({ length: 20 }, (_, n) => aSession({ token: String(n + 1), id: n + 1, transfers }))
    const first = restoreStep(aCluster({ lastId: 0 }), backup(aCluster({ sessions })), 3000)
    expect(JSON.stringify(first).length).to.be.lessThan(1_200_000)
    expect(first).to.have.nested.property('result.left').that.is.greaterThan(10)
  })

  it('of persistent buffers comes before the jobs that use them', () => {
    const both = aCluster({
      buffers: [aBuffer({ name: '5', id: 1, kind: 'job' }), aBuffer({ name: 'mytest', id: 2, bricks: ['g/n2'] })],
      sessions: [
        aSession({ token: '5', id: 3, buffer: '5', uses: ['mytest'] }),
        aSession({ token: 'mytest', id: 4, buffer: 'mytest' }),
      ],
    })
    const order = changesOf(restoreStep(aCluster({ lastId: 0 }), backup(both), 3000)).map((text) => text.split(' ')[1])
    expect(order).to.deep.equal(['id', 'mytest', 'mytest', '5', '5'])
  })

  it('tells the hosts what they were told before', async () => {
    const hosts = () => [aHost('gluster1'), aHost('gluster2')]
    const before = await Rig.start({ hosts: hosts() })
    before.agents.obey()
    const request = { name: 'mytest', ...alice, pool: undefined, bytes: 2 * terabyte, access: ['striped' as const] }
    await before.run(before.committer.commit((now) => createPersistent(now, request, deps())))
    await before.until('it to be built', () => before.cache.buffers.get('mytest')?.builtAt !== undefined)
    await before.quiet()
    const file = backup(before.cache)

    const after = await Rig.start({ hosts: hosts() })
    await after.run(after.committer.commit((now) => restoreStep(now, file, 3000)))
    await after.quiet()
    expect(after.told()).to.deep.equal(before.told())
    expect(after.read('desired/gluster1/brick/nvme1n1')).to.deep.include({
      uuid: file.buffers['mytest']!.bricks[0]!.uuid,
      wanted: 'present',
    })
    expect(after.cache.buffers.get('mytest')).to.deep.equal(before.cache.buffers.get('mytest'))
  })
})

describe('with an etcd that lost everything', () => {
  const stamped = { state: 'stamped' as const, stamp: { uuid: aUuid(7), label: 'bb-mytest' } }

  it('the disks of buffers that nobody knows are given to nobody and wiped by nobody', async () => {
    const rig = await Rig.start({ hosts: [aHost('gluster1', { devices: [stamped, {}] })] })
    rig.agents.obey()
    const request = { name: 'new', ...alice, pool: undefined, bytes: terabyte, access: ['striped' as const] }
    await rig.run(rig.committer.commit((now) => createPersistent(now, request, deps())))
    await rig.quiet()
    expect(rig.told().filter((text) => text.includes('nvme1n1'))).to.deep.equal([])
    const more = rig.committer.commit((now) => createPersistent(now, { ...request, name: 'more' }, deps()))
    expect(await rig.run(more))
      .to.have.nested.property('result.reason')
      .that.contains('1 TB is on devices that are not blank')
  })
})
