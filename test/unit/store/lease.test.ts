import { expect } from 'chai'
import { EventEmitter } from 'node:events'
import { silentLog } from '../../../src/daemon/log.js'
import { type Connection, defaultTimings } from '../../../src/store/connection.js'
import { EtcdLease, leaseTimes } from '../../../src/store/lease.js'
import { HandClock } from '../../support/handClock.js'

/** A server's side of renewals: silent to the first, and a second late with its answers to the others. */
class Renewals extends EventEmitter {
  asked = 0
  constructor(private readonly clock: HandClock) {
    super()
  }
  write(): void {
    if (this.asked++ > 0) this.clock.after(1_000, () => this.emit('data', { TTL: '10' }))
  }
  end(): void {}
  cancel(): void {}
}

const settled = async () => {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
}

describe('a lease', () => {
  it('is kept when one renewal gets no answer', async () => {
    const clock = new HandClock()
    const renewals = new Renewals(clock)
    const connection = {
      timings: defaultTimings,
      clock,
      log: silentLog,
      isClosed: false,
      watchLiveness: () => () => {},
      heard: () => {},
      failed: () => {},
      attempt: () => Promise.resolve({ ID: '1' }),
      ready: () => Promise.resolve({ generation: 1, client: { leaseKeepAlive: () => Promise.resolve(renewals) } }),
      onReset: () => () => {},
    } as unknown as Connection
    const lease = await EtcdLease.grant(connection, 10)
    let lost = false
    lease.onLost(() => (lost = true))
    const states = new Set([lease.state])
    for (let ms = 0; ms < 20_000; ms += 100) {
      clock.advance(100)
      await settled()
      states.add(lease.state)
    }
    expect(renewals.asked).to.be.above(4)
    expect(lost).to.equal(false)
    expect(lease.isHeld()).to.equal(true)
    expect([...states]).to.deep.equal(['waiting', 'renewing'])
    lease.letExpire()
    expect(lease.state).to.equal('lost')
    expect(lease.isHeld()).to.equal(false)
  })

  for (const ttlSeconds of [3, 10, 15]) {
    it(`of ${ttlSeconds} seconds leaves time for a whole second try when the first gets no answer`, () => {
      const { everyMs, deadlineMs, retryMs, heldMs } = leaseTimes(ttlSeconds)
      expect(everyMs + deadlineMs + retryMs + deadlineMs).to.be.below(heldMs)
    })
  }
})
