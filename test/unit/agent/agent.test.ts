import { expect } from 'chai'
import { fromFormerLeader, wrongId } from '../../../src/agent/messages.js'
import { until } from '../../../lab/common/until.js'
import { Agent, type AgentDependencies } from '../../../src/agent/agent.js'
import type { Host } from '../../../src/agent/port/host.js'
import { KnownLeader } from '../../../src/agent/knownLeader.js'
import { silentLog } from '../../../src/daemon/log.js'
import type { AnyDesired } from '../../../src/model/documents/desired.js'
import type { DirectVolume } from '../../../src/model/documents/volume.js'
import { keys } from '../../../src/store/keys.js'
import { FakeEtcd } from '../../../src/store/fake.js'
import { aDesiredBrick, aDesiredPeer, aDirectVolume, readyBrick } from '../../support/desired.js'
import type { Change, Store, WatchHandlers } from '../../../src/store/store.js'
import { HandClock } from '../../support/handClock.js'

/** A watch that tells what the test says. */
function silentStore(store: Store): { store: Store; changes: (changes: Change[]) => void } {
  let handlers: WatchHandlers | undefined
  const watch = (_prefix: string, given: WatchHandlers) => {
    handlers = given
    return { close: () => Promise.resolve() }
  }
  return {
    store: { get: (key) => store.get(key), list: (prefix) => store.list(prefix), watch } as Store,
    changes: (changes) => handlers!.onChanges(changes),
  }
}

