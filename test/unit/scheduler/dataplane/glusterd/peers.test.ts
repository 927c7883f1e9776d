import { expect } from 'chai'
import { desiredPeers } from '../../../../../src/scheduler/dataplane/glusterd/peers.js'
import { describeRecord } from '../../../../../src/model/desiredRecord.js'
import { aCluster, aHost } from '../../../../support/builders.js'

const hosts = [aHost('gluster2'), aHost('gluster10'), aHost('gluster1'), aHost('c1', { roles: ['compute'] })]
const connected = { v: 1, state: 'connected', waitingFor: [] } as const
const records = (observed = {}, living = hosts) =>
  desiredPeers(aCluster({ hosts: living, observed })).map(describeRecord)

describe('the trusted pool', () => {
  it('is grown by one host alone, which invites every other storage host', () => {
    expect(records()).to.deep.equal(['gluster1: peer gluster2', 'gluster1: peer gluster10'])
  })

  it('has its issuer probed back by name once somebody is in', () => {
    expect(records({ 'peer gluster1/gluster2': connected })).to.include('gluster2: peer gluster1')
  })

  it('is grown by the host that knows the most peers, for who is in a pool cannot be invited into another', () => {
    expect(records({ 'peer gluster2/gluster10': connected })).to.deep.equal([
      'gluster2: peer gluster1',
      'gluster2: peer gluster10',
      'gluster10: peer gluster2',
    ])
  })

  it('is joined by the issuer, when one that could not be invited is in a pool with a host that was lost', () => {
    const refused = { ...connected, state: 'forming', problem: { message: 'part of another cluster', terminal: false } }
    expect(records({ 'peer gluster1/gluster2': refused })).to.deep.equal([
      'gluster1: peer gluster2',
      'gluster1: peer gluster10',
      'gluster2: peer gluster1',
    ])
  })

  it('waits for lost hosts, and needs nobody else for one', () => {
    expect(records({}, [hosts[0]!, aHost('gluster1', { alive: false })])).to.deep.equal([])
    expect(records({}, [])).to.deep.equal([])
  })
})
