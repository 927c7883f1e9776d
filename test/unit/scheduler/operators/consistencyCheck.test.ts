import { atOnce } from '../../../../src/daemon/slices.js'
import { listedVolumes, servedVolumes } from '../../../../src/scheduler/dataplane/index.js'
import { expect } from 'chai'
import * as messages from '../../../../src/scheduler/operators/messages.js'
import { checkCluster, check, sessionsToEnd } from '../../../../src/scheduler/operators/consistencyCheck.js'
import type { DifferenceView } from '../../../../src/model/api.js'
import { desiredOfBuffer } from '../../../../src/scheduler/desired/index.js'
import {
  aBuffer,
  aCluster,
  aDevice,
  aHost,
  aSession,
  aUuid,
  brickReports,
  type ClusterParts,
  type Hosted,
  volumeReport,
} from '../../../support/builders.js'
import type { Cluster } from '../../../../src/model/cluster.js'
import type { BufferDocument } from '../../../../src/model/documents/buffer.js'
import type { InventoryDocument } from '../../../../src/model/documents/inventory.js'
import { aConfig } from '../../../support/decisions.js'
import { BusyClock, mostStepsTogether } from '../../../support/handClock.js'

const config = aConfig()
const buffer = aBuffer({ builtAt: 5 })
const stamp = { uuid: buffer.bricks[0]!.uuid, label: 'bb-mytest' }
const session = aSession({ token: 'mytest', buffer: 'mytest' })
const mounts = [{ path: '/data/glusterfs/nvme1n1', source: '/dev/nvme1n1' }]

function gluster1(seen: object = {}, devices: object[] = [{ state: 'stamped', stamp }, {}]): Hosted {
  const host = aHost('gluster1', { devices })
  return { ...host, inventory: { ...host.inventory, volumes: ['mytest'], mounts, ...seen } }
}

/** Nothing at each step of a check, and at its end what it has found. */
function* stepsUntilDone(cluster: Cluster): Generator<DifferenceView[]> {
  const looking = check(cluster, config, 1000)
  for (;;) {
    const { done, value } = looking.next()
    yield value ?? []
    if (done) return
  }
}

/** The cluster with everything as it should be, but for these parts. */
function found(parts: ClusterParts = {}, now = 1000): string[] {
  const base: ClusterParts = {
    hosts: [gluster1()],
    buffers: [buffer],
    sessions: [session],
    observed: { ...brickReports(buffer), ...volumeReport(buffer) },
    ...parts,
  }
  const records = desiredOfBuffer(aCluster(base), buffer, config)
  const desired = Object.fromEntries(
    records.map(({ host, kind, id, document }) => [`${kind} ${host}/${id}`, { ...document, fence: 3 } as never]),
  )
  return atOnce(check(aCluster({ desired, ...base }), config, now)).map(
    ({ where, what, safe }) => `${safe ? '* ' : ''}${where}: ${what}`,
  )
}

const { found: told } = messages