describe("an agent's desired documents", () => {
  let etcd: FakeEtcd
  let agent: Agent
  let looked: AnyDesired[]
  let refused: string[]
  let parts: AgentDependencies

  beforeEach(() => {
    const clock = new HandClock()
    etcd = new FakeEtcd(clock)
    looked = []
    refused = []
    const brick = (document: AnyDesired) => {
      looked.push(document)
      return Promise.resolve(readyBrick())
    }
    const host = { name: 'gluster1', observe: { brick }, effects: {} } as unknown as Host
    const log = {
      ...silentLog,
      error: (_: string, fields?: object) => refused.push((fields as { reason: string }).reason),
    }
    const refreshInventory = () => Promise.resolve()
    const store = etcd.open()
    const leader = new KnownLeader({ store, clock, log: silentLog })
    parts = { host, roles: ['storage'], store, clock, log, leader, refreshInventory }
    agent = new Agent(parts)
  })

  afterEach(() => agent.stop())

  const put = (document: object, id = 'nvme1n1', host = 'gluster1') =>
    etcd.write([], [{ put: keys.desired(host, 'brick', id), value: document }])
  const report = (id = 'nvme1n1') => etcd.read(keys.observed('gluster1', 'brick', id))?.value
  const untilReported = (id = 'nvme1n1') =>
    until({ what: `a report of ${id}`, deadlineMs: 5_000 }, () => Promise.resolve(report(id)))
  const untilRefused = (words: string) =>
    until({ what: words, deadlineMs: 5_000, seen: () => Promise.resolve(refused.join()) }, () =>
      Promise.resolve(refused.some((reason) => reason.includes(words))),
    )

  it('are reported on, each by itself', async () => {
    put(aDesiredBrick())
    put(aDesiredBrick({ device: 'nvme2n1' }), 'nvme2n1')
    agent.start()
    await untilReported()
    await untilReported('nvme2n1')
  })

  it('of a volume are looked at again when a brick of its buffer is ready', async () => {
    const volume = aDirectVolume({ buffer: aDesiredBrick().buffer })
    const other = aDirectVolume({ buffer: { id: 77, name: 'other' }, volume: 'other' })
    const seen: string[] = []
    const waits = (of: DirectVolume) => {
      seen.push(of.volume)
      return Promise.resolve({
        type: 'direct',
        bricks: [],
        others: [],
        directories: [],
        isFenced: false,
        unavailable: 'x',
      })
    }
    Object.assign(parts.host.observe, { volume: waits })
    for (const document of [volume, other])
      etcd.write([], [{ put: keys.desired('gluster1', 'volume', document.volume), value: document }])
    agent.start()
    await until({ what: 'both volumes were looked at' }, () => Promise.resolve(seen.length === 2))
    put(aDesiredBrick())
    await until({ what: 'a third look' }, () => Promise.resolve(seen.length === 3))
    expect(seen[2]).to.equal(volume.volume)
  })

  it("are this host's alone", async () => {
    put(aDesiredBrick({ device: 'nvme2n1' }), 'nvme2n1', 'gluster10')
    put(aDesiredBrick())
    agent.start()
    await untilReported()
    expect(looked.map((document) => (document as { device: string }).device)).not.to.include('nvme2n1')
  })

  const elect = async () => {
    etcd.write([], [{ delete: keys.leader }])
    etcd.write([], [{ put: keys.leader, value: { v: 1, host: 'head', pid: 1, since: 1 } }])
    await parts.leader.look()
    return etcd.read(keys.leader)!.createRevision
  }

  it('are refused under the fence of a former leader, and what stood before stays', async () => {
    const former = await elect()
    const fence = await elect()
    put(aDesiredBrick({ fence }))
    agent.start()
    await untilReported()
    put(aDesiredBrick({ fence: former, wanted: 'absent' }))
    await untilRefused(fromFormerLeader(former, fence))
    expect(looked.every((document) => (document as { wanted: string }).wanted === 'present')).to.equal(true)
  })

  it('are refused so too when the agent has just started, but not what a former leader wrote in its time', async () => {
    const former = await elect()
    put(aDesiredBrick({ fence: former, device: 'nvme3n1' }), 'nvme3n1')
    const fence = await elect()
    put(aDesiredBrick({ fence, device: 'nvme2n1' }), 'nvme2n1')
    put(aDesiredBrick({ fence: former }))
    agent.start()
    await untilRefused(fromFormerLeader(former, fence))
    await untilReported('nvme2n1')
    await untilReported('nvme3n1')
    expect(report()).to.equal(undefined)
  })

  it('are believed of a leader that was elected since, whose former is refused from then on', async () => {
    const former = await elect()
    agent.start()
    etcd.write([], [{ delete: keys.leader }])
    etcd.write([], [{ put: keys.leader, value: { v: 1, host: 'head2', pid: 2, since: 1 } }])
    const fence = etcd.read(keys.leader)!.createRevision
    put(aDesiredBrick({ fence, device: 'nvme2n1' }), 'nvme2n1')
    await untilReported('nvme2n1')
    await until({ what: 'the new leader known', deadlineMs: 5_000 }, () =>
      Promise.resolve(parts.leader.fence === fence),
    )
    put(aDesiredBrick({ fence: former }))
    await untilRefused(fromFormerLeader(former, fence))
  })

  it('with a fence that no leader has do not make the agent refuse its leader', async () => {
    const fence = await elect()
    agent.start()
    put(aDesiredBrick({ fence: 100_000, device: 'nvme2n1' }), 'nvme2n1')
    await untilReported('nvme2n1')
    put(aDesiredBrick({ fence }))
    await untilReported()
    expect(refused).to.deep.equal([])
  })

  it('are what a key held last, when a catch-up tells of several changes at once', async () => {
    const { store, changes } = silentStore(etcd.open())
    agent = new Agent({ ...parts, store })
    agent.start()
    const key = keys.desired('gluster1', 'brick', 'nvme1n1')
    const entry = { key, value: aDesiredBrick(), modRevision: 5, createRevision: 5, lease: undefined }
    changes([{ key, entry } as unknown as Change, { key }])
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(looked).to.deep.equal([])
  })

  for (const [what, document, words] of [
    ['that do not match their schema', { ...aDesiredBrick(), sizeBytes: 'big' }, 'sizeBytes: '],
    ['of another kind than their key', aDesiredPeer(), 'desired/gluster1/brick/nvme1n1: '],
    ['of another device than their key', aDesiredBrick({ device: 'nvme2n1' }), wrongId('nvme2n1', 'nvme1n1')],
  ] as [string, object, string][]) {
    it(`are refused ${what}`, async () => {
      put(document)
      agent.start()
      await untilRefused(words)
      expect([looked, report()]).to.deep.equal([[], undefined])
    })
  }

  it('that went while no agent watched leave no report behind', async () => {
    etcd.write([], [{ put: keys.observed('gluster1', 'brick', 'nvme5n1'), value: { v: 1 } }])
    agent.start()
    await until({ what: 'the report gone', deadlineMs: 5_000 }, () => Promise.resolve(report('nvme5n1') === undefined))
    expect(looked).to.deep.equal([])
  })
})
