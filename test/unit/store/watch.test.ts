import { expect } from 'chai'
import { EventEmitter } from 'node:events'
import { silentLog } from '../../../src/daemon/log.js'
import { type Connection, defaultTimings } from '../../../src/store/connection.js'
import type { Change, Entry } from '../../../src/store/store.js'
import { PrefixWatch } from '../../../src/store/watch.js'
import { until } from '../../../lab/common/until.js'
import { HandClock } from '../../support/handClock.js'

/** A watch stream of etcd, by hand. */
class Stream extends EventEmitter {
  readonly written: object[] = []
  write(request: object): void {
    this.written.push(request)
  }
  end(): void {}
  cancel(): void {}
  /** What the server says on it. */
  says(response: object): void {
    this.emit('data', {
      created: false,
      canceled: false,
      compact_revision: '0',
      fragment: false,
      events: [],
      ...response,
    })
  }
}

const event = (type: 'PUT' | 'DELETE', key: string, revision: number) => {
  const bytes = (text: string) => Buffer.from(text)
  const kv = {
    key: bytes(key),
    value: bytes(type === 'PUT' ? '{}' : ''),
    create_revision: '1',
    mod_revision: `${revision}`,
  }
  return { type, kv }
}

/** A connection whose watch streams are by hand. */
function handConnection() {
  const streams: Stream[] = []
  const clock = new HandClock()
  const opened = () => {
    streams.push(new Stream())
    return streams.at(-1)
  }
  const connection = {
    timings: defaultTimings,
    clock,
    log: silentLog,
    watchLiveness: () => () => {},
    onReset: () => () => {},
    reset: () => {},
    pause: () => Promise.resolve(),
    current: () => ({ generation: 1, client: { watchClient: { watch: () => Promise.resolve(opened()) } } }),
  } as unknown as Connection
  const untilOpen = (count: number) =>
    until({ what: `stream ${count}` }, () =>
      Promise.resolve(streams.length === count && streams.at(-1)!.written.length > 0),
    )
  return { connection, clock, streams, untilOpen }
}

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
    await untilOpen(1)
    streams[0]!.says({ created: true })
    clock.advance(2_000)
    streams[0]!.says({ canceled: true, compact_revision: '7' })
    await untilOpen(2)
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
    expect(streams).to.have.length(1)
  })
})
