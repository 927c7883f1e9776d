import { expect } from 'chai'
import { conflicts, isStandby } from '../../../../src/scheduler/commit/messages.js'
import { createPersistent } from '../../../../src/scheduler/admission/index.js'
import { NotLeader } from '../../../../src/scheduler/commit/decision.js'
import { aBuffer, aCordon, aHost, alice, aSession, brickReports, terabyte } from '../../../support/builders.js'
import { keys } from '../../../../src/store/keys.js'
import { Rig } from '../../../support/schedulerRig.js'

const cordon = (why: string) => ({ kind: 'cordon', host: 'gluster1', document: aCordon('gluster1', { why }) }) as const
const asked = { name: 'a', ...alice, pool: undefined, bytes: terabyte, access: ['striped' as const] }

describe('a decision', () => {
  it('is refused without a write, and nothing is written for one that is done already', async () => {
    const rig = await Rig.start()
    const { revision } = rig.etcd
    expect(await rig.committer.commit(() => ({ refused: 'no' }))).to.deep.equal({ refused: 'no' })
    expect(await rig.committer.commit(() => ({ changes: [], result: 7 }))).to.deep.equal({ result: 7 })
    expect(rig.etcd.revision).to.equal(revision)
  })

  it('is in the cache when the call resolves', async () => {
    const rig = await Rig.start()
    await rig.committer.commit(() => ({ changes: [cordon('x')], result: undefined }))
    expect(rig.cache.cordons.get('gluster1')?.why).to.equal('x')
  })

  it('is made again on what is there by then when another writer was faster', async () => {
    const rig = await Rig.start()
    const seen: (string | undefined)[] = []
    const committed = await rig.committer.commit((cluster) => {
      const standing = cluster.cordons.get('gluster1')?.why
      seen.push(standing)
      if (seen.length === 1) rig.etcd.write([], [{ put: 'cordons/gluster1', value: aCordon('gluster1', { why: 'y' }) }])
      return { changes: [cordon(`after ${standing ?? 'nothing'}`)], result: standing }
    })
    expect(seen).to.deep.equal([undefined, 'y'])
    expect(committed).to.deep.equal({ result: 'y' })
    expect(rig.cache.cordons.get('gluster1')?.why).to.equal('after y')
  })

  it('is given up when other writers are faster every time', async () => {
    const rig = await Rig.start()
    let n = 0
    const always = rig.committer.commit(() => {
      rig.etcd.write([], [{ put: 'cordons/gluster1', value: aCordon('gluster1', { why: String(n++) }) }])
      return { changes: [cordon('x')], result: undefined }
    })
    expect(String(await always.catch((error: unknown) => error))).to.contain(conflicts())
  })

  it('waits for the one before it, so that two never take the last device', async () => {
    const rig = await Rig.start({ hosts: [aHost('gluster1', { devices: 1 })] })
    const { config, newUuid } = rig.deps
    const make = (name: string) =>
      rig.committer.commit((cluster) => createPersistent(cluster, { ...asked, name }, { config, now: 1, newUuid }))
    const [a, b] = await rig.run(Promise.all([make('a'), make('b')]))
    expect(a).to.have.nested.property('result.state', 'admitted')
    expect(b).to.have.nested.property('result.reason').that.contains('0 bytes free')
  })

  it('of two schedulers that place at once gives no device twice', async () => {
    const first = await Rig.start({ hosts: [aHost('gluster1', { devices: 1 })] })
    const second = await Rig.start({ beside: first, leads: false })
    second.fence = first.fence
    const make = (rig: Rig, name: string) => {
      const { config, newUuid } = rig.deps
      return rig.committer.commit((cluster) =>
        createPersistent(cluster, { ...asked, name }, { config, now: 1, newUuid }),
      )
    }
    const both = await first.run(Promise.all([make(first, 'a'), make(second, 'b')]))
    const states = both.map((committed) => ('result' in committed ? committed.result.state : committed.refused))
    expect(states).to.have.members(['admitted', 'no-room'])
    expect(first.keys('buffers/')).to.have.length(1)
  })

  it('is not made by a scheduler that stands by, and names the one that leads', async () => {
    const rig = await Rig.start()
    rig.fence = undefined
    const error = await rig.committer.commit(() => ({ changes: [], result: 1 })).catch((e: unknown) => e)
    expect(error).to.be.instanceOf(NotLeader)
    expect(String(error)).to.contain(isStandby('head'))
  })

  it('of a leader that was overtaken is not written, also when its cache does not know yet', async () => {
    const rig = await Rig.start()
    const failed = rig.committer.commit(() => {
      rig.etcd.write([], [{ delete: 'leader' }])
      rig.etcd.write([], [{ put: 'leader', value: { v: 1, host: 'other', pid: 2, since: 2 } }])
      return { changes: [cordon('x')], result: undefined }
    })
    expect(await failed.catch((e: unknown) => e)).to.be.instanceOf(NotLeader)
    expect(rig.keys('cordons/')).to.deep.equal([])
  })

  it('that throws harms no later one', async () => {
    const rig = await Rig.start()
    const thrown = rig.committer.commit(() => {
      throw new Error('a defect')
    })
    expect(String(await thrown.catch((e: unknown) => e))).to.contain('a defect')
    expect(await rig.committer.commit(() => ({ changes: [], result: 1 }))).to.deep.equal({ result: 1 })
  })
})

