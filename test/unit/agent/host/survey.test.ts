import { expect } from 'chai'
import { listed } from '../../../../src/agent/host/survey.js'
import { toLevel } from '../../../../src/model/levels.js'

describe('what an inventory lists of a host', () => {
  const mounts = Array.from({ length: 1001 }, (_, number) => ({ path: `/mnt/burstbuffer/${number}`, source: 'g:/1' }))
  const volumes = Array.from({ length: 1001 }, (_, number) => `v${number}`)

  it('is everything where there is room, and says nothing of a cut', () => {
    const few = mounts.slice(0, 1000)
    expect(listed(few, volumes.slice(0, 1000))).to.have.keys('mounts', 'volumes')
    expect(listed(few)).to.deep.equal({ mounts: few })
  })

  it('is cut where there is none, which is said to readers that know the word', () => {
    const seen = listed(mounts, volumes)
    expect([seen.mounts?.length, seen.volumes?.length, seen.cut]).to.deep.equal([1000, 1000, ['volumes', 'mounts']])
    expect(listed(mounts, ['v1']).cut).to.deep.equal(['mounts'])
    expect(toLevel({ v: 1, ...seen }, 'inventory', 1)).to.not.have.property('cut')
  })
})
