import { expect } from 'chai'
import { wasTornDown } from '../../../../src/scheduler/admission/messages.js'
import { notEnoughFree } from '../../../../src/scheduler/placement/messages.js'
import { callerGone, noRoomInTime } from '../../../../src/scheduler/slurm/functions/messages.js'
import { dwWlmCli } from '../../../../src/scheduler/slurm/dwWlmCli.js'
import { alice, aHost, pool, terabyte } from '../../../support/builders.js'
import { Rig } from '../../../support/schedulerRig.js'

const done = { code: 0, text: '' }
const nothingFree = (asked: number) => notEnoughFree(pool, '0 bytes', `${asked} TB`)

describe('a full pool', () => {
  let rig: Rig
  beforeEach(async () => {
    rig = await Rig.start({ hosts: [aHost('gluster1'), aHost('gluster2')] })
    rig.agents.obey()
    await rig.quiet()
    expect(await rig.run(setup('1', 4))).to.deep.equal(done)
  })

  function setup(token: string, terabytes: number) {
    const user = ['--user', String(alice.uid), '--groupid', String(alice.gid)]
    return dwWlmCli(rig.deps, [
      '--function',
      'setup',
      '--token',
      token,
      ...user,
      '--capacity',
      `${pool}:${terabytes}TB`,
    ])
  }
  const create = (name: string, terabytes: number) =>
    dwWlmCli(rig.deps, [
      ...['--function', 'create_persistent', '-t', name, '-u', String(alice.uid)],
      ...['-C', `${pool}:${terabytes * terabyte}`],
    ])
  const tearDown = (token: string) => rig.call('--function', 'teardown', '--token', token, '--hurry')
  async function freeInSlurm(): Promise<number> {
    const { text } = await rig.call('--function', 'pools')
    return (JSON.parse(text) as { pools: { free: number }[] }).pools[0]!.free
  }

  it('keeps a setup waiting until devices come back', async () => {
    const waiting = setup('2', 3)
    await rig.quiet()
    expect(await tearDown('1')).to.deep.equal(done)
    expect(await rig.run(waiting, 100)).to.deep.equal(done)
    expect(rig.cache.buffers.get('2')!.bricks).to.have.length(3)
  })

  it('keeps the creation of a persistent buffer waiting too', async () => {
    const waiting = create('mytest', 2)
    await rig.quiet()
    await tearDown('1')
    expect(await rig.run(waiting, 100)).to.deep.equal({ code: 0, text: 'created\n' })
  })

  it('refuses, with the reason, when nothing comes back within the time of the call', async () => {
    const text = noRoomInTime(nothingFree(1))
    expect(await rig.run(setup('2', 1), 60_000)).to.deep.equal({ code: 1, text })
    expect(rig.keys('sessions/')).to.deep.equal(['sessions/1'])
  })

  it('refuses at once what is more than the whole pool', async () => {
    const before = rig.clock.monotonicMs()
    expect(await rig.run(setup('2', 5))).to.deep.equal({ code: 1, text: nothingFree(5) })
    expect(rig.clock.monotonicMs()).to.equal(before)
  })

  it('is told to Slurm without what those who wait will take', async () => {
    const waiting = setup('2', 3)
    await rig.quiet()
    expect(await freeInSlurm()).to.equal(0)
    await tearDown('1')
    expect(await freeInSlurm()).to.equal(1)
    await rig.run(waiting, 100)
    expect(await freeInSlurm()).to.equal(1)
  })

  it('gives nothing to a setup whose token is torn down, and lets the next have it', async () => {
    const [torn, next] = [setup('2', 4), setup('3', 4)]
    await rig.quiet()
    expect((await tearDown('2')).text).to.contain('token not found')
    expect(await rig.run(torn)).to.deep.equal({ code: 1, text: wasTornDown() })
    await tearDown('1')
    expect(await rig.run(next, 100)).to.deep.equal(done)
  })

  it('gives nothing to a setup whose caller has gone', async () => {
    const words = ['--token', '2', '--user', String(alice.uid), '--groupid', String(alice.gid), '--capacity', '4TB']
    let go = () => {}
    const waiting = dwWlmCli(rig.deps, ['--function', 'setup', ...words], new Promise((resolve) => (go = resolve)))
    await rig.quiet()
    go()
    expect(await rig.run(waiting)).to.deep.equal({ code: 1, text: callerGone() })
    await tearDown('1')
    await rig.quiet()
    expect(rig.keys('sessions/')).to.deep.equal([])
  })

  it('shows Slurm the job of a setup that waits, also when its caller has gone, until it is torn down', async () => {
    const shown = async () => {
      const { text } = await rig.call('--function', 'show_sessions')
      return (JSON.parse(text) as { sessions: { token: string; id: number; owner: number }[] }).sessions
    }
    const words = ['--token', '2', '--user', String(alice.uid), '--groupid', String(alice.gid), '--capacity', '4TB']
    let go = () => {}
    const waiting = dwWlmCli(rig.deps, ['--function', 'setup', ...words], new Promise((resolve) => (go = resolve)))
    await rig.quiet()
    expect(await shown()).to.have.length(2)
    expect((await shown())[1]).to.include({ token: '2', id: 0, owner: alice.uid })
    go()
    await rig.run(waiting)
    expect((await shown()).map(({ token }) => token)).to.deep.equal(['1', '2'])
    expect((await tearDown('2')).text).to.contain('token not found')
    expect((await shown()).map(({ token }) => token)).to.deep.equal(['1'])
  })

  it('shows Slurm a job once: not as one that waits when it has a session, nor when its setup was refused', async () => {
    const shown = async () => (await rig.call('--function', 'show_sessions')).text.match(/"token":"[0-9]+"/g)
    await rig.run(setup('2', 5))
    const again = setup('1', 4)
    await rig.run(again)
    expect(await shown()).to.deep.equal(['"token":"1"'])
  })

  it('does not give a newcomer what an earlier one is about to take', async () => {
    const first = setup('2', 4)
    await rig.quiet()
    await tearDown('1')
    const second = setup('3', 1)
    expect(await rig.run(first, 100)).to.deep.equal(done)
    await tearDown('2')
    expect(await rig.run(second, 100)).to.deep.equal(done)
  })

  it('gives each of a burst its turn', async () => {
    const tokens = Array.from({ length: 20 }, (_, index) => String(100 + index))
    const jobs = tokens.map(async (token) => {
      const reply = await setup(token, 1)
      if (reply.code === 0) await dwWlmCli(rig.deps, ['--function', 'teardown', '--token', token])
      return reply
    })
    await rig.quiet()
    await tearDown('1')
    expect(await rig.run(Promise.all(jobs), 100)).to.deep.equal(tokens.map(() => done))
    await rig.quiet()
    expect([...rig.keys('buffers/'), ...rig.keys('sessions/')]).to.deep.equal([])
  })
})