describe('waiting for the cluster', () => {
  it('ends at the first answer, now or after a change', async () => {
    const rig = await Rig.start()
    expect(await rig.committer.waitFor(() => 5, 1000)).to.equal(5)
    const cordoned = rig.committer.waitFor(({ cordons }) => cordons.get('gluster1')?.why, 1000)
    await rig.committer.commit(() => ({ changes: [cordon('x')], result: undefined }))
    expect(await cordoned).to.equal('x')
  })

  it('for a token is asked only after changes that concern its session or a buffer of that', async () => {
    const built = aBuffer({ id: 1, name: 'mytest', bricks: ['gluster1/nvme1n1'] })
    const other = aBuffer({ id: 2, name: 'other', bricks: ['gluster1/nvme2n1'] })
    const rig = await Rig.start({ hosts: [aHost('gluster1')], leads: false })
    const write = async (key: string, value: object | undefined) => {
      rig.etcd.write([], [value ? { put: key, value } : { delete: key }])
      await rig.quiet()
    }
    let asked = 0
    const ended = rig.committer.waitFor(() => (++asked > 100 ? true : undefined), 3_600_000, '5')
    const asks = async (act: () => Promise<unknown>) => {
      const before = asked
      await act()
      await rig.quiet()
      return asked - before
    }
    expect(asked).to.equal(1)
    expect(await asks(() => write(keys.session('5'), aSession({ id: 20, token: '5', uses: ['mytest'] })))).to.equal(1)
    expect(await asks(() => write(keys.buffer('mytest'), built))).to.equal(1)
    expect(await asks(() => write(keys.buffer('other'), other))).to.equal(0)
    expect(await asks(() => rig.agents.report(brickReports(other)))).to.equal(0)
    expect(await asks(() => rig.agents.report(brickReports(built)))).to.equal(1)
    expect(await asks(() => rig.agents.lose('gluster1'))).to.equal(1)
    expect(await asks(() => write(keys.session('6'), aSession({ id: 21, token: '6' })))).to.equal(0)
    expect(await asks(() => write(keys.session('5'), undefined))).to.equal(1)
    expect(await asks(() => write(keys.session('5'), aSession({ id: 22, token: '5' })))).to.equal(1)
    rig.committer.close()
    expect(await ended).to.equal(undefined)
    expect(await asks(() => write(keys.session('5'), undefined))).to.equal(0)
  })

  it('ends without an answer when the scheduler stops', async () => {
    const rig = await Rig.start()
    const waiting = rig.committer.waitFor(() => undefined, 3_600_000)
    rig.committer.close()
    expect(await waiting).to.equal(undefined)
  })

  it('ends without an answer at the timeout, and with the error of its question', async () => {
    const rig = await Rig.start()
    const nothing = rig.committer.waitFor(() => undefined, 1000)
    rig.clock.advance(1000)
    expect(await nothing).to.equal(undefined)
    let asked = 0
    const broken = rig.committer.waitFor(() => {
      if (asked++ > 0) throw new Error('a defect')
      return undefined
    }, 1000)
    rig.cache.announce()
    expect(String(await broken.catch((e: unknown) => e))).to.contain('a defect')
  })
})
