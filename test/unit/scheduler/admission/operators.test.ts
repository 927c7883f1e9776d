import { expect } from 'chai'
import { adopt, cordon, uncordon } from '../../../../src/scheduler/admission/operators.js'
import type { ObservedBrick } from '../../../../src/model/documents/brick.js'
import { aBuffer, aCluster, aCordon, aHost, aUuid, pool } from '../../../support/builders.js'
import { aConfig, changesOf, deps, refusalOf } from '../../../support/decisions.js'
import { aDesiredBrick } from '../../../support/desired.js'
import * as messages from '../../../../src/scheduler/admission/messages.js'

const who = 'root'
const hosts = [
  aHost('gluster1', {
    devices: [
      {},
      { state: 'foreign', reason: 'an ext4 file system' },
      { state: 'refused', reason: 'it is mounted' },
      { state: 'stamped', stamp: { uuid: aUuid(9), label: 'bb-old' } },
    ],
  }),
]
const cluster = aCluster({ hosts })
const request = { host: 'gluster1', why: 'new firmware', who }

describe('cordon', () => {
  it('closes a host or one device of it', () => {
    expect(changesOf(cordon(cluster, request, deps()))).to.deep.equal(['operator cordon on gluster1'])
    const device = { ...request, device: 'nvme1n1' }
    expect(changesOf(cordon(cluster, device, deps()))).to.deep.equal(['operator cordon on gluster1/nvme1n1'])
  })

  it('changes nothing when it is so already, and takes a quarantine over', () => {
    const same = aCluster({ hosts, cordons: [aCordon('gluster1', { why: 'new firmware' })] })
    expect(cordon(same, request, deps())).to.deep.equal({ changes: [], result: { already: true } })
    const quarantined = aCluster({ hosts, cordons: [aCordon('gluster1', { kind: 'quarantine' })] })
    expect(changesOf(cordon(quarantined, request, deps()))).to.deep.equal(['operator cordon on gluster1'])
  })

  it('names the hosts and devices that there are when it is given another', () => {
    const refused = refusalOf(cordon(cluster, { ...request, host: 'gluster9' }, deps()))
    expect(refused).to.equal(messages.noHost('gluster9', ['gluster1']))
    const device = refusalOf(cordon(cluster, { ...request, device: 'sda' }, deps()))
    expect(device).to.equal(messages.noDevice('gluster1', 'sda', ['nvme1n1', 'nvme2n1', 'nvme3n1', 'nvme4n1']))
  })

  it('closes the device of a host that is lost', () => {
    const lost = aCluster({ hosts: [aHost('gluster1', { alive: false })] })
    expect(changesOf(cordon(lost, { ...request, device: 'nvme1n1' }, deps()))).to.have.length(1)
  })
})

describe('uncordon', () => {
  it('opens what was cordoned or in quarantine, also a device that is not listed any more', () => {
    const cordoned = aCluster({ hosts, cordons: [aCordon('gluster1/nvme9n1', { kind: 'quarantine' })] })
    const decision = uncordon(cordoned, { host: 'gluster1', device: 'nvme9n1' })
    expect(changesOf(decision)).to.deep.equal(['no cordon on gluster1/nvme9n1'])
  })

  it('says so when there was none, and refuses a place that does not exist', () => {
    expect(uncordon(cluster, { host: 'gluster1' })).to.deep.equal({ changes: [], result: { already: true } })
    expect(refusalOf(uncordon(cluster, { host: 'nowhere' }))).to.equal(messages.noHost('nowhere', ['gluster1']))
  })
})

