import { outOfSpace } from '../../../src/store/messages.js'
import { expect } from 'chai'
import { openStore } from '../../../src/store/etcd.js'
import { OutOfSpace, type Store } from '../../../src/store/store.js'
import { needsEtcd, startEtcd, type TestEtcd } from '../../support/etcd.js'

const quotaBytes = 2 * 1024 ** 2
const filling = 'x'.repeat(200 * 1024)

describe('an etcd that is out of space', function () {
  this.timeout(120_000)
  let etcd: TestEtcd
  let store: Store

  before(async function () {
    needsEtcd(this)
    etcd = await startEtcd('--quota-backend-bytes', String(quotaBytes))
    store = openStore({ endpoints: [etcd.url] })
    await store.write([], [{ put: 'buffers/kept', value: { v: 1 } }])
    // Under one key, so that compaction gives all of it back.
    expect(await failureOf(async () => fill())).to.be.instanceOf(OutOfSpace)
  })
  after(async () => {
    await store?.close()
    await etcd?.stop()
  })

  async function fill(): Promise<void> {
    for (let round = 0; round < 100; round++) await store.write([], [{ put: 'filling', value: filling }])
  }

  it('is told apart from one that is away, with what an operator can do', async () => {
    const error = await failureOf(() => store.write([], [{ put: 'buffers/new', value: { v: 1 } }]))
    expect(error).to.be.instanceOf(OutOfSpace)
    expect(error.message).to.equal(outOfSpace())
  })

  it('has written nothing of a transaction that it refused', async () => {
    const writes = [
      { put: 'buffers/a', value: { v: 1 } },
      { put: 'buffers/b', value: { v: 1 } },
      { delete: 'buffers/kept' },
    ]
    expect(await failureOf(() => store.write([], writes))).to.be.instanceOf(OutOfSpace)
    const { entries } = await store.list('buffers/')
    expect(entries.map(({ key }) => key)).to.deep.equal(['buffers/kept'])
  })

  it('can still be read and watched, so that nothing is taken for gone', async () => {
    const seen = await new Promise<string[]>((resolve) => {
      const found: string[] = []
      const watch = store.watch('buffers/', {
        onChanges: (changes) => found.push(...changes.map(({ key }) => key)),
        onSynced: () => void watch.close().then(() => resolve(found)),
      })
    })
    expect(seen).to.deep.equal(['buffers/kept'])
  })

  it('takes writes again when an operator has made room', async () => {
    etcd.ctl('compact', String((await store.list('buffers/')).revision))
    etcd.ctl('defrag')
    etcd.ctl('alarm', 'disarm')
    expect(await store.write([], [{ put: 'buffers/new', value: { v: 1 } }])).to.have.property('won', true)
  })
})

async function failureOf(act: () => Promise<unknown>): Promise<Error> {
  try {
    await act()
  } catch (error) {
    return error as Error
  }
  throw new Error('it did not fail')
}
