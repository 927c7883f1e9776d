import { atOnce } from '../../../src/daemon/slices.js'
import { expect } from 'chai'
import { statusView } from '../../../src/scheduler/operators/statusView.js'
import { keys } from '../../../src/store/keys.js'
import { aHost } from '../../support/builders.js'
import { Rig } from '../../support/schedulerRig.js'

describe('a document that names another host than its key', () => {
  it('counts for neither, and is shown', async () => {
    const rig = await Rig.start({ hosts: [aHost('gluster1')] })
    const other = aHost('gluster2', { devices: 9 })
    rig.etcd.write(
      [],
      [
        { put: keys.host('c2'), value: other.host },
        { put: keys.inventory('c2'), value: other.inventory },
      ],
    )
    await rig.quiet()
    expect([...rig.cache.hosts.keys(), ...rig.cache.inventories.keys()]).to.deep.equal(['gluster1', 'gluster1'])
    const scheduler = { host: 'head', leads: true, leader: 'head', etcd: 'connected' }
    const { problems } = atOnce(statusView(rig.cache, rig.deps.config, scheduler, null))
    expect(problems.filter((problem) => problem.includes('c2'))).to.have.lengthOf(2)
    expect(rig.cache.invalid.get(keys.host('c2'))).to.match(/hosts\/c2: host: /)
  })
})
