import { expect } from 'chai'
import * as messages from '../../../../src/scheduler/operators/messages.js'
import { alice, aHost, terabyte } from '../../../support/builders.js'
import { SocketRig } from '../../../support/socketRig.js'

describe('backup and restore over the socket', () => {
  const [before_, after_] = [new SocketRig(), new SocketRig()]
  const hosts = () => [aHost('gluster1'), aHost('gluster2')]
  before(async () => {
    await before_.start(hosts())
    await after_.start(hosts())
  })
  after(async () => {
    await before_.stop()
    await after_.stop()
  })

  it('bring a buffer into another, empty etcd, and say how much', async () => {
    const body = { name: 'mytest', bytes: 2 * terabyte, uid: alice.uid, access: 'striped' }
    await before_.json('POST', '/v1/buffers', body)
    const { text } = await before_.call('GET', '/v1/backup')
    expect(await after_.json('POST', '/v1/restore', text)).to.deep.equal({ buffers: 1, sessions: 1, cordons: 0 })
    expect((await after_.json('GET', '/v1/buffers/mytest'))['brickList']).to.have.length(2)
  })

  it('refuse what is no backup, and an etcd that is not empty', async () => {
    expect(await after_.call('POST', '/v1/restore', '{"v":1}')).to.include({ status: 400 })
    const empty = { burstbuffer: 'backup', v: 1, madeAt: 1, lastId: 0, buffers: {}, sessions: {}, cordons: [] }
    expect(await after_.json('POST', '/v1/restore', empty)).to.deep.equal({
      error: messages.restoreNotEmpty('the buffer mytest'),
      refused: true,
    })
  })
})
