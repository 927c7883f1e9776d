import { expect } from 'chai'
import { silentLog } from '../../../src/daemon/log.js'
import type { Transaction } from '../../../src/scheduler/commit/transaction.js'
import { type Unit, UnitWriter } from '../../../src/scheduler/loop/unitWriter.js'
import { openStore } from '../../../src/store/etcd.js'
import { keys } from '../../../src/store/keys.js'
import type { Store } from '../../../src/store/store.js'
import { needsEtcd, startEtcd, type TestEtcd } from '../../support/etcd.js'
import { HandClock } from '../../support/handClock.js'

describe('a write that etcd refuses', function () {
  this.timeout(120_000)
  let etcd: TestEtcd
  let store: Store
  let fence: number
  before(async function () {
    needsEtcd(this)
    etcd = await startEtcd()
    store = openStore({ endpoints: [etcd.url] })
    const written = await store.write([], [{ put: keys.leader, value: { v: 1 } }])
    if (written.won) fence = written.revision
  })
  after(async () => {
    await store?.close()
    await etcd?.stop()
  })

  const clock = new HandClock()
  let requests = 0
  const again: string[] = []
  const commits = {
    write: async ({ compares, writes }: Transaction) => {
      requests++
      return (await store.write(compares, writes)).won
    },
  }
  const unit = (name: string, bytes: number): Unit => ({
    name,
    compares: [{ key: name, modRevision: 0 }],
    writes: [{ put: name, value: { text: 'x'.repeat(bytes) } }],
    again: () => void again.push(name),
  })
  const stored = async (prefix: string) => (await store.list(prefix)).entries.map(({ key }) => key)

  it('does not come about because many are written together', async () => {
    const units = Array.from({ length: 40 }, (_, n) => unit(`sessions/${n}`, 60_000))
    await new UnitWriter(commits, clock, silentLog, () => {}).write(fence, units)
    expect(await stored('sessions/')).to.have.length(40)
    expect(requests).to.be.lessThan(6)
  })

  it('keeps nothing else from being written, is shown, and is tried again later and later', async () => {
    const writer = new UnitWriter(commits, clock, silentLog, () => {})
    const names = ['a', 'b', 'too-large', 'c', 'd'].map((name) => `buffers/${name}`)
    const units = names.map((name) => unit(name, name.endsWith('too-large') ? 3_000_000 : 10))
    await writer.write(fence, units)
    expect(await stored('buffers/')).to.deep.equal(['a', 'b', 'c', 'd'].map((name) => `buffers/${name}`))
    expect(writer.problems().join()).to.match(/^etcd refuses to store buffers\/too-large: .*larg/)

    requests = 0
    await writer.write(fence, [units[2]!])
    expect(requests, 'it is held back').to.equal(0)
    clock.advance(1_000)
    expect(again).to.deep.equal(['buffers/too-large'])
    await writer.write(fence, [units[2]!])
    expect(requests).to.equal(2)
    clock.advance(1_000)
    expect(again).to.have.length(1)
    clock.advance(1_000)
    expect(again).to.have.length(2)

    await writer.write(fence, [unit('buffers/too-large', 10)])
    expect(writer.problems()).to.deep.equal([])
    expect(await stored('buffers/')).to.include('buffers/too-large')
  })
})
