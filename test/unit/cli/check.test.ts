import { expect } from 'chai'
import { found as told } from '../../../src/scheduler/operators/messages.js'
import type { BufferView, DifferenceView, SessionView } from '../../../src/model/api.js'
import { slurmDifferences } from '../../../src/cli/slurmList.js'
import { keys } from '../../../src/store/keys.js'
import { aBuffer, aHost, aSession, aTransfer } from '../../support/builders.js'
import { SocketRig } from '../../support/socketRig.js'

describe('what a check says of the buffer of a job that Slurm no longer knows', () => {
  const rig = new SocketRig()
  const program = '/opt/burstbuffer/dist/bin/dw_wlm_cli'
  before(() => rig.start([aHost('gluster1', { devices: 4 }), aHost('c1', { devices: 0, roles: ['compute'] })]))
  after(() => rig.stop())

  /** Job 7 in that stage, with results that are to be staged out. */
  async function standing(stage: 'staged-in' | 'running', number: number): Promise<void> {
    const buffer = aBuffer({ name: '7', id: number, bricks: [`gluster1/nvme${number}n1`], builtAt: 1 })
    const transfers = [aTransfer({ direction: 'out', buffer: '7' })]
    const computeHosts = stage === 'running' ? ['c1'] : []
    const session = aSession({ token: '7', id: 100 + number, buffer: '7', stage, computeHosts, transfers })
    await rig.put(keys.buffer('7'), buffer)
    await rig.put(keys.session('7'), session)
    await until(async () => (await rig.json('GET', '/v1/buffers/7'))['phase'] === 'ready')
  }
  async function until(holds: () => Promise<boolean>): Promise<void> {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20))
  }
  async function remedy(): Promise<string> {
    const buffers = await rig.json<BufferView[]>('GET', '/v1/buffers')
    const found = slurmDifferences([], buffers, await rig.json<SessionView[]>('GET', '/v1/sessions'), program)
    expect(found.map(({ where }) => where)).to.deep.equal(['buffer 7'])
    return found[0]!.remedy
  }
  /** Every call of that program in the text, in its order. */
  const callsIn = (text: string) =>
    [...text.matchAll(/\/opt\/\S+( --(function|token) \w+)+( --hurry)?/g)].map(([call]) => call.split(' ').slice(1))
  async function call(words: string[]): Promise<void> {
    const said = await rig.call('POST', '/shim/dw_wlm_cli', words.map((word) => `${word}\0`).join(''))
    expect(said.headers['x-exit-code'], said.text).to.equal('0')
  }
  const isGone = async () => (await rig.call('GET', '/v1/buffers/7')).status === 404

  it('removes one that has not run by bbctl destroy', async () => {
    await standing('staged-in', 1)
    expect(await remedy()).to.match(/scontrol show job 7 .* bbctl destroy 7 --force$/)
    expect((await rig.call('DELETE', '/v1/buffers/7?force=true')).status).to.equal(200)
    await until(isGone)
  })

  it('stages the results of one that ran out and removes it, by the calls that Slurm would make', async () => {
    await standing('running', 2)
    const calls = callsIn(await remedy())
    expect(calls.map((words) => words[1])).to.deep.equal(['post_run', 'data_out', 'teardown', 'teardown'])
    for (const words of calls.slice(0, 2)) await call(words)
    const { transfers } = rig.cache.sessions.get('7')!
    expect(transfers![0]!.ended).to.have.property('state', 'done')
    await call(calls[2]!)
    await until(isGone)
  })

  it('gives the results up with the last of them alone', async () => {
    await standing('running', 3)
    const last = callsIn(await remedy()).at(-1)!
    expect(last).to.include('--hurry')
    await call(last)
    await until(isGone)
  })

  it('says how to save what is on one that has no session either, and removes it', async () => {
    await rig.put(keys.buffer('7'), aBuffer({ name: '7', id: 4, bricks: ['gluster1/nvme4n1'], builtAt: 1 }))
    const found = await rig.json<DifferenceView[]>('GET', '/v1/check')
    const lonely = found.find(({ what }) => what === told.jobBufferWithoutSession('7').what)!
    expect(lonely.remedy).to.match(/^bbctl show 7 .*; then bbctl destroy 7$/)
    expect((await rig.json('GET', '/v1/buffers/7'))['mountpoint']).to.contain('gluster1:/7')
    expect((await rig.call('DELETE', '/v1/buffers/7')).status).to.equal(200)
    await until(isGone)
  })
})
