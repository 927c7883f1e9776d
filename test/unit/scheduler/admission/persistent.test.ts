import { expect } from 'chai'
import { noDefaultPool, noPool } from '../../../../src/scheduler/cluster/messages.js'
import { notEnoughFree } from '../../../../src/scheduler/placement/messages.js'
import { nameInvalid } from '../../../../src/model/messages.js'
import { createPersistent, type PersistentRequest } from '../../../../src/scheduler/admission/persistent.js'
import {
  alice,
  aBuffer,
  aCluster,
  aCordon,
  aHost,
  aSession,
  bob,
  type ClusterParts,
  pool,
  terabyte,
} from '../../../support/builders.js'
import { aConfig, changesOf, deps, refusalOf } from '../../../support/decisions.js'
import * as messages from '../../../../src/scheduler/admission/messages.js'

const hosts = [aHost('gluster1'), aHost('gluster2')]
const asked: PersistentRequest = { name: 'mytest', ...alice, pool: undefined, bytes: 2 * terabyte, access: ['striped'] }
const create = (request: Partial<PersistentRequest> = {}, parts: ClusterParts = {}, config = aConfig()) =>
  createPersistent(aCluster({ hosts, ...parts }), { ...asked, ...request }, deps(config))
const standing = {
  buffers: [aBuffer({ bricks: ['gluster1/nvme1n1', 'gluster2/nvme1n1'] })],
  sessions: [aSession({ token: 'mytest', buffer: 'mytest' })],
}

const mytest = 'persistent buffer "mytest"'

describe('create_persistent', () => {
  it('places the buffer and makes its session in one change, with the ids counted up', () => {
    expect(changesOf(create())).to.deep.equal([
      'session mytest setup',
      'buffer mytest present on gluster1/nvme1n1, gluster2/nvme1n1',
      'last id 102',
    ])
  })

  it('rounds up to whole slots', () => {
    expect(changesOf(create({ bytes: 1 }))[1]).to.equal('buffer mytest present on gluster1/nvme1n1')
    expect(changesOf(create({ bytes: terabyte + 1 }))[1]).to.contain('gluster1/nvme1n1, gluster2/nvme1n1')
  })

  it('notes what its pool promises of the wipe, so that a later change of the pool does not weaken it', () => {
    const wipes = { discard: true, sanitize: 'no' as const }
    const able = ['gluster1', 'gluster2'].map((name) => aHost(name, { devices: [{ wipes }, { wipes }] }))
    const of = (wipe: string) => aConfig({ pools: { [pool]: { granularity: terabyte, wipe } } })
    expect(create({}, { hosts: able }, of('zero'))).to.have.nested.property('changes[1].document.wipe', 'zero')
    expect(create({}, { hosts: able }, of('discard'))).not.to.have.nested.property('changes[1].document.wipe')
    expect(refusalOf(create({}, { hosts: able }, of('sanitize')))).to.contain('on devices that are refused')
  })

  it('changes nothing when the same is asked again', () => {
    expect(create({}, standing)).to.deep.equal({
      changes: [],
      result: { state: 'admitted', sessionId: 20, buffer: 'mytest' },
    })
  })

  it('gives a name with a dot to no host that would not know it, and GlusterFS a volume without it', () => {
    const made = create({ name: 'test35.1' })
    expect(made).to.have.nested.property('changes[1].document.volume', 'test35-1')
    const old = aHost('gluster3')
    old.host.versions = {}
    expect(refusalOf(create({ name: 'test35.1' }, { hosts: [...hosts, old] }))).to.equal(
      messages.dotNotSupported('gluster3'),
    )
    expect(changesOf(create({ name: 'test35' }, { hosts: [...hosts, old] }))).to.have.lengthOf(3)
  })

  it('says of a name with a dot that it stands, also when an agent of the first release has come back', () => {
    const old = aHost('gluster3')
    old.host.versions = {}
    const name = 'test35.1'
    const parts = {
      hosts: [...hosts, old],
      buffers: [aBuffer({ name, bricks: ['gluster1/nvme1n1', 'gluster2/nvme1n1'] })],
      sessions: [aSession({ token: name, buffer: name })],
    }
    expect(create({ name }, parts)).to.have.nested.property('result.state', 'admitted')
  })

  it('refuses the name to another user', () => {
    expect(refusalOf(create({ ...bob }, standing))).to.equal(messages.takenByAnother(mytest))
  })

  describe('for a buffer that has lost its session', () => {
    const { buffers } = standing

    it('makes the session anew for its owner, and leaves the buffer as it is', () => {
      expect(changesOf(create({}, { buffers }))).to.deep.equal(['session mytest setup', 'last id 102'])
      const decision = create({}, { buffers })
      expect(decision).to.have.nested.property('changes[0].document.buffer', 'mytest')
      expect(decision).to.have.nested.property('result.buffer', 'mytest')
    })

    it('refuses it to another user, and another size to its owner', () => {
      expect(refusalOf(create({ ...bob }, { buffers }))).to.equal(messages.takenByAnother(mytest))
      expect(refusalOf(create({ bytes: terabyte }, { buffers }))).to.equal(
        messages.sizeDiffers(mytest, 2 * terabyte, terabyte),
      )
    })

    it('does not take a job’s buffer for a persistent one', () => {
      const name = buffers[0]!.name
      const ofJob = aBuffer({ name, kind: 'job', bricks: ['gluster1/nvme1n1', 'gluster2/nvme1n1'] })
      expect(refusalOf(create({}, { buffers: [ofJob] }))).to.equal(messages.differs(mytest))
    })
  })

  it('makes nothing go that belongs to another user, also when half of it is going', () => {
    const leaving = { buffers: standing.buffers, sessions: [{ ...standing.sessions[0]!, stage: 'leaving' as const }] }
    expect(refusalOf(create({ ...bob }, leaving))).to.equal(messages.takenByAnother(mytest))
    expect(changesOf(create({}, leaving))).to.have.length(1)
    const absent = { buffers: [{ ...standing.buffers[0]!, wanted: 'absent' as const }], sessions: standing.sessions }
    expect(refusalOf(create({ ...bob }, absent))).to.equal(messages.takenByAnother(mytest))
  })

  it('refuses another size and another access for a name that stands', () => {
    expect(refusalOf(create({ bytes: terabyte }, standing))).to.equal(
      messages.sizeDiffers(mytest, 2 * terabyte, terabyte),
    )
    expect(refusalOf(create({ access: ['private'] }, standing))).to.equal(messages.accessDiffers(mytest, ['striped']))
  })

  it('refuses a name that is none, an unknown pool, and no capacity', () => {
    expect(refusalOf(create({ name: '../etc' }))).to.equal(nameInvalid('../etc'))
    expect(refusalOf(create({ pool: 'fast' }))).to.equal(noPool('fast', [pool]))
    expect(refusalOf(create({ bytes: 0 }))).to.equal(messages.capacityMissing())
  })

  it('asks for a pool by name when none is the default', () => {
    const config = aConfig({ pools: { fast: { granularity: '1TB' }, slow: { granularity: '1TB' } } })
    expect(refusalOf(create({}, {}, config))).to.equal(noDefaultPool(['fast', 'slow']))
  })

  it('says what is free and what is cordoned when there is too little', () => {
    const refused = refusalOf(create({ bytes: 4 * terabyte }, { cordons: [aCordon('gluster1/nvme1n1')] }))
    expect(refused).to.equal(notEnoughFree(pool, '3 TB', '4 TB', ['1 TB is cordoned']))
  })

  it('refuses more slots than one document may hold', () => {
    expect(refusalOf(create({ bytes: 301 * terabyte }))).to.equal(
      messages.bufferTooLarge('dedicated_nvme', 300 * terabyte, 301 * terabyte),
    )
  })

  it('waits for an earlier one of that name that is leaving', () => {
    const leaving = { ...standing, buffers: [{ ...standing.buffers[0]!, builtAt: 1, wanted: 'absent' as const }] }
    expect(create({}, leaving)).to.have.nested.property('result.state', 'leaving')
    expect(changesOf(create({}, leaving))).to.deep.equal(['session mytest leaving'])
  })

  it('cleans up one that has failed before it is made anew', () => {
    const failed = { ...standing, buffers: [{ ...standing.buffers[0]!, failure: 'bad disk' }] }
    expect(changesOf(create({}, failed))).to.deep.equal([
      'session mytest leaving',
      'buffer mytest absent on gluster1/nvme1n1, gluster2/nvme1n1',
    ])
  })

  it('touches no name whose document cannot be read', () => {
    const refused = refusalOf(create({}, { invalid: { 'buffers/mytest': 'v: wrong' } }))
    expect(refused).to.equal(messages.unreadable('buffers/mytest'))
  })
})

