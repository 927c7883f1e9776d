import { expect } from 'chai'
import * as messages from '../../../../src/scheduler/operators/messages.js'
import { request } from 'node:http'
import type {
  BufferDetail,
  BufferView,
  DeviceView,
  ErrorView,
  HostView,
  StatusView,
} from '../../../../src/model/api.js'
import { keys } from '../../../../src/store/keys.js'
import { deviceInUse } from '../../../../src/scheduler/admission/messages.js'
import { nameInvalid } from '../../../../src/model/messages.js'
import { noPool } from '../../../../src/scheduler/cluster/messages.js'
import { notEnoughFree } from '../../../../src/scheduler/placement/messages.js'
import { unknownAccessMode } from '../../../../src/scheduler/slurm/script/messages.js'
import { noUser } from '../../../../src/scheduler/users/messages.js'
import { alice, aHost, pool, terabyte } from '../../../support/builders.js'
import { SocketRig } from '../../../support/socketRig.js'

describe('the operators’ calls', () => {
  const rig = new SocketRig()
  const ext4 = [{}, { state: 'foreign' as const, reason: 'an ext4 file system' }]
  before(() =>
    rig.start([aHost('gluster1', { devices: ext4 }), aHost('gluster2'), aHost('gluster3', { alive: false })]),
  )
  after(() => rig.stop())
  const body = { name: 'mytest', bytes: 2 * terabyte, uid: alice.uid, access: 'striped' }

  it('create a buffer, which is then shown with its bricks and its timeline', async () => {
    expect(await rig.json('POST', '/v1/buffers', body)).to.include({ state: 'admitted', buffer: 'mytest' })
    const committer = rig.cache
    while (committer.buffers.get('mytest')?.builtAt === undefined) await new Promise((resolve) => setImmediate(resolve))
    const detail = await rig.json<BufferDetail>('GET', '/v1/buffers/mytest')
    expect(detail).to.include({ name: 'mytest', phase: 'ready', sizeBytes: 2 * terabyte, requestedBytes: 2 * terabyte })
    expect(detail.brickList.map(({ host, device, state }) => [host, device, state])).to.deep.equal([
      ['gluster1', 'nvme1n1', 'ready'],
      ['gluster2', 'nvme1n1', 'ready'],
    ])
    expect(detail.timeline[0]!.text).to.equal('placed on gluster1/nvme1n1, gluster2/nvme1n1')
  })

  it('show the cluster, its hosts, devices and buffers', async () => {
    const status = await rig.json<StatusView>('GET', '/v1/status')
    expect(status.hosts).to.deep.equal({ alive: 2, lost: ['gluster3'], cordoned: [] })
    expect(status.problems).to.include('device gluster1/nvme2n1 is foreign: an ext4 file system')
    expect(status.problems).to.include(messages.hostIsLost('gluster3'))
    const hosts = await rig.json<HostView[]>('GET', '/v1/hosts')
    expect(hosts.map(({ host, state, bricks }) => [host, state, bricks])).to.deep.equal([
      ['gluster1', 'alive', 1],
      ['gluster2', 'alive', 1],
      ['gluster3', 'lost', 0],
    ])
    const devices = await rig.json<DeviceView[]>('GET', '/v1/devices')
    expect(
      devices.map(({ host, device, availability, buffer }) => [`${host}/${device}`, availability, buffer]),
    ).to.deep.equal([
      ['gluster1/nvme1n1', 'taken', 'mytest'],
      ['gluster1/nvme2n1', 'foreign', null],
      ['gluster2/nvme1n1', 'taken', 'mytest'],
      ['gluster2/nvme2n1', 'free', null],
      ['gluster3/nvme1n1', 'lost', null],
      ['gluster3/nvme2n1', 'lost', null],
    ])
    expect((await rig.json<BufferView[]>('GET', '/v1/buffers')).map(({ name }) => name)).to.deep.equal(['mytest'])
  })

  it('name what may have been meant', async () => {
    const answer = await rig.call('GET', '/v1/buffers/mytst')
    expect(answer.status).to.equal(404)
    expect(JSON.parse(answer.text)).to.deep.equal({
      error: messages.noBuffer('mytst'),
      refused: true,
      suggestions: ['mytest'],
    } satisfies ErrorView)
  })

  it('cordon and open a host and a device', async () => {
    const cordon = (path: string) => rig.json('PUT', path, { who: 'root', why: 'firmware' })
    expect(await cordon('/v1/cordons/gluster2')).to.deep.equal({ already: false })
    expect(await cordon('/v1/cordons/gluster2')).to.deep.equal({ already: true })
    expect((await rig.json<StatusView>('GET', '/v1/status')).hosts.cordoned).to.deep.equal(['gluster2'])
    expect(await rig.json('DELETE', '/v1/cordons/gluster2')).to.deep.equal({ already: false })
    expect(await cordon('/v1/cordons/gluster2/nvme2n1')).to.deep.equal({ already: false })
    expect(await rig.json('DELETE', '/v1/cordons/gluster2/nvme2n1')).to.deep.equal({ already: false })
    expect(await cordon('/v1/cordons/nowhere')).to.include({ refused: true })
  })

  it('adopt a foreign device, and refuse one that belongs to a buffer', async () => {
    expect(await rig.json('POST', '/v1/adopt/gluster1/nvme1n1', { who: 'root' })).to.deep.equal({
      error: deviceInUse('gluster1/nvme1n1'),
      refused: true,
    })
    expect(await rig.json('POST', '/v1/adopt/gluster1/nvme2n1', { who: 'root' })).to.deep.equal({})
  })

  const bad: [string, object | string, number, string][] = [
    ['no JSON', '{', 400, 'the request is not valid'],
    ['a field that nobody knows', { ...body, extra: 1 }, 400, 'the request is not valid'],
    ['no size', { ...body, bytes: 0 }, 400, 'the request is not valid'],
    ['a name that is none', { ...body, name: '../x' }, 409, nameInvalid('../x')],
    ['an unknown pool', { ...body, name: 'x', pool: 'fast' }, 409, noPool('fast', [pool])],
    ['an unknown user', { ...body, name: 'x', uid: 7 }, 409, noUser(7)],
    ['an unknown access', { ...body, name: 'x', access: 'wild' }, 409, unknownAccessMode('wild')],
    [
      'a size above what is free',
      { ...body, name: 'x', bytes: 100 * terabyte },
      409,
      notEnoughFree(pool, '1 TB', '100 TB'),
    ],
  ]
  for (const [what, sent, status, told] of bad) {
    it(`refuse to create with ${what}`, async () => {
      const answer = await rig.call('POST', '/v1/buffers', sent)
      expect(answer.status).to.equal(status)
      expect((JSON.parse(answer.text) as ErrorView).error).to.contain(told)
    })
  }

  it('destroy no buffer that a job uses, and name the job, unless they are forced', async () => {
    const session = rig.cache.sessions.get('mytest')!
    const job = {
      ...session,
      id: 900,
      token: '7',
      kind: 'job',
      stage: 'running',
      computeHosts: ['c1'],
      uses: ['mytest'],
    }
    delete job.buffer
    await rig.put(keys.session('7'), job)
    const answer = await rig.call('DELETE', '/v1/buffers/mytest')
    expect(answer.status).to.equal(409)
    expect(JSON.parse(answer.text)).to.deep.include({ refused: true, usedBy: ['7'] })
    expect(rig.cache.buffers.get('mytest')).to.have.property('wanted', 'present')
    await rig.put(keys.session('7'), undefined)
  })

  it('destroy a buffer, and tell its watcher when it is gone', async () => {
    const lines = new Promise<string[]>((resolve) => {
      request({ socketPath: rig.socket, path: '/v1/watch?name=mytest', agent: false }, (response) => {
        let text = ''
        response.on('data', (chunk: Buffer) => (text += chunk.toString()))
        response.on('end', () => resolve(text.trim().split('\n')))
        void rig.call('DELETE', '/v1/buffers/mytest')
      }).end()
    })
    expect(JSON.parse((await lines).at(-1)!)).to.deep.equal({ name: 'mytest', gone: true })
    expect(await rig.call('DELETE', '/v1/buffers/another')).to.include({ status: 404 })
  })
})
