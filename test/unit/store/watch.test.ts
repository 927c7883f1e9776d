import { expect } from 'chai'
import { until } from '../../../lab/common/until.js'
import { defaultTimings } from '../../../src/store/connection.js'
import { type Change, type Entry, StoreError } from '../../../src/store/store.js'
import { PrefixWatch, type WatchSource } from '../../../src/store/watch.js'
import { event, handConnection } from '../../support/handConnection.js'

describe('the watch of a prefix', () => {
  const matches = () => Promise.resolve(true)

  it('reports nothing of a stream that it has left: that is older than what it has listed since', async () => {
    const { connection, clock, streams, untilOpen } = handConnection()
    const entry = (modRevision: number): Entry => ({ key: 'a', value: {}, createRevision: 1, modRevision })
    const lists = [
      { entries: [entry(5)], revision: 5 },
      { entries: [entry(9)], revision: 9 },
    ]
    const seen: Change[] = []
    const watch = new PrefixWatch(connection, { list: () => Promise.resolve(lists.shift()!), matches }, '', '', {
      onChanges: (changes) => seen.push(...changes),
    })
    expect(watch.state).to.equal('listing')
    await untilOpen(1)
    expect(watch.state).to.equal('opening')
    streams[0]!.says({ created: true })
    expect(watch.state).to.equal('watching')
    clock.advance(2_000)
    streams[0]!.says({ canceled: true, compact_revision: '7' })
    await untilOpen(2)
    expect(watch.state).to.equal('opening')
    streams[0]!.says({ events: [event('DELETE', 'a', 7)] })
    streams[1]!.says({ created: true, events: [event('PUT', 'a', 10)] })
    expect(seen.map(({ entry }) => entry?.modRevision)).to.deep.equal([5, 9, 10])
    await watch.close()
  })

  it('lists at most once a second for a server that cancels every stream at once', async () => {
    const { connection, clock, streams, untilOpen } = handConnection()
    let lists = 0
    const list = () => {
      lists++
      return Promise.resolve({ entries: [], revision: 1 })
    }
    const watch = new PrefixWatch(connection, { list, matches }, '', '', { onChanges: () => {} })
    for (let count = 1; count <= 3; count++) {
      await untilOpen(count)
      streams.at(-1)!.says({ canceled: true })
      // Whatever is due without time passing is done.
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
      expect(lists).to.equal(count)
      expect(watch.state).to.equal('pausing')
      clock.advance(1_000)
    }
    await untilOpen(4)
    await watch.close()
  })

  it('ends at once while it waits to list again', async () => {
    const { connection, streams, untilOpen } = handConnection()
    const list = () => Promise.resolve({ entries: [], revision: 1 })
    const watch = new PrefixWatch(connection, { list, matches }, '', '', { onChanges: () => {} })
    await untilOpen(1)
    streams[0]!.says({ canceled: true })
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
    await watch.close()
    expect(watch.state).to.equal('closed')
    expect(streams).to.have.length(1)
  })

  it('opens another stream after a pause, without listing, when the one that it has is lost', async () => {
    const { connection, clock, streams, untilOpen } = handConnection()
    let lists = 0
    const list = () => {
      lists++
      return Promise.resolve({ entries: [], revision: 3 })
    }
    const told: string[] = []
    const onConnection = (state: string) => told.push(state)
    const watch = new PrefixWatch(connection, { list, matches }, '', '', { onChanges: () => {}, onConnection })
    await untilOpen(1)
    streams[0]!.says({ created: true })
    streams[0]!.emit('error', new Error('gone'))
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
    expect(watch.state).to.equal('pausing')
    clock.advance(2_000)
    await untilOpen(2)
    expect(watch.state).to.equal('opening')
    streams[1]!.says({ created: true })
    expect(watch.state).to.equal('watching')
    expect(lists).to.equal(1)
    expect(told).to.deep.equal(['connected', 'lost', 'connected'])
    await watch.close()
    expect(watch.state).to.equal('closed')
    expect(clock.timersLeft).to.equal(0)
  })

  /** A watch that has listed `a` at revision 5 and was delivered `b` at 8, when it is time to look again. */
  async function lookingAgain(matches: WatchSource['matches']) {
    const hand = handConnection()
    const entry = (key: string, modRevision: number): Entry => ({ key, value: {}, createRevision: 1, modRevision })
    const lists = [
      { entries: [entry('a', 5)], revision: 6 },
      { entries: [entry('b', 8)], revision: 9 },
    ]
    let listed = 0
    const list = () => Promise.resolve(lists[listed++]!)
    const seen: string[] = []
    const watch = new PrefixWatch(hand.connection, { list, matches }, '', '', {
      onChanges: (changes) => seen.push(...changes.map(({ key, entry }) => `${key} ${entry?.modRevision ?? 'gone'}`)),
    })
    await hand.untilOpen(1)
    hand.streams[0]!.says({ created: true, events: [event('PUT', 'b', 8)] })
    // Written all the time, so that the stream is not silent.
    for (let ms = 0; ms < 1.3 * defaultTimings.relistEveryMs && hand.streams.length === 1; ms += 10_000) {
      hand.streams[0]!.says({})
      hand.clock.advance(10_000)
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
    }
    await hand.untilOpen(2)
    const from = hand.streams[1]!.written[0] as { create_request: { start_revision: string } }
    await watch.close()
    return { seen, lists: listed, from: from.create_request.start_revision }
  }

  it('asks every few minutes whether it has missed anything, and goes on without listing when it has not', async () => {
    const asked: unknown[] = []
    const { seen, lists, from } = await lookingAgain((known, since, at) => {
      asked.push([Object.fromEntries(known), since, at])
      return Promise.resolve(true)
    })
    expect(asked).to.deep.equal([[{ a: 5, b: 8 }, 6, 8]])
    expect({ seen, lists, from }).to.deep.equal({ seen: ['a 5', 'b 8'], lists: 1, from: '9' })
  })

  it('lists when it has missed something, or when that revision is compacted', async () => {
    const missed = { seen: ['a 5', 'b 8', 'a gone'], lists: 2, from: '10' }
    expect(await lookingAgain(() => Promise.resolve(false))).to.deep.equal(missed)
    expect(await lookingAgain(() => Promise.reject(new StoreError('compacted')))).to.deep.equal(missed)
  })

  it('reports in parts what is there at first, and says that it is in step after all of them', async () => {
    const { connection } = handConnection()
    const entries = Array.from({ length: 2_500 }, (_, index) => ({
      ...{ key: String(index).padStart(5, '0'), value: {} },
      ...{ createRevision: 1, modRevision: 1 },
    }))
    const told: (number | 'synced')[] = []
    const source = { list: () => Promise.resolve({ entries, revision: 1 }), matches }
    const watch = new PrefixWatch(connection, source, '', '', {
      onChanges: (changes) => told.push(changes.length),
      onSynced: () => told.push('synced'),
    })
    await until({ what: 'synced' }, () => Promise.resolve(told.includes('synced')))
    expect(told).to.deep.equal([1_000, 1_000, 500, 'synced'])
    await watch.close()
  })
})
