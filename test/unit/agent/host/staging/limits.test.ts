import { expect } from 'chai'
import { limitedPath, rateOfRun, type StageLimits } from '../../../../../src/agent/host/staging/limits.js'

describe('limits of staging', () => {
  const limits: StageLimits = {
    host: { slots: 4, bytesPerSecond: 400 },
    user: { slots: 2, bytesPerSecond: 300 },
    paths: { '/lustre': { bytesPerSecond: 100 }, '/lustre/fast': {} },
  }

  it('count for the longest path that a file is below', () => {
    expect(limitedPath(limits, '/lustre/alice/a')).to.equal('/lustre')
    expect(limitedPath(limits, '/lustre/fast/a')).to.equal('/lustre/fast')
    expect(limitedPath(limits, '/lustre2/a')).to.equal(undefined)
    expect(limitedPath(limits, undefined)).to.equal(undefined)
  })

  it('give each run its part of the lowest rate, so that all slots together keep to it', () => {
    expect(rateOfRun(limits, undefined)).to.equal(100)
    expect(rateOfRun(limits, '/lustre')).to.equal(25)
    expect(rateOfRun({ ...limits, host: { slots: 4 } }, '/lustre/fast')).to.equal(150)
    expect(rateOfRun({ host: { slots: 4 }, user: {}, paths: {} }, undefined)).to.equal(0)
  })
})
