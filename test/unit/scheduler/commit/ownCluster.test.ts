import { expect } from 'chai'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../../../lab/common/until.js'
import { type Log, silentLog } from '../../../../src/daemon/log.js'
import { LeadershipElection } from '../../../../src/scheduler/commit/leadership.js'
import { ClusterCache } from '../../../../src/scheduler/cluster/cache.js'
import { type Scheduler, startScheduler } from '../../../../src/scheduler/scheduler.js'
import { everyUser } from '../../../../src/standalone/cluster.js'
import { keys } from '../../../../src/store/keys.js'
import { otherCluster } from '../../../../src/store/messages.js'
import { FakeEtcd } from '../../../../src/store/fake.js'
import { aConfig } from '../../../support/decisions.js'
import { HandClock } from '../../../support/handClock.js'
import { callSocket } from '../../../support/socketCall.js'

describe('the name of the cluster', () => {
  const directory = mkdtempSync(join(tmpdir(), 'bb-cluster-'))
  let clock: HandClock
  let etcd: FakeEtcd
  let started: Scheduler[]
  let errors: string[]

  beforeEach(() => {
    clock = new HandClock()
    etcd = new FakeEtcd(clock)
    ;[started, errors] = [[], []]
  })
  afterEach(() => Promise.all(started.map((scheduler) => scheduler.stop())))
  after(() => rmSync(directory, { recursive: true }))

  const error: Log['error'] = (phrase, fields) =>
    void errors.push(`${phrase}: ${(fields as { reason: string }).reason}`)

  async function start(cluster: string, pid: number) {
    const socket = join(directory, `${pid}.sock`)
    const scheduler = await startScheduler({
      store: etcd.open(),
      config: aConfig({ cluster, socket }),
      candidate: { host: 'head', pid },
      accounts: everyUser,
      clock,
      log: { ...silentLog, error },
    })
    started.push(scheduler)
    return { scheduler, call: (path: string, body = '') => callSocket(socket, 'POST', path, body), socket }
  }
  const untilTrue = (what: string, check: () => boolean) =>
    until({ what, deadlineMs: 5_000 }, () => {
      clock.advance(500)
      return Promise.resolve(check())
    })
  const recorded = () => (etcd.read(keys.cluster)?.value as { name: string } | undefined)?.name

  it('is recorded by the first scheduler, and lets others of the cluster stand by', async () => {
    const first = await start('hpc1', 1)
    await untilTrue('the first leads', () => first.scheduler.isLeader())
    expect(recorded()).to.equal('hpc1')
    const second = await start('hpc1', 2)
    await first.scheduler.stop()
    await untilTrue('the second leads', () => second.scheduler.isLeader())
    expect(errors).to.deep.equal([])
  })

  it('is recorded where a release that knew no names has led before', async () => {
    etcd.write([], [{ put: keys.placement, value: { v: 1, lastId: 7 } }])
    const { scheduler } = await start('hpc1', 1)
    await untilTrue('it leads', () => scheduler.isLeader())
    expect([recorded(), scheduler.cache.lastId]).to.deep.equal(['hpc1', 7])
  })

  it('keeps a scheduler of another cluster from leading, also when nobody else leads, and from asking for it', async () => {
    const first = await start('hpc1', 1)
    await untilTrue('the first leads', () => first.scheduler.isLeader())
    const other = await start('hpc2', 2)
    await untilTrue('it is said', () => errors.length > 0)
    await first.scheduler.stop()
    const { revision } = etcd
    for (let second = 0; second < 120; second++) {
      clock.advance(1_000)
      await new Promise(setImmediate)
    }
    expect(other.scheduler.isLeader()).to.equal(false)
    expect([etcd.revision, recorded()]).to.deep.equal([revision, 'hpc1'])
    expect(errors).to.have.lengthOf(1)
    expect(errors[0]).to.contain(otherCluster('hpc1', 'hpc2', 'scheduler'))
  })

  it('is waited for by a call that asks for the lead before it is known', async () => {
    let confirm = () => {}
    const allowed = new Promise<void>((resolve) => (confirm = resolve))
    const store = etcd.open()
    const cache = new ClusterCache(store, silentLog, ['g*'])
    const candidate = { host: 'head', pid: 1 }
    const leadership = new LeadershipElection({ store, cache, candidate, allowed, clock, log: silentLog })
    let answer: boolean | undefined
    void leadership.become(60_000).then((leads) => (answer = leads))
    clock.advance(1_000)
    await new Promise(setImmediate)
    expect([answer, etcd.read(keys.leaderWanted)]).to.deep.equal([undefined, undefined])
    confirm()
    await untilTrue('it leads', () => answer !== undefined)
    expect(answer).to.equal(true)
    await leadership.close()
    await cache.close()
  })

  it('is told to whoever calls a scheduler of another cluster, and it goes on when that is mended', async () => {
    etcd.write([], [{ put: keys.cluster, value: { v: 1, name: 'hpc1' } }])
    const other = await start('hpc2', 1)
    await untilTrue('it is said', () => errors.length > 0)
    const slurm = await other.call('/shim/dw_wlm_cli', '--function\0pools\0')
    expect(slurm.headers['x-exit-code']).to.equal('1')
    expect(slurm.text).to.contain(otherCluster('hpc1', 'hpc2', 'scheduler'))
    const bbctl = await callSocket(other.socket, 'GET', '/v1/status')
    expect(bbctl.status).to.equal(409)
    expect(bbctl.text).to.contain(otherCluster('hpc1', 'hpc2', 'scheduler'))
    etcd.write([], [{ delete: keys.cluster }])
    await untilTrue('it leads', () => other.scheduler.isLeader())
    expect(recorded()).to.equal('hpc2')
  })
})
