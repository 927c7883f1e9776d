import { expect } from 'chai'
import type { Change, Entry } from '../../../src/store/store.js'
import { PrefixWatch } from '../../../src/store/watch.js'
import { event, handConnection } from '../../support/handConnection.js'

describe('the watch of a prefix', () => {
  it('reports nothing of a stream that it has left: that is older than what it has listed since', async () => {
    const { connection, clock, streams, untilOpen } = handConnection()
    const entry = (modRevision: number): Entry => ({ key: 'a', value: {}, createRevision: 1, modRevision })
    const lists = [
      { entries: [entry(5)], revision: 5 },
      { entries: [entry(9)], revision: 9 },
    ]
    const seen: Change[] = []
    const watch = new PrefixWatch(connection, () => Promise.resolve(lists.shift()!), '', '', {
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
    const watch = new PrefixWatch(connection, list, '', '', { onChanges: () => {} })
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
    const watch = new PrefixWatch(connection, list, '', '', { onChanges: () => {} })
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
    const watch = new PrefixWatch(connection, list, '', '', { onChanges: () => {}, onConnection })
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
})
