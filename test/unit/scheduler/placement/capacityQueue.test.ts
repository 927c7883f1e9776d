import { expect } from 'chai'
import { leftBehind, CapacityQueue } from '../../../../src/scheduler/placement/capacityQueue.js'
import { aBuffer, aCluster, aHost, pool, terabyte } from '../../../support/builders.js'
import { HandClock } from '../../../support/handClock.js'

const claim = (slots: number, of = pool) => ({ pool: of, granularityBytes: terabyte, slots })
const ahead = (...waiters: [slots: number, keepFromMs: number][]) =>
  waiters.map(([slots, keepFromMs]) => ({ ...claim(slots), keepFromMs }))

describe('what is left for whoever stands behind others', () => {
  it('is all that is free when nobody waits', () => expect(leftBehind([], 3, 0)).to.equal(3))

  it('is what those before will not take', () => expect(leftBehind(ahead([1, 100], [2, 100]), 5, 0)).to.equal(2))

  it('is what one that does not fit yet cannot take either, in the first half of its time', () => {
    expect(leftBehind(ahead([4, 100]), 3, 99)).to.equal(3)
    expect(leftBehind(ahead([4, 100], [1, 200]), 3, 99)).to.equal(2)
  })

  it('is nothing when one that does not fit has waited for half of its time', () => {
    expect(leftBehind(ahead([4, 100]), 3, 100)).to.equal(0)
    expect(leftBehind(ahead([1, 200], [4, 100], [1, 300]), 3, 100)).to.equal(0)
  })
})

describe('the queue for devices', () => {
  let clock: HandClock
  let cluster: ReturnType<typeof aCluster>
  let listeners: Set<() => void>
  let queue: CapacityQueue
  /** How the waits ended, in that order. */
  let ended: string[]

  beforeEach(() => {
    clock = new HandClock()
    listeners = new Set()
    ended = []
    take(4)
    queue = new CapacityQueue(
      {
        get cluster() {
          return cluster
        },
        onChange: (callback) => {
          listeners.add(callback)
          return () => listeners.delete(callback)
        },
      },
      clock,
    )
  })

  const disks = ['gluster1/nvme1n1', 'gluster1/nvme2n1', 'gluster2/nvme1n1', 'gluster2/nvme2n1']
  /** So many of the four devices belong to a buffer. */
  function take(count: number): void {
    const buffers = count === 0 ? [] : [aBuffer({ bricks: disks.slice(0, count) })]
    cluster = aCluster({ hosts: [aHost('gluster1'), aHost('gluster2')], buffers })
    for (const listener of listeners ?? []) listener()
  }
  function wait(name: string, slots: number, timeoutMs = 100_000) {
    const place = queue.join(name, claim(slots), timeoutMs)
    void place.untilCapacity(timeoutMs).then((hasRoom) => ended.push(hasRoom ? name : `${name} too late`))
    return place
  }
  async function pass(ms: number): Promise<void> {
    clock.advance(ms)
    await new Promise((resolve) => setImmediate(resolve))
  }

  it('wakes those who fit when devices come back, in the order in which they came', async () => {
    wait('first', 1)
    wait('second', 1)
    wait('third', 1)
    await pass(100)
    expect(ended).to.deep.equal([])
    take(2)
    await pass(100)
    expect(ended).to.deep.equal(['first', 'second'])
    expect(queue.claimedSlots(pool)).to.equal(3)
    expect(queue.positionOf('third')).to.deep.include({ ahead: 2 })
    expect(queue.positionOf('nobody')).to.equal(undefined)
  })

  it('lets small ones overtake a large one, but no longer than for half of its time', async () => {
    const large = wait('large', 4)
    take(2)
    wait('small', 1)
    await pass(100)
    expect(ended).to.deep.equal(['small'])
    await pass(50_000)
    wait('later', 1)
    await pass(100)
    expect(ended).to.deep.equal(['small'])
    expect(queue.leftFor(pool, 2)).to.equal(0)
    large.leave()
    await pass(100)
    expect(ended).to.deep.equal(['small', 'large too late', 'later'])
  })

  it('gives up when the time has passed, and keeps one pool apart from another', async () => {
    const place = wait('first', 1, 1_000)
    expect(queue.leftFor('other', 2)).to.equal(2)
    expect(place.leftFor(pool, 2)).to.equal(2)
    await pass(1_000)
    expect(ended).to.deep.equal(['first too late'])
  })

  it('listens to nothing when nobody waits', () => {
    const places = [wait('first', 1), wait('second', 1)]
    expect(listeners.size).to.equal(1)
    for (const place of places) place.leave()
    expect(listeners.size).to.equal(0)
  })
})