describe('a name whose earlier buffer waits for a lost host', () => {
  const blocked = aBuffer({ id: 10, bricks: ['gluster3/nvme1n1'], wanted: 'absent' })
  const parts: ClusterParts = {
    buffers: [blocked],
    sessions: {
      mytest: aSession({ id: 20, token: 'mytest', buffer: 'mytest', stage: 'leaving' }),
      '7': aSession({ id: 21, token: '7', uses: ['mytest'], stage: 'ran' }),
    },
  }

  it('is given away, with everything of the old one archived', () => {
    expect(changesOf(create({ bytes: terabyte }, parts))).to.deep.equal([
      'buffer mytest~10 absent on gluster3/nvme1n1',
      'session 7 ran',
      'session mytest~20 leaving',
      'session mytest setup',
      'buffer mytest present on gluster1/nvme1n1',
      'last id 102',
    ])
  })

  it('gives the new one a volume name that the old one does not have', () => {
    const decision = create({ bytes: terabyte }, parts)
    const made = 'changes' in decision && decision.changes.find((c) => c.kind === 'buffer' && c.name === 'mytest')
    expect(made).to.have.nested.property('document.volume', 'mytest-102')
  })

  it('leaves no job of the old one with the new one', () => {
    const decision = create({ bytes: terabyte }, parts)
    const user = 'changes' in decision && decision.changes.find((c) => c.kind === 'session' && c.name === '7')
    expect(user).to.have.deep.nested.property('document.uses', ['mytest~10'])
  })

  it('gives none of its devices away', () => {
    const three = [...hosts, aHost('gluster3', { devices: 1, alive: false })]
    expect(create({ bytes: 5 * terabyte }, { ...parts, hosts: three }))
      .to.have.nested.property('result.reason')
      .that.contains(notEnoughFree(pool, '4 TB', '5 TB'))
  })
})
