import { expect } from 'chai'
import { until } from '../../../../lab/common/until.js'
import { Agent } from '../../../../src/agent/agent.js'
import type { Host, MountFacts } from '../../../../src/agent/port/host.js'
import { KnownLeader } from '../../../../src/agent/knownLeader.js'
import { describeStep, type Step } from '../../../../src/agent/port/steps.js'
import { silentLog } from '../../../../src/daemon/log.js'
import { mountIdOf } from '../../../../src/model/cluster.js'
import type { DesiredMount, ObservedMount } from '../../../../src/model/documents/mount.js'
import { keys } from '../../../../src/store/keys.js'
import { FakeEtcd } from '../../../../src/store/fake.js'
import type { Store } from '../../../../src/store/store.js'
import { aDesiredMount } from '../../../support/desired.js'
import { HandClock } from '../../../support/handClock.js'

describe('one mount that several jobs of a node share', () => {
  const path = '/mnt/burstbuffer/persistent/data'
  const buffer = { id: 10, name: 'data' }
  const mountOf = (session: number, parts: Partial<DesiredMount> = {}) =>
    aDesiredMount({ session: { id: session, token: String(session) }, buffer, volume: '10', path, ...parts })
  const first = mountOf(21)
  const second = mountOf(22)

  let etcd: FakeEtcd
  let agent: Agent
  let volume: string | undefined
  let steps: string[]
  let leftovers: MountFacts['leftovers']
  /** Called in the place of each step, before it has its effect. */
  let effect: (sentence: string) => Promise<void>

  beforeEach(() => {
    etcd = new FakeEtcd(new HandClock())
    volume = undefined
    leftovers = undefined
    steps = []
    effect = () => Promise.resolve()
  })
  afterEach(() => agent.stop())

  const begin = (change: (store: Store) => Store = (store) => store) => {
    const look = () =>
      Promise.resolve(
        volume === undefined
          ? { alive: false }
          : { mounted: { source: `gluster1:/${volume}`, type: 'fuse.glusterfs' }, alive: true, leftovers },
      )
    const effects = new Proxy({} as Host['effects'], {
      get: (_, kind: string) => async (args: { mount: DesiredMount }) => {
        const sentence = describeStep({ kind, ...args } as Step)
        steps.push(sentence)
        await effect(sentence)
        if (kind === 'mountBuffer') volume = args.mount.volume
        if (kind === 'unmountBuffer') volume = undefined
      },
    })
    const host = { name: 'c1', observe: { mount: look }, effects } as unknown as Host
    const refreshInventory = () => Promise.resolve()
    const store = change(etcd.open())
    const parts = { store, clock: new HandClock(), log: silentLog }
    const leader = new KnownLeader({ ...parts, store: etcd.open() })
    agent = new Agent({ ...parts, host, roles: ['compute'], leader, refreshInventory })
    agent.start()
  }
  const put = (document: DesiredMount) =>
    etcd.write([], [{ put: keys.desired('c1', 'mount', mountIdOf(document)), value: document }])
  const reports = (...mounts: DesiredMount[]) =>
    mounts.map((document) => {
      const found = etcd.read(keys.observed('c1', 'mount', mountIdOf(document)))
      return (found?.value as ObservedMount | undefined)?.state
    })
  const untilReported = (mounts: DesiredMount[], states: string[]) =>
    until({ what: states.join(), deadlineMs: 5_000, seen: () => Promise.resolve(reports(...mounts).join()) }, () =>
      Promise.resolve(reports(...mounts).join() === states.join()),
    )

  it('is made once, and stays until the last of them lets go', async () => {
    put(first)
    put(second)
    begin()
    await untilReported([first, second], ['mounted', 'mounted'])
    put({ ...first, wanted: 'absent' })
    await untilReported([first, second], ['absent', 'mounted'])
    expect(steps).to.deep.equal([`mount 10 at ${path}`])
    put({ ...second, wanted: 'absent' })
    await untilReported([first, second], ['absent', 'absent'])
    expect(steps).to.deep.equal([`mount 10 at ${path}`, `unmount ${path}`])
  })

  it('is not taken off by an agent that has not heard of the other job yet', async () => {
    volume = '10'
    put({ ...first, wanted: 'absent' })
    put(second)
    const key = keys.desired('c1', 'mount', mountIdOf(first))
    begin((store) => ({
      ...store,
      get: (name) => store.get(name),
      list: (prefix) => store.list(prefix),
      write: (compares, writes) => store.write(compares, writes),
      watch: (prefix, handlers) =>
        store.watch(prefix, {
          ...handlers,
          onChanges: (changes) => handlers.onChanges(changes.filter((change) => change.key === key)),
        }),
    }))
    await untilReported([first], ['absent'])
    expect(steps).to.deep.equal([])
  })

  it('that is being taken off is made again for a job that comes meanwhile', async () => {
    put(first)
    begin()
    await untilReported([first], ['mounted'])
    effect = async (sentence) => {
      if (!sentence.startsWith('unmount')) return
      put(second)
      await new Promise((resolve) => setTimeout(resolve, 50))
      expect(reports(second)).to.deep.equal([undefined])
    }
    put({ ...first, wanted: 'absent' })
    await untilReported([first, second], ['absent', 'mounted'])
    expect([volume, steps]).to.deep.equal(['10', [`mount 10 at ${path}`, `unmount ${path}`, `mount 10 at ${path}`]])
  })

  for (const [at, expected] of [
    ['send', 1],
    ['unmount /', 2],
  ] as const) {
    it(`that is wanted again before "${at}" has a user ended no more`, async () => {
      put(first)
      begin()
      await untilReported([first], ['mounted'])
      leftovers = { signal: 'SIGKILL', below: [`${path}/users`] }
      let sent = 0
      effect = (sentence) => {
        if (!sentence.startsWith(at === 'send' ? 'send' : `unmount ${path}/users`)) return Promise.resolve()
        // Another job came between two steps, whose users are in it now.
        if (sent++ === 0) put(second)
        return Promise.resolve()
      }
      put({ ...first, wanted: 'absent' })
      await untilReported([first, second], ['absent', 'mounted'])
      expect(steps.slice(1)).to.deep.equal(
        [`send SIGKILL to users' processes in ${path}`, `unmount ${path}/users, which a user mounted in ${path}`].slice(
          0,
          expected,
        ),
      )
    })
  }

  it('of a buffer that is gone makes way for another of its name', async () => {
    volume = '10'
    put({ ...first, wanted: 'absent' })
    put(mountOf(22, { buffer: { id: 30, name: 'data' }, volume: '30' }))
    begin()
    await untilReported([first], ['absent'])
    await until({ what: 'the other', deadlineMs: 5_000 }, () =>
      Promise.resolve(volume === undefined || volume === '30'),
    )
    expect(steps).to.include(`unmount ${path}`)
  })
})
