import { expect } from 'chai'
import { keys } from '../../../../src/store/keys.js'
import { transactionOf } from '../../../../src/scheduler/commit/transaction.js'
import { aBuffer, aSession, aUuid } from '../../../support/builders.js'
import { Rig } from '../../../support/schedulerRig.js'

const buffer = aBuffer()

async function rigWith(documents: Record<string, object | string>): Promise<Rig> {
  const rig = await Rig.start({ leads: false })
  for (const [put, value] of Object.entries(documents)) rig.etcd.write([], [{ put, value }])
  await rig.quiet()
  return rig
}

describe('changes as one transaction', () => {
  it('stand under the leader’s fence and against every document as the cache has it', async () => {
    const { cache } = await rigWith({ [keys.session('5')]: aSession() })
    const { compares } = transactionOf(cache, 9, [
      { kind: 'session', name: '5', document: aSession({ stage: 'ran' }) },
      { kind: 'buffer', name: 'mytest', document: buffer },
      { kind: 'lastId', lastId: 3 },
    ])
    expect(compares).to.deep.equal([
      { key: 'leader', createRevision: 9 },
      { key: 'sessions/5', modRevision: cache.revisionOf('sessions/5') },
      { key: 'buffers/mytest', modRevision: 0 },
      { key: 'placement', modRevision: 0 },
    ])
  })

  it('make a spare the brick of the buffer that is given it, if it is a spare still', async () => {
    const [brick] = buffer.bricks
    const key = keys.desired(brick!.host, 'brick', brick!.device)
    const { identity, sizeBytes, uuid, device } = brick!
    const owned = {
      buffer: { id: 3, name: 'spare' },
      directory: 'brick',
      uid: 0,
      gid: 0,
      mode: 0o700,
      wanted: 'present',
    }
    const spare = {
      ...{ v: 1, fence: 1, kind: 'brick', device, identity, sizeBytes, uuid, spare: buffer.pool },
      ...owned,
    }
    const { cache } = await rigWith({ [key]: spare })
    const given = (document: typeof buffer) => transactionOf(cache, 9, [{ kind: 'buffer', name: 'mytest', document }])
    const { compares, writes } = given(buffer)
    expect(compares).to.deep.include({ key, modRevision: cache.revisionOf(key) })
    const { uid, gid, id } = buffer
    const rest: Partial<typeof spare> = { ...spare, uid, gid, fence: 9, buffer: { id, name: 'mytest' } }
    delete rest.spare
    expect(writes).to.deep.include({ put: key, value: rest })
    const another = { ...buffer, bricks: [{ ...brick!, uuid: aUuid(1) }] }
    expect(given(another).compares.map((compare) => compare.key)).not.to.include(key)
  })

  it('take a buffer’s mountpoint and events away with its document', async () => {
    const event = { v: 1, at: 1, text: 'x' }
    const { cache } = await rigWith({
      [keys.buffer('mytest')]: buffer,
      [keys.mountpoint('mytest')]: 'mount …',
      [keys.event('mytest', 1)]: event,
    })
    const { writes } = transactionOf(cache, 9, [{ kind: 'buffer', name: 'mytest', document: undefined }])
    expect(writes).to.deep.equal([
      { delete: 'buffers/mytest' },
      { delete: 'buffers/mytest/mountpoint' },
      { deletePrefix: 'events/mytest/' },
    ])
  })

  it('do so too when the name goes to another buffer, and not when the same buffer is written', async () => {
    const { cache } = await rigWith({ [keys.buffer('mytest')]: buffer, [keys.mountpoint('mytest')]: 'mount …' })
    const writes = (id: number) =>
      transactionOf(cache, 9, [{ kind: 'buffer', name: 'mytest', document: { ...buffer, id } }]).writes
    expect(writes(11)).to.deep.include({ delete: 'buffers/mytest/mountpoint' })
    expect(writes(10)).to.have.length(1)
  })

  it('delete nothing that is not there', async () => {
    const { cache } = await rigWith({})
    expect(transactionOf(cache, 9, [{ kind: 'session', name: '5', document: undefined }]).writes).to.deep.equal([])
  })
})
