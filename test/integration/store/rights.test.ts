import { expect } from 'chai'
import { ignored } from '../../../src/scheduler/cluster/messages.js'
import { ofHost } from '../../../src/scheduler/operators/messages.js'
import { execFileSync } from 'node:child_process'
import { until } from '../../../lab/common/until.js'
import { openStore } from '../../../src/store/etcd.js'
import { keys } from '../../../src/store/keys.js'
import { Denied, type Store } from '../../../src/store/store.js'
import { aHost, alice } from '../../support/builders.js'
import { needsEtcd } from '../../support/etcd.js'
import { startEtcdWithUsers } from '../../support/etcdUsers.js'
import { StandaloneRig } from '../../support/standaloneRig.js'

type Users = Awaited<ReturnType<typeof startEtcdWithUsers>>

describe('the rights that etc/etcd-users.sh gives', function () {
  this.timeout(60_000)
  let users: Users
  const stores: Store[] = []
  const as = (name: string) => {
    const store = openStore({ endpoints: [users.etcd.url], user: users.user(name) })
    stores.push(store)
    return store
  }

  before(async function () {
    needsEtcd(this)
    users = await startEtcdWithUsers('scheduler storage host1 host10 both compute c1 both', 'storage gone')
  })
  after(async () => {
    await Promise.all(stores.map((store) => store.close()))
    await users?.etcd.stop()
  })

  /** Which of these keys may be written; the others are denied. */
  async function writable(store: Store, all: string[]): Promise<string[]> {
    const found: string[] = []
    for (const key of all) {
      try {
        await store.write([], [{ put: key, value: { v: 1 } }])
        found.push(key)
      } catch (error) {
        expect(error, key).to.be.instanceOf(Denied)
      }
    }
    return found
  }
  const kinds = ['brick', 'volume', 'peer', 'adopt', 'transfer', 'mount', 'swap'] as const
  const everything = (host: string) => [
    keys.host(host),
    keys.inventory(host),
    ...kinds.map((kind) => keys.observed(host, kind, 'x')),
  ]
  const ofOthers = [
    ...['desired/host1/brick/nvme1n1', 'desired/c1/mount/1.1', 'observed/host10/peer/host1', 'hosts/host10'],
    ...['inventory/host10', 'hosts/c10', 'buffers/a', 'sessions/5', 'leader', 'cluster', 'placement', 'cordons/host1'],
  ]

  it('let a storage host report what is of storage hosts, of itself alone', async () => {
    expect(await writable(as('host1'), [...everything('host1'), ...ofOthers])).to.deep.equal(
      everything('host1').filter((key) => !/mount|swap/.test(key)),
    )
  })

  it('let a compute node report mounts and swap, and nothing of bricks, volumes, peers and transfers', async () => {
    expect(await writable(as('c1'), [...everything('c1'), ...ofOthers])).to.deep.equal(
      everything('c1').filter((key) => /hosts|inventory|mount|swap/.test(key)),
    )
  })

  it('let a host that is both report both', async () => {
    expect(await writable(as('both'), everything('both'))).to.deep.equal(everything('both'))
  })

  it('let every host read what it is told, what it has reported, and who leads', async () => {
    for (const host of ['host1', 'c1']) {
      const agent = as(host)
      await agent.list(keys.desiredOf(host))
      await agent.list(keys.observedOf(host))
      await agent.get(keys.leader)
      await agent.get(keys.cluster)
      for (const prefix of ['desired/host10/', 'observed/host10/', 'sessions/', ''])
        expect(await agent.list(prefix).catch((error: unknown) => error), prefix).to.be.instanceOf(Denied)
    }
  })

  it('are those of the kind alone when a host had the wider ones of the first release', async () => {
    const ctl = (...words: string[]) => users.etcd.ctl('--user', 'root:secret', ...words)
    ctl('role', 'grant-permission', 'gone', 'readwrite', '--prefix=true', '/burstbuffer/observed/gone/')
    const agent = as('gone')
    expect(await writable(agent, ['observed/gone/mount/x'])).to.have.lengthOf(1)
    users.addUsers('storage gone')
    expect(await writable(agent, ['observed/gone/mount/x', 'observed/gone/brick/x'])).to.deep.equal([
      'observed/gone/brick/x',
    ])
  })

  it('are given to nobody whose kind is not said', () => {
    const call =
      (...words: string[]) =>
      () =>
        execFileSync('etc/etcd-users.sh', words, { stdio: 'pipe' })
    expect(call('scheduler', 'host1')).to.throw(/write storage or compute before host1/)
    expect(call('storage', 'a/b')).to.throw(/a\/b is not a host name/)
    expect(call()).to.throw(/usage/)
  })
})

describe('a cluster on an etcd with authentication', function () {
  this.timeout(120_000)
  let users: Users
  const rig = new StandaloneRig()

  before(async function () {
    needsEtcd(this)
    users = await startEtcdWithUsers('scheduler storage gluster1 gluster2 compute c1 c2')
    await rig.start([users.etcd.url], { settings: { swap: true }, user: users.user })
    await until({ what: 'six devices are free' }, async () => (await rig.status()).pools[0]?.freeBytes === 6e12)
  })
  after(async () => {
    await rig.stop()
    await users?.etcd.stop()
  })

  it('takes a job with a stage-in, mounts and swap through all of its calls, each program with its own rights', async () => {
    const script = rig.file(
      'job',
      '#!/bin/sh\n#DW jobdw capacity=3TB access_mode=striped type=scratch\n#DW swap 1GiB\n#DW stage_in type=file source=/lustre/a destination=$DW_JOB_STRIPED/a\n',
    )
    const job = `--token 347 --job ${script}`
    const calls = [
      `setup ${job} --caller SLURM --user ${alice.uid} --groupid ${alice.gid} --capacity dedicated_nvme:3TB`,
      `data_in ${job}`,
      `pre_run ${job} --nodehostnamefile ${rig.file('nodes', 'c1\n')}`,
      `post_run ${job}`,
      `data_out ${job}`,
      `teardown ${job}`,
    ]
    for (const call of calls) expect(await rig.slurm(call), call).to.include({ code: 0 })
    expect(rig.warnings.filter((warning) => /denied|denies/i.test(warning))).to.deep.equal([])
  })

  it('gives nothing to a compute node that says it is a storage host, and shows what it says', async () => {
    const pretender = aHost('c2', { devices: 50, roles: ['storage', 'compute'] })
    const store = openStore({ endpoints: [users.etcd.url], user: users.user('c2') })
    try {
      await store.write([], [{ put: keys.host('c2'), value: { ...pretender.host, stagePaths: ['/etc'] } }])
      await store.write([], [{ put: keys.inventory('c2'), value: pretender.inventory }])
      const words = ofHost('c2', ignored(['the role storage', '50 devices', '1 stage path']))
      await until({ what: 'it is shown' }, async () => (await rig.status()).problems.join('\n').includes(words))
      expect((await rig.status()).pools[0]).to.include({ totalBytes: 6e12, freeBytes: 6e12 })
      const refused = await rig.slurm(
        `create_persistent -c CLI -t large -u ${alice.uid} -C dedicated_nvme:7TB -a striped -T scratch`,
      )
      expect(refused.code).to.equal(1)
      expect((await store.list(keys.desiredOf('c2'))).entries).to.deep.equal([])
    } finally {
      await store.close()
    }
    const told = users.etcd.ctl('--user', 'root:secret', 'get', '--prefix', '--keys-only', '/burstbuffer/desired/')
    expect(told).to.contain('/peer/gluster')
    expect(told).to.not.contain('c2')
  })
})