describe('a check', () => {
  it('finds no difference where there is none', () => expect(found()).to.deep.equal([]))

  it('lets others have their turn while it looks at many buffers, of which some go meanwhile', async () => {
    const clock = new BusyClock()
    const many = Array.from({ length: 1_000 }, (_, n) =>
      aBuffer({ name: `b${n}`, id: 100 + n, bricks: [`g/nvme${n}n1`] }),
    )
    const buffers = new Map(many.map((one) => [one.name, one]))
    let found: DifferenceView[] | undefined
    void checkCluster({ ...aCluster(), buffers }, config, clock).then((all) => (found = all))
    let turns = 0
    for (; !found; turns++) {
      if (turns === 3) buffers.delete('b999')
      clock.advance(0)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(turns).to.be.at.least(1_000 / mostStepsTogether)
    expect(found.filter(({ what }) => what === told.desiredMissing().what)).to.have.lengthOf(999)
  })

  it("calls nothing nobody's of which the buffer comes while it looks", () => {
    const other = aBuffer({ name: 'other', id: 11, bricks: ['gluster1/nvme2n1'], builtAt: 5 })
    const theirs = { uuid: other.bricks[0]!.uuid, label: 'bb-other' }
    const mount = { path: '/data/glusterfs/nvme2n1', source: '/dev/nvme2n1' }
    const after = aCluster({
      buffers: [buffer, other],
      hosts: [
        gluster1({ volumes: ['mytest', 'other'], mounts: [...mounts, mount] }, [
          { state: 'stamped', stamp },
          { state: 'stamped', stamp: theirs },
        ]),
      ],
    })
    const steps = [...stepsUntilDone(aCluster({ buffers: [buffer], hosts: [gluster1()] }))].length
    expect(steps).to.be.above(5)
    for (let comesAt = 0; comesAt < steps; comesAt++) {
      const cluster = aCluster({ buffers: [buffer], hosts: [gluster1()] })
      const known = cluster as unknown as {
        buffers: Map<string, BufferDocument>
        inventories: Map<string, InventoryDocument>
      }
      const found: DifferenceView[] = []
      let step = 0
      for (const last of stepsUntilDone(cluster)) {
        if (step++ === comesAt) {
          known.buffers.set('other', other)
          known.inventories.set('gluster1', after.inventories.get('gluster1')!)
        }
        found.push(...last)
      }
      const unclaimed = found.filter(({ where, remedy }) => /nvme2n1|other/.test(`${where} ${remedy}`))
      expect(
        unclaimed
          .map(({ where }) => where)
          .filter((where) => !where.startsWith('desired ') && !where.startsWith('buffer ')),
      ).to.deep.equal([])
    }
  })

  it('finds a stamped disk that no buffer claims, and one that is in the wrong place', () => {
    const other = { state: 'stamped', stamp: { uuid: aUuid(9), label: 'bb-old' } }
    expect(found({ hosts: [gluster1({}, [{ state: 'stamped', stamp }, other])] })).to.deep.equal([
      `device gluster1/nvme2n1: ${messages.unclaimedBrick(aUuid(9))}`,
    ])
    expect(found({ hosts: [gluster1({}, [{ state: 'refused' }, { state: 'stamped', stamp }])] })).to.deep.equal([
      `device gluster1/nvme2n1: ${told.brickElsewhere('mytest', 'gluster1/nvme1n1').what}`,
    ])
  })

  it('finds a gluster volume and a mount that no buffer claims', () => {
    const stray = '/mnt/burstbuffer/9.1/striped'
    const seen = {
      volumes: ['mytest', 'stray'],
      mounts: [...mounts, { path: stray, source: 'g:/9' }],
    }
    expect(found({ hosts: [gluster1(seen)] })).to.deep.equal([
      `gluster volume stray: ${told.volumeUnclaimed(['gluster1'], '').what}`,
      `mount ${stray} on gluster1: ${told.mountUnclaimed('gluster1', stray, 'g:/9').what}`,
    ])
  })

  it('finds what a host serves by itself, or has left of it, of a volume that no buffer has on that host', () => {
    const mine = { volume: 'mytest', devices: ['nvme1n1'], ports: [29_000] }
    expect(found({ hosts: [gluster1({ served: [mine] })] })).to.deep.equal([])
    const stray = [
      { volume: 'stray', devices: ['nvme2n1'], ports: [29_001] },
      { volume: 'closed', devices: [], ports: [29_002] },
    ]
    expect(found({ hosts: [gluster1({ served: [mine, ...stray] })] })).to.deep.equal(
      stray.map((each) => `${servedVolumes.nameOf(each.volume, 'gluster1')}: ${servedVolumes.found(each)}`),
    )
    const other = aHost('gluster2', { devices: [] })
    const elsewhere = { ...other, inventory: { ...other.inventory, served: [mine] } }
    expect(found({ hosts: [gluster1(), elsewhere] })).to.deep.equal([
      `${servedVolumes.nameOf('mytest', 'gluster2')}: ${servedVolumes.found(mine)}`,
    ])
  })

  it('finds a brick that is not mounted, once its host has looked since it was built', () => {
    const missing = `mount /data/glusterfs/nvme1n1 on gluster1: ${told.brickNotMounted('mytest').what}`
    expect(found({ hosts: [gluster1({ mounts: [] })] })).to.deep.equal([missing])
    expect(found({ hosts: [gluster1({ mounts: [] })] }, 60)).to.deep.equal([])
    expect(found({ hosts: [gluster1({ mounts: undefined })] })).to.deep.equal([])
  })

  it('finds a disk that is gone, is another, or lost what it held', () => {
    expect(found({ hosts: [gluster1({}, [{ name: 'nvme7n1' }])] })[0]).to.contain(messages.deviceNotListed())
    expect(found({ hosts: [gluster1({}, [{ identity: 'serial:new' }])] })[0]).to.contain(
      messages.deviceReplaced('serial:new'),
    )
    expect(found({ hosts: [gluster1({}, [aDevice('gluster1', 1)])] })[0]).to.contain(messages.dataMissing())
  })

  it('finds a volume that gluster lost, and says nothing of it while glusterd was not asked', () => {
    expect(found({ hosts: [gluster1({ volumes: [] })] })).to.deep.equal([
      `buffer mytest: ${listedVolumes.notFound('mytest')}`,
    ])
    expect(found({ hosts: [gluster1({ volumes: undefined })] })).to.deep.equal([])
  })

  it('takes nothing for missing that a list had no room for, and says which list was cut', () => {
    const cut = ['volumes', 'mounts']
    expect(found({ hosts: [gluster1({ volumes: ['a'], mounts: [], cut })] })).to.deep.equal([
      `host gluster1: ${told.listTruncated('gluster1', 'volumes', '').what}`,
      `host gluster1: ${told.listTruncated('gluster1', 'mounts', '').what}`,
      `gluster volume a: ${told.volumeUnclaimed(['gluster1'], '').what}`,
    ])
  })

  it('finds a host that was not told, which is safe to mend', () => {
    expect(found({ desired: {} })[0]).to.equal(
      `* desired gluster1: brick nvme1n1 present: ${told.desiredMissing().what}`,
    )
  })

  it('finds a session whose buffer is gone, and a buffer that Slurm cannot see', () => {
    const lost = aSession({ token: '5', buffer: '5' })
    expect(found({ sessions: [session, lost] })).to.deep.equal([`* session 5: ${told.sessionWithoutBuffer().what}`])
    expect(found({ sessions: [] })).to.deep.equal([`buffer mytest: ${told.persistentWithoutSession('mytest').what}`])
    expect(sessionsToEnd(aCluster({ sessions: [{ ...lost, stage: 'leaving' }] }))).to.deep.equal([])
  })

  it('says of nothing that it may be removed while a buffer cannot be read, whose it may be', () => {
    const seen = {
      volumes: ['mytest', 'stray'],
      mounts: [...mounts, { path: '/data/glusterfs/nvme2n1', source: '/dev/nvme2n1' }],
      served: [{ volume: 'stray', devices: ['nvme2n1'], ports: [29_001] }],
    }
    const other = { state: 'stamped', stamp: { uuid: aUuid(9), label: 'bb-old' } }
    const hosts = [gluster1(seen, [{ state: 'stamped', stamp }, other])]
    expect(found({ hosts })).to.have.length(4)
    expect(found({ hosts, invalid: { 'buffers/x': 'v: wrong' } })).to.deep.equal([
      `etcd key buffers/x: ${told.documentUnreadable('v: wrong').what}`,
    ])
  })

  it('finds a document that cannot be read', () => {
    expect(found({ invalid: { 'buffers/x': 'v: wrong' } })).to.include(
      `etcd key buffers/x: ${told.documentUnreadable('v: wrong').what}`,
    )
  })
})