describe('uncordon of a quarantine', () => {
  const place = 'gluster1/nvme1n1'
  const request = { host: 'gluster1', device: 'nvme1n1' }
  const leaving = aDesiredBrick({ wanted: 'absent' })
  const of = (report: Partial<ObservedBrick>, kind: 'quarantine' | 'operator' = 'quarantine') => {
    const common = { v: 1 as const, uuid: leaving.uuid, directory: 'brick', state: 'leaving' as const, waitingFor: [] }
    const [desired, observed] = [{ [`brick ${place}`]: leaving }, { [`brick ${place}`]: { ...common, ...report } }]
    return uncordon(aCluster({ hosts, cordons: [aCordon(place, { kind })], desired, observed }), request)
  }
  const problem = { message: 'EIO', terminal: true }

  it('is refused while its agent says what would bring it back at once', () => {
    expect(refusalOf(of({ problem }))).to.equal(messages.stillFailing(place, 'EIO'))
  })

  it('is done when the agent has looked again, or speaks of an earlier brick, or an operator had cordoned it', () => {
    const done = ['no cordon on gluster1/nvme1n1']
    expect(changesOf(of({ state: 'absent' }))).to.deep.equal(done)
    expect(changesOf(of({ problem: { ...problem, terminal: false } }))).to.deep.equal(done)
    expect(changesOf(of({ problem, uuid: aUuid(8) }))).to.deep.equal(done)
    expect(changesOf(of({ problem }, 'operator'))).to.deep.equal(done)
  })
})

describe('adopt', () => {
  const { config } = deps()
  const of = (device: string, parts = {}) =>
    adopt(aCluster({ hosts, ...parts }), { host: 'gluster1', device, who }, { now: 1_000, config })

  it('carries what the operator saw, so that a disk which changed meanwhile is not wiped', () => {
    const decision = of('nvme2n1')
    expect(changesOf(decision)).to.deep.equal(['adopt gluster1/nvme2n1'])
    expect(decision).to.have.nested.property('changes[0].document.expected', 'an ext4 file system')
    expect(decision).to.have.nested.property('changes[0].document.until', 1_600)
    expect(decision).to.have.nested.property('changes[0].document.identity', 'serial:gluster1-nvme2n1')
  })

  it('is refused for a disk that another host sees too', () => {
    const devices = [{ state: 'foreign' as const, reason: 'an ext4 file system', identity: 'wwn:eui.1234' }]
    const both = ['gluster1', 'gluster2'].map((name) => aHost(name, { devices }))
    expect(refusalOf(of('nvme1n1', { hosts: both }))).to.contain('the same disk as gluster2/nvme1n1')
  })

  it('takes a brick of ours that no buffer claims, by its stamp', () => {
    expect(of('nvme4n1')).to.have.nested.property('changes[0].document.expected', `the brick ${aUuid(9)}`)
  })

  it('asks for the wipe of the pool, and for none that the device cannot do', () => {
    const wipes = { discard: true, sanitize: 'no' as const, reason: 'it is not an NVMe drive' }
    const devices = [{ state: 'foreign' as const, reason: 'an ext4 file system', wipes }]
    const adoptWith = (wipe: 'discard' | 'zero' | 'sanitize') => {
      const pools = { [pool]: { granularity: '1TB', wipe } }
      const cluster = aCluster({ hosts: [aHost('gluster1', { devices })] })
      return adopt(cluster, { host: 'gluster1', device: 'nvme1n1', who }, { now: 1_000, config: aConfig({ pools }) })
    }
    expect(adoptWith('discard')).not.to.have.nested.property('changes[0].document.wipe')
    expect(adoptWith('zero')).to.have.nested.property('changes[0].document.wipe', 'zero')
    expect(refusalOf(adoptWith('sanitize'))).to.contain('it is not an NVMe drive')
  })

  it('is refused for a device that is blank, cannot be used, belongs to a buffer, or whose host is away', () => {
    expect(refusalOf(of('nvme1n1'))).to.equal(messages.deviceBlank('gluster1/nvme1n1'))
    expect(refusalOf(of('nvme3n1'))).to.equal(messages.deviceUnusable('gluster1/nvme3n1', 'it is mounted'))
    expect(refusalOf(of('nvme4n1', { buffers: [aBuffer({ bricks: ['gluster1/nvme4n1'] })] }))).to.equal(
      messages.deviceInUse('gluster1/nvme4n1'),
    )
    expect(refusalOf(of('nvme4n1', { desired: { 'brick gluster1/nvme4n1': {} } }))).to.equal(
      messages.deviceInUse('gluster1/nvme4n1'),
    )
    expect(refusalOf(of('nvme2n1', { hosts: [{ ...hosts[0]!, alive: false }] }))).to.equal(messages.noAgent('gluster1'))
  })
})
