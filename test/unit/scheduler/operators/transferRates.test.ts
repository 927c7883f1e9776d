import { expect } from 'chai'
import { TransferRates } from '../../../../src/scheduler/operators/transferRates.js'
import { aBuffer, aCluster, aHost, aSession, aTransfer, transferReport } from '../../../support/builders.js'
import { aDesiredTransfer } from '../../../support/desired.js'
import { HandClock } from '../../../support/handClock.js'

describe('the rate of a transfer', () => {
  it('is that of the last minute, also when thirty hosts report ten times a second', () => {
    const session = aSession({ buffer: '5', stage: 'staging-in', transfers: [aTransfer()] })
    const parts = {
      hosts: [aHost('gluster1')],
      buffers: [aBuffer({ name: '5', builtAt: 1 })],
      sessions: [session],
      desired: { 'transfer gluster1/20.1': aDesiredTransfer({ part: 'copy' }) },
    }
    const told = { host: 'gluster1', id: '20.1', document: aDesiredTransfer({ part: 'copy' }) }
    const cache = { ...aCluster(parts), index: { sessionKey: () => '5', desiredOf: () => [told] } }
    const clock = new HandClock()
    const rates = new TransferRates(cache as never, clock)
    // A gigabyte a second for a minute, and then nothing for half a minute.
    for (let tick = 0; tick <= 900; tick++) {
      const bytes = Math.min(tick, 600) * 1e8
      const counts = { files: 1, bytes, totalFiles: 2, totalBytes: 1e12, failed: 0 }
      const observed = transferReport('gluster1', session, { part: 'copy', counts })
      cache.observed = aCluster({ ...parts, observed }).observed
      for (let host = 0; host < 30; host++) rates.note('20.1')
      clock.advance(100)
    }
    expect(rates.rateOf(20, 1)).to.be.within(0.45e9, 0.55e9)
  })
})
