import { expect } from 'chai'
import { creatingVolume, readyAgain } from '../../../../src/scheduler/loop/messages.js'
import { createPersistent, teardown } from '../../../../src/scheduler/admission/index.js'
import type { BufferDocument } from '../../../../src/model/documents/buffer.js'
import { silentLog } from '../../../../src/daemon/log.js'
import { dwWlmCli } from '../../../../src/scheduler/slurm/dwWlmCli.js'
import { keys } from '../../../../src/store/keys.js'
import { refusedByEtcd } from '../../../../src/store/messages.js'
import { StoreError } from '../../../../src/store/store.js'
import { aBuffer, alice, aHost, brickReport, brickReports, terabyte, volumeReport } from '../../../support/builders.js'
import { Rig } from '../../../support/schedulerRig.js'

const hosts = () => [aHost('gluster1'), aHost('gluster2')]
const asked = { name: 'mytest', ...alice, pool: undefined, bytes: 2 * terabyte, access: ['striped' as const] }

async function create(rig: Rig): Promise<BufferDocument> {
  const { config, newUuid } = rig.deps
  await rig.run(rig.committer.commit((cluster) => createPersistent(cluster, asked, { config, now: 2000, newUuid })))
  await rig.quiet()
  return rig.read<BufferDocument>('buffers/mytest')!
}

async function createReady(rig: Rig): Promise<BufferDocument> {
  const buffer = await create(rig)
  await rig.agents.report({ ...brickReports(buffer), ...volumeReport(buffer) })
  await rig.until('the buffer to be built', () => rig.cache.buffers.get('mytest')?.builtAt !== undefined)
  await rig.quiet()
  return rig.read<BufferDocument>('buffers/mytest')!
}

const timeline = (rig: Rig) => rig.etcd.list('events/').entries.map(({ value }) => (value as { text: string }).text)

