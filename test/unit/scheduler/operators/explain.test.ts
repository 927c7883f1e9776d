import { expect } from 'chai'
import * as messages from '../../../../src/scheduler/operators/messages.js'
import { explain } from '../../../../src/scheduler/operators/explain.js'
import { aBuffer, aCluster, aHost, aSession, type ClusterParts, pool, terabyte } from '../../../support/builders.js'

const nobody = { positionOf: () => undefined }
const told = (parts: ClusterParts, capacityQueue: Parameters<typeof explain>[1] = nobody) =>
  explain(aCluster({ hosts: [aHost('gluster1')], ...parts }), capacityQueue, '5')

describe('why a job waits', () => {
  it('is not known of a job that nobody has asked for', () =>
    expect(told({})).to.deep.equal({ name: '5', isKnown: false, lines: [] }))

  it('is that the pool has no room, and who came before it', () => {
    const claim = { pool, granularityBytes: terabyte, slots: 3 }
    const { isKnown, lines } = told({}, { positionOf: () => ({ claim, ahead: 2 }) })
    expect(isKnown).to.equal(true)
    expect(lines).to.deep.equal([messages.setupWaitsForRoom(3 * terabyte, pool, 2)])
  })

  it('is what its session and its buffer wait for', () => {
    const parts = {
      sessions: [aSession({ buffer: '5' })],
      buffers: [aBuffer({ name: '5', bricks: ['gluster1/nvme1n1'] })],
    }
    expect(told(parts).lines).to.deep.equal([
      messages.stageWaits('allocated', ['brick nvme1n1 on gluster1']),
      messages.bufferIs('creating-bricks', ['brick nvme1n1 on gluster1']),
    ])
  })

  it('is nothing here, once everything is done that Slurm has asked for', () => {
    const { lines } = told({ sessions: [aSession({ stage: 'staged-in' })] })
    expect(lines).to.deep.equal([messages.stageDone('staged-in')])
  })
})
