import { expect } from 'chai'
import type { DirectVolume } from '../../../src/model/documents/volume.js'
import { fingerprintOf } from '../../../src/model/fingerprint.js'
import { isGoneFrom, isUnserved } from '../../../src/model/volumes.js'
import { aBrick, aBuffer, aCluster, aHost, aUuid, volumeReport } from '../../support/builders.js'
import { aDirectVolume } from '../../support/desired.js'

describe('a host that lost its brick of a buffer and has another one of it now', () => {
  const brick = aBrick('gluster1/nvme2n1')
  const buffer = { ...aBuffer({ dataPlane: 'direct' }), bricks: [brick] }
  const { id, name, volume } = buffer
  const document = (parts: Partial<DirectVolume>) =>
    aDirectVolume({ volume, buffer: { id, name }, exports: [], ...parts })
  const bricks = [{ device: 'nvme2n1', uuid: aUuid(2), port: 29_001 }]
  const earlier = document({ bricks: [], wanted: 'absent' })
  const reported = (told: DirectVolume) => volumeReport(buffer, { state: 'absent', allow: fingerprintOf(told) })
  const clusterOf = (told: DirectVolume, reports: ReturnType<typeof reported>) =>
    aCluster({
      hosts: [aHost('gluster1')],
      buffers: [buffer],
      desired: { [`volume gluster1/${volume}`]: told },
      observed: reports,
    })

  it('may serve it as soon as it is told to, though it has reported the earlier one gone', () => {
    const cluster = clusterOf(document({ bricks }), reported(earlier))
    expect(isGoneFrom(cluster, buffer, 'gluster1')).to.equal(false)
    expect(isUnserved(cluster, buffer, brick)).to.equal(false)
  })

  it('is rid of it when it has reported so of this very brick', () => {
    const told = document({ bricks, wanted: 'absent' })
    expect(isGoneFrom(clusterOf(told, reported(earlier)), buffer, 'gluster1')).to.equal(false)
    expect(isGoneFrom(clusterOf(told, reported(told)), buffer, 'gluster1')).to.equal(true)
  })
})
