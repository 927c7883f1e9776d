import { expect } from 'chai'
import { silentLog } from '../../../../src/daemon/log.js'
import { type Unit, UnitWriter } from '../../../../src/scheduler/loop/unitWriter.js'
import { Denied, StoreError } from '../../../../src/store/store.js'
import { HandClock } from '../../../support/handClock.js'

describe('what etcd refuses to write', () => {
  /** The pauses before each of so many tries, all of them refused. */
  async function pauses(error: StoreError, tries: number): Promise<number[]> {
    const clock = new HandClock()
    const found: number[] = []
    let due: boolean
    const writer = new UnitWriter({ write: () => Promise.reject(error) }, clock, silentLog, () => {})
    const unit: Unit = { name: 'x', compares: [], writes: [{ delete: 'x' }], again: () => (due = true) }
    while (found.length < tries) {
      due = false
      await writer.write(1, [unit])
      const start = clock.monotonicMs()
      while (!due) clock.advance(1_000)
      found.push((clock.monotonicMs() - start) / 1000)
    }
    writer.forget()
    return found
  }

  it('is tried again after longer and longer pauses, of ten minutes in the end', async () => {
    const all = await pauses(new StoreError('too large'), 12)
    expect(all.slice(0, 4)).to.deep.equal([1, 2, 4, 8])
    expect(all.slice(-2)).to.deep.equal([600, 600])
  })

  it('is tried again within a minute when rights are missing, which an operator may mend', async () => {
    expect((await pauses(new Denied('permission denied'), 12)).slice(-6)).to.deep.equal([60, 60, 60, 60, 60, 60])
  })
})
