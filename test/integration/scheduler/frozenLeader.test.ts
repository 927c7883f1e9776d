import { expect } from 'chai'
import { isStandby } from '../../../src/scheduler/commit/messages.js'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../../lab/common/until.js'
import { type Client, openClient } from '../../../src/cli/client.js'
import type { LeaderDocument } from '../../../src/model/documents/cluster.js'
import type { InventoryDocument } from '../../../src/model/documents/inventory.js'
import { openStore } from '../../../src/store/etcd.js'
import { keys } from '../../../src/store/keys.js'
import type { Store } from '../../../src/store/store.js'
import { needsEtcd, startEtcd, type TestEtcd } from '../../support/etcd.js'
import { Program } from '../../support/program.js'

describe('a leader that was stopped for longer than its lease', function () {
  this.timeout(180_000)
  const directory = mkdtempSync(join(tmpdir(), 'burstbuffer-frozen-'))
  let etcd: TestEtcd
  let store: Store
  let first: Program | undefined
  let second: Program | undefined

  before(async function () {
    needsEtcd(this)
    etcd = await startEtcd()
    store = openStore({ endpoints: [etcd.url] })
    for (const host of ['g1', 'g2', 'g3']) {
      const inventory: InventoryDocument = { v: 1, host, devices: [] }
      await store.write([], [{ put: keys.inventory(host), value: inventory }])
    }
  })
  after(async () => {
    await first?.stop()
    await second?.stop()
    await store?.close()
    await etcd?.stop()
    rmSync(directory, { recursive: true })
  })

  function scheduler(host: string): { program: Program; client: Client } {
    const [file, socket] = [join(directory, `${host}.yaml`), join(directory, `${host}.sock`)]
    const etcdSettings = { endpoints: [etcd.url], insecure: true }
    const site = { cluster: 'test', pools: { fast: { granularity: '1TB' } }, storageHosts: ['g?'] }
    writeFileSync(file, JSON.stringify({ ...site, host, socket, etcd: etcdSettings }))
    return { program: new Program('src/scheduler/main.ts', '--config', file), client: openClient(socket) }
  }

  function cordon(client: Client, host: string): Promise<unknown> {
    return client.call('cordonHost', { host, body: { who: 'test', why: 'test' } })
  }

  const leader = async () => ((await store.get(keys.leader))?.value as LeaderDocument | undefined)?.host
  const cordons = async () => (await store.list('cordons/')).entries.map(({ key }) => key)

  it('refuses, when it goes on, what it was asked to write meanwhile, and leaves the lead to the other', async () => {
    const a = scheduler('a')
    first = a.program
    await first.untilLogged('elected to lead')
    await cordon(a.client, 'g1')
    expect(await cordons()).to.deep.equal(['cordons/g1'])

    const b = scheduler('b')
    second = b.program
    await second.untilLogged('following etcd')
    first.signal('SIGSTOP')
    // The kernel takes the call for it: it finds it when it goes on.
    const late = cordon(a.client, 'g2').then(
      () => 'written',
      (error: unknown) => (error as Error).message,
    )
    await until({ what: 'b leads' }, async () => (await leader()) === 'b')
    await cordon(b.client, 'g3')
    first.signal('SIGCONT')

    expect(await late).to.contain(isStandby('b'))
    await first.untilLogged('leadership lost')
    expect(await cordons()).to.deep.equal(['cordons/g1', 'cordons/g3'])
    expect(await leader()).to.equal('b')
  })
})