describe('the scheduler’s loop', () => {
  it('keeps what a later release wrote into a buffer when it writes the buffer back', async () => {
    const rig = await Rig.start({ hosts: hosts() })
    const buffer = await create(rig)
    const [first, ...others] = buffer.bricks
    const later = { ...buffer, later: [1], bricks: [{ ...first!, later: 2 }, ...others] }
    rig.etcd.write([], [{ put: 'buffers/mytest', value: later }])
    await rig.agents.report({ ...brickReports(buffer), ...volumeReport(buffer) })
    await rig.until('the buffer to be built', () => rig.cache.buffers.get('mytest')?.builtAt !== undefined)
    expect(rig.read('buffers/mytest')).to.deep.include({ later: [1], bricks: later.bricks })
  })

  it('writes nothing but lines of the timeline for a host that goes away and comes back as it was', async () => {
    const rig = await Rig.start({ hosts: hosts().map((one) => ({ ...one, host: { ...one.host, boot: 'first' } })) })
    await createReady(rig)
    const { host } = aHost('gluster2')
    const desired = () => rig.etcd.list('desired/').entries
    const before = desired()
    await rig.agents.lose('gluster2')
    await rig.quiet()
    expect(desired()).to.deep.equal(before)
    rig.etcd.write([], [{ put: keys.host('gluster2'), value: { ...host, boot: 'first' } }])
    await rig.quiet()
    expect(desired()).to.deep.equal(before)
    rig.etcd.write([], [{ put: keys.host('gluster2'), value: { ...host, boot: 'second' } }])
    await rig.quiet()
    const volume = rig.read<{ boots: object }>(keys.desired('gluster1', 'volume', 'mytest'))
    expect(volume!.boots).to.deep.equal({ gluster1: 'first', gluster2: 'second' })
  })

  it('brings a buffer from placed to ready to gone, and leaves no key of it', async () => {
    const rig = await Rig.start({ hosts: hosts() })
    const buffer = await create(rig)
    const bricks = ['gluster1: brick nvme1n1 present', 'gluster2: brick nvme1n1 present']
    expect(rig.told()).to.deep.equal(bricks)

    await rig.agents.report(brickReport(buffer.bricks[0]!))
    await rig.quiet()
    expect(rig.told()).to.deep.equal(bricks)

    await rig.agents.report(brickReport(buffer.bricks[1]!))
    await rig.quiet()
    expect(rig.told()).to.include('gluster1: volume mytest started')
    expect(rig.read(keys.mountpoint('mytest'))).to.equal(undefined)

    await rig.agents.report(volumeReport(buffer))
    await rig.quiet()
    expect(rig.read(keys.mountpoint('mytest'))).to.contain('gluster1:/mytest')
    expect(timeline(rig)).to.deep.equal(['placed on gluster1/nvme1n1, gluster2/nvme1n1', creatingVolume(), 'ready'])

    await rig.run(rig.committer.commit((cluster) => teardown(cluster, { token: 'mytest' })))
    await rig.quiet()
    expect(rig.read(keys.mountpoint('mytest'))).to.equal(undefined)
    expect(rig.told()).to.deep.equal([bricks[0], 'gluster1: volume mytest absent', bricks[1]])

    await rig.agents.report(volumeReport(buffer, { state: 'absent' }))
    await rig.quiet()
    expect(rig.told()).to.include.members(['gluster1: brick nvme1n1 absent', 'gluster2: brick nvme1n1 absent'])

    await rig.agents.report(brickReports(buffer, { state: 'absent' }))
    await rig.quiet()
    expect(rig.told()).to.deep.equal([])
    expect([...rig.keys('buffers/'), ...rig.keys('sessions/'), ...rig.keys('events/')]).to.deep.equal([])
  })

  it('writes nothing in a cluster that is as it should be, also in its full pass', async () => {
    const rig = await Rig.start({ hosts: hosts() })
    await createReady(rig)
    const { revision } = rig.etcd
    rig.clock.advance(61_000)
    await rig.quiet()
    expect(rig.etcd.revision).to.equal(revision)
  })

  it('writes a desired key again that was deleted or changed by hand', async () => {
    const rig = await Rig.start({ hosts: hosts() })
    await createReady(rig)
    const key = 'desired/gluster1/volume/mytest'
    const before = rig.read(key)!
    rig.etcd.write([], [{ delete: key }])
    await rig.quiet()
    expect(rig.read(key)).to.deep.equal(before)
    rig.etcd.write([], [{ put: key, value: { ...before, wanted: 'absent' } }])
    await rig.quiet()
    expect(rig.read(key)).to.deep.equal(before)
  })

  it('withdraws the keys of a buffer whose document is gone, which tells agents to leave alone what is there', async () => {
    const rig = await Rig.start({ hosts: hosts() })
    await createReady(rig)
    rig.etcd.write([], [{ delete: 'buffers/mytest' }, { delete: 'sessions/mytest' }])
    await rig.quiet()
    expect(rig.told()).to.deep.equal([])
  })

  it('touches no key of a buffer whose document cannot be read', async () => {
    const rig = await Rig.start({ hosts: hosts() })
    const buffer = await createReady(rig)
    const told = rig.told()
    rig.etcd.write([], [{ put: 'buffers/mytest', value: { ...buffer, v: 7 } }])
    rig.clock.advance(61_000)
    await rig.quiet()
    expect(rig.told()).to.deep.equal(told)
  })

  it('changes nothing without the fence', async () => {
    const idle = await Rig.start({ hosts: hosts(), leads: false })
    const leader = await Rig.start({ beside: idle })
    const buffer = await create(leader)
    leader.fence = undefined
    await leader.agents.report({ ...brickReports(buffer), ...volumeReport(buffer) })
    const { revision } = idle.etcd
    idle.clock.advance(61_000)
    await idle.quiet()
    expect(idle.etcd.revision).to.equal(revision)
    await idle.lead()
    await idle.quiet()
    expect(idle.cache.buffers.get('mytest')!.builtAt).to.be.a('number')
  })

  it('of a leader that was overtaken changes nothing, although it still believes to lead', async () => {
    const old = await Rig.start({ hosts: hosts() })
    const buffer = await create(old)
    const leader = await Rig.start({ beside: old })
    await leader.quiet()
    expect(old.fence).to.be.lessThan(leader.fence!)
    leader.fence = undefined
    await old.agents.report({ ...brickReports(buffer), ...volumeReport(buffer) })
    const { revision } = old.etcd
    old.clock.advance(61_000)
    await old.quiet()
    expect(old.etcd.revision).to.equal(revision)
  })

  it('of the next leader goes on where the last one ended, and tells nothing twice', async () => {
    const first = await Rig.start({ hosts: hosts() })
    await createReady(first)
    const told = timeline(first)
    first.fence = undefined
    const second = await Rig.start({ beside: first })
    await second.quiet()
    expect(timeline(second)).to.deep.equal(told)
    expect(second.read<{ fence: number }>('desired/gluster1/brick/nvme1n1')).to.include({ wanted: 'present' })
  })

  it('places a brick elsewhere when its host is away for longer than the grace, and not before', async () => {
    const rig = await Rig.start({ hosts: [...hosts(), aHost('gluster3')] })
    const buffer = await create(rig)
    await rig.agents.report(brickReport(buffer.bricks[0]!))
    await rig.agents.lose('gluster2')
    await rig.quiet()
    rig.clock.advance(29_000)
    await rig.quiet()
    expect(rig.told()).to.include('gluster2: brick nvme1n1 present')
    rig.clock.advance(2_000)
    await rig.quiet()
    expect(rig.told()).to.include.members(['gluster3: brick nvme1n1 present', 'gluster2: brick nvme1n1 absent'])
    expect(rig.cache.buffers.get('mytest')!.bricks.map(({ host }) => host)).to.deep.equal(['gluster1', 'gluster3'])
  })

  async function adopting(): Promise<Rig> {
    const rig = await Rig.start({ hosts: hosts() })
    const disk = { device: 'nvme1n1', identity: '', sizeBytes: 1, expected: '', who: 'x' }
    rig.etcd.write([], [{ put: 'desired/gluster1/adopt/nvme1n1', value: { v: 1, fence: 1, kind: 'adopt', ...disk } }])
    await rig.quiet()
    expect(rig.told()).to.deep.equal(['gluster1: adopt nvme1n1'])
    return rig
  }

  it('withdraws an adoption that is done', async () => {
    const rig = await adopting()
    await rig.agents.report({ 'adopt gluster1/nvme1n1': { v: 1, state: 'done', waitingFor: [] } })
    await rig.quiet()
    expect(rig.told()).to.deep.equal([])
  })

  it('withdraws an adoption that was refused, so that no disk is wiped after its operator was told that it is not', async () => {
    const rig = await adopting()
    const problem = { message: 'device nvme1n1 is in use: mounted at /home', terminal: true }
    await rig.agents.report({ 'adopt gluster1/nvme1n1': { v: 1, state: 'forming', waitingFor: [], problem } })
    await rig.quiet()
    expect(rig.told()).to.deep.equal([])
  })

  it('lets an adoption go on that failed for a reason which may pass', async () => {
    const rig = await adopting()
    const problem = { message: 'blkdiscard failed', terminal: false }
    await rig.agents.report({ 'adopt gluster1/nvme1n1': { v: 1, state: 'forming', waitingFor: [], problem } })
    await rig.quiet()
    expect(rig.told()).to.deep.equal(['gluster1: adopt nvme1n1'])
  })

  it('goes on in an etcd that was restored, and does not know the lease of the timelines any more', async () => {
    const rig = await Rig.start({ hosts: hosts() })
    const buffer = await create(rig)
    rig.etcd.forgetLeases()
    // What it writes in its own transaction is written by the loop then.
    const { config, newUuid } = rig.deps
    const another = { ...asked, name: 'another', bytes: terabyte }
    await rig.run(rig.committer.commit((cluster) => createPersistent(cluster, another, { config, now: 2000, newUuid })))
    expect(rig.read('buffers/another')).to.not.equal(undefined)
    const problem = { message: 'the disk fails', terminal: true }
    await rig.agents.report(brickReport(buffer.bricks[0]!, { state: 'forming', problem }))
    await rig.quiet()
    rig.clock.advance(2_000)
    await rig.quiet()
    expect(rig.keys('cordons/')).to.deep.equal(['cordons/gluster1/nvme1n1'])
    expect(timeline(rig).join()).to.contain('replaced by')
  })

  it('replaces forty bricks that are refused at once, in steps that etcd takes', async () => {
    const rig = await Rig.start({ hosts: [aHost('gluster1', { devices: 80 })] })
    const { config, newUuid } = rig.deps
    const request = { ...asked, bytes: 40 * terabyte }
    await rig.run(rig.committer.commit((cluster) => createPersistent(cluster, request, { config, now: 2000, newUuid })))
    const buffer = rig.read<BufferDocument>('buffers/mytest')!
    const refused = brickReports(buffer, { state: 'forming', problem: { message: 'not listed', terminal: true } })
    const puts = Object.values(refused).map((value, n) => {
      const { host, device } = buffer.bricks[n]!
      return { put: keys.observed(host, 'brick', device), value }
    })
    rig.etcd.write([], puts)
    await rig.quiet()
    const mended = rig.read<BufferDocument>('buffers/mytest')!
    expect(mended.released).to.have.deep.members(buffer.bricks)
    expect(rig.keys('cordons/')).to.have.length(40)
  })

  it('packs a hundred buffers into transactions that etcd takes', async () => {
    const rig = await Rig.start({ hosts: [aHost('gluster1', { devices: 100 })] })
    const { config, newUuid } = rig.deps
    for (let n = 0; n < 100; n++) {
      const request = { ...asked, name: `b${n}`, bytes: terabyte }
      await rig.run(
        rig.committer.commit((cluster) => createPersistent(cluster, request, { config, now: 2000, newUuid })),
      )
    }
    rig.etcd.write([], [{ deletePrefix: 'desired/' }])
    await rig.quiet()
    expect(rig.told()).to.have.length(100)
  })

  it('lets calls be answered in the middle of a full pass', async () => {
    const rig = await Rig.start({ hosts: hosts() })
    const puts = Array.from({ length: 1_000 }, (_, n) => {
      const name = `b${n}`
      const buffer = aBuffer({ name, id: n + 1, bricks: [`gluster1/nvme${n}n1`], wanted: 'present' })
      return { put: keys.buffer(name), value: buffer }
    })
    for (let n = 0; n < puts.length; n += 100) rig.etcd.write([], puts.slice(n, n + 100))
    await rig.quiet()
    rig.loop.resync()
    let rounds = 0
    for (; !rig.loop.isIdle; rounds++) {
      rig.clock.advance(0)
      // Whatever the loop can do without a pause, it does now.
      await new Promise((resolve) => setImmediate(resolve))
      if (rounds === 1) {
        const reply = await dwWlmCli(rig.deps, ['--function', 'pools'])
        expect(reply.code).to.equal(0)
        expect(rig.loop.isIdle).to.equal(false)
      }
    }
    expect(rounds).to.be.within(100, 130)
  })

  it('tells nothing of what another leader saw meanwhile', async () => {
    const rig = await Rig.start({ hosts: hosts() })
    await createReady(rig)
    rig.fence = undefined
    rig.cache.announce()
    await rig.agents.lose('gluster2')
    await rig.quiet()
    await rig.lead()
    await rig.quiet()
    expect(timeline(rig).at(-1)).to.equal('ready')
    await rig.agents.add(aHost('gluster2'))
    await rig.quiet()
    expect(timeline(rig).at(-1)).to.equal(readyAgain())
  })

  it('gives no device away twice when another buffer is placed while a replacement waits for the lease of its events', async () => {
    const rig = await Rig.start({ hosts: ['gluster1', 'gluster2', 'gluster3'].map((name) => aHost(name)) })
    const buffer = await create(rig)
    rig.clock.advance(7 * 24 * 3_600_000)
    await rig.quiet()
    const { store, committer } = rig
    const grant = store.lease.bind(store)
    let granted = 0
    store.lease = async (ttlSeconds) => {
      const other = { ...asked, name: 'other', bytes: terabyte }
      const { config, newUuid } = rig.deps
      if (granted++ === 0)
        await committer.commit((cluster) => createPersistent(cluster, other, { config, now: 2000, newUuid }))
      return grant(ttlSeconds)
    }
    const problem = { message: 'the device is foreign', terminal: true }
    await rig.agents.report(brickReport(buffer.bricks[1]!, { state: 'forming', problem }))
    await rig.until('the brick to be replaced', () => rig.read<BufferDocument>('buffers/mytest')!.released.length > 0)
    expect(granted).to.be.greaterThan(0)
    const [mytest, other] = ['mytest', 'other'].map((name) => rig.read<BufferDocument>(`buffers/${name}`)!)
    const devicesOf = ({ bricks, released }: BufferDocument) =>
      [...bricks, ...released].map(({ host, device }) => `${host}/${device}`)
    expect(devicesOf(mytest!)).to.not.include.members(devicesOf(other!))
    expect(rig.cache.lastId).to.equal(other!.id)
  })

  it('tells once of a brick that is replaced, and counts its events without a gap', async () => {
    const quarantines: object[] = []
    const log = {
      ...silentLog,
      warn: (phrase: string, fields: object = {}) => void (phrase === 'device quarantined' && quarantines.push(fields)),
    }
    const rig = await Rig.start({ hosts: [aHost('gluster1', { devices: 3 })], log })
    const { bricks } = await create(rig)
    const problem = { message: 'not listed', terminal: true }
    await rig.agents.report(brickReport(bricks[0]!, { state: 'forming', problem }))
    await rig.quiet()
    expect(quarantines).to.have.length(1)
    const events = rig.keys('events/').map((key) => Number(key.split('/').at(-1)))
    expect(events).to.deep.equal(events.map((_, n) => n + 1))
  })

  it('writes all else when etcd refuses one write, and says which', async () => {
    const errors: Record<string, unknown>[] = []
    const log = { ...silentLog, error: (_: string, fields: object = {}) => void errors.push({ ...fields }) }
    const rig = await Rig.start({ hosts: hosts(), log })
    const refused = keys.desired('gluster1', 'brick', 'nvme1n1')
    const write = rig.store.write.bind(rig.store)
    rig.store.write = (compares, writes) =>
      writes.some((put) => 'put' in put && put.put === refused)
        ? Promise.reject(new StoreError(refusedByEtcd('request is too large')))
        : write(compares, writes)
    await create(rig)
    expect(rig.told()).to.deep.equal(['gluster2: brick nvme1n1 present'])
    expect(errors).to.have.length(1)
    expect(errors[0]).to.deep.include({ name: refused, keys: [refused] })
    expect(rig.loop.problems().join()).to.contain(refused)

    rig.store.write = write
    rig.clock.advance(1_000)
    await rig.quiet()
    expect(rig.told()).to.include('gluster1: brick nvme1n1 present')
    expect(rig.loop.problems()).to.deep.equal([])
  })
})
