import { expect } from 'chai'
import PQueue from 'p-queue'
import { until } from '../../../../lab/common/until.js'
import type { Host, TransferFacts } from '../../../../src/agent/port/host.js'
import { byName } from '../../../../src/agent/reconcile/oneByOne.js'
import { Reconciler } from '../../../../src/agent/reconcile/reconciler.js'
import { silentLog } from '../../../../src/daemon/log.js'
import type { ObservedTransfer } from '../../../../src/model/documents/transfer.js'
import { levels } from '../../../../src/model/levels.js'
import { keys } from '../../../../src/store/keys.js'
import { FakeEtcd } from '../../../../src/store/fake.js'
import { aDesiredTransfer } from '../../../support/desired.js'
import { HandClock } from '../../../support/handClock.js'

const key = keys.desired('gluster1', 'transfer', '3.1')
const reportKey = keys.observed('gluster1', 'transfer', '3.1')
const second = 1_000

describe('the reports of a transfer that is under way', () => {
  /** Looks once a second for so long at a copy that goes at that speed; gives how often the report was written. */
  async function writes(seconds: number, bytesASecond: number, totalBytes: number, hosts = 1) {
    const clock = new HandClock()
    const etcd = new FakeEtcd(clock)
    let looks = 0
    let bytes = 0
    let failures: string[] = []
    let isDone = false
    const tally = () => ({ counts: { files: 0, bytes, totalFiles: 1, totalBytes, failed: 0 }, failures })
    const facts = (): Promise<TransferFacts> => {
      looks++
      return Promise.resolve({ mounted: true, orphans: 0, ...(isDone ? { done: tally() } : { running: tally() }) })
    }
    const host = { name: 'gluster1', observe: { transfer: facts }, effects: {} } as unknown as Host
    const document = aDesiredTransfer({ part: 'copy', share: { index: 0, of: hosts } })
    etcd.write([], [{ put: key, value: document }])
    const entry = { id: '3.1', kind: 'transfer', document, modRevision: etcd.read(key)!.modRevision } as const
    const limit = new PQueue({ concurrency: 1 })
    const store = etcd.open()
    let written = 0
    const counted = {
      ...store,
      get: store.get.bind(store),
      write: (...args: Parameters<typeof store.write>) => {
        written++
        return store.write(...args)
      },
    } as typeof store
    const rest = {
      roles: ['storage'] as const,
      clock,
      log: silentLog,
      level: () => levels.highest,
      oneByOne: byName(),
      limitOf: () => limit,
      onBrickReady: () => {},
      refreshInventory: () => Promise.resolve(),
    }
    const reconciler = new Reconciler<'transfer'>(entry, entry, { host, store: counted, ...rest }, () => {})
    // The next look has its time: what moves the clock before that moves nothing.
    const untilItWaits = async () => {
      while (clock.timersLeft === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    const look = async () => {
      const before = looks
      clock.advance(second)
      await until({ what: 'a look' }, () => Promise.resolve(looks > before))
      await untilItWaits()
    }
    await until({ what: 'the first report' }, () => Promise.resolve(etcd.read(reportKey) !== undefined))
    await untilItWaits()
    for (let n = 0; n < seconds; n++) {
      bytes += bytesASecond
      await look()
    }
    const report = () => etcd.read(reportKey)!.value as ObservedTransfer
    return {
      written: () => written,
      report,
      look,
      fail: (words: string) => (failures = [words]),
      end: () => (isDone = true),
      stop: () => reconciler.stop(),
    }
  }

  it('are few: every second at first, then every ten while little has moved', async () => {
    const { written, stop } = await writes(310, 1, 1_000_000)
    await stop()
    expect(written()).to.be.within(10 + 29, 11 + 31)
  })

  it('come when a hundredth has been moved', async () => {
    const { written, stop } = await writes(110, 500, 100_000)
    await stop()
    // Every other second, behind the first ten.
    expect(written()).to.be.within(10 + 48, 11 + 52)
  })

  it('are shared by the hosts of a transfer: thirty report as often as one', async () => {
    const slow = await writes(310, 1, 1_000_000, 30)
    await slow.stop()
    expect(slow.written()).to.be.within(10, 12)
    const fast = await writes(100, 1_000, 100_000, 30)
    await fast.stop()
    expect(fast.written()).to.be.within(4, 5)
  })

  it('come at once when something failed, and when it has ended, with the last counts', async () => {
    const { written, report, look, fail, end, stop } = await writes(12, 1, 1_000_000)
    const before = written()
    fail('a: No such file or directory')
    await look()
    expect(written()).to.equal(before + 1)
    end()
    await look()
    await stop()
    expect(written()).to.equal(before + 2)
    expect(report()).to.deep.include({ state: 'done' })
    expect(report().counts.bytes).to.equal(12)
  })
})
