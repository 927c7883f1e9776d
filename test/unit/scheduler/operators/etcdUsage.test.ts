import { expect } from 'chai'
import * as messages from '../../../../src/scheduler/operators/messages.js'
import { etcdProblems, EtcdUsage } from '../../../../src/scheduler/operators/etcdUsage.js'
import { FakeEtcd } from '../../../../src/store/fake.js'
import { StoreUnavailable } from '../../../../src/store/store.js'
import { HandClock } from '../../../support/handClock.js'

const gib = 1024 ** 3
const quotaBytes = 2 * gib
const https = ['https://etcd1:2379']
const sized = (sizeBytes: number, inUseBytes: number, isFull = false) =>
  etcdProblems({ sizeBytes, inUseBytes, isFull, quotaBytes }, https).join()

describe("etcd's database", () => {
  it('is no problem below half of its quota', () => {
    expect(sized(gib - 1, gib - 1)).to.equal('')
  })

  it('is a problem from half of its quota on: by what is in use, or by free pages that a defragmentation gives back', () => {
    expect(sized(gib, gib)).to.equal(messages.etcdFillsUp({ sizeBytes: gib, inUseBytes: gib, quotaBytes }))
    expect(sized(gib, 1000)).to.equal(messages.etcdNeedsDefrag({ sizeBytes: gib, inUseBytes: 1000, quotaBytes }))
  })

  it('is a problem when it is full, whatever its size', () => {
    expect(sized(1000, 1000, true)).to.equal(messages.etcdIsFull({ sizeBytes: 1000, inUseBytes: 1000, quotaBytes }))
  })

  it('is unknown before it was asked for, and stays as it was while etcd is away', async () => {
    const clock = new HandClock()
    const store = new FakeEtcd(clock).open()
    const usage = new EtcdUsage(store, quotaBytes, clock)
    expect(usage.view()).to.equal(null)
    await usage.refresh()
    expect(usage.view()).to.include({ quotaBytes, isFull: false })
    store.usage = () => Promise.reject(new StoreUnavailable('away'))
    clock.advance(60_000)
    await usage.refresh()
    expect(usage.view()).to.include({ quotaBytes, isFull: false })
  })
})

describe('etcd without TLS', () => {
  it('needs a look, by its endpoints', () => {
    expect(etcdProblems(null, ['https://etcd1:2379', 'http://etcd2:2379']).join()).to.equal(
      messages.etcdWithoutTls(['http://etcd2:2379']),
    )
    expect(etcdProblems(null, https)).to.deep.equal([])
  })
})
