import { expect } from 'chai'
import { EventEmitter } from 'node:events'
import { silentLog } from '../../../src/daemon/log.js'
import { type Connection, defaultTimings } from '../../../src/store/connection.js'
import type { Change, Entry } from '../../../src/store/store.js'
import { PrefixWatch } from '../../../src/store/watch.js'
import { until } from '../../../lab/until.js'
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

describe('the watch of a prefix', () => {
  it('reports nothing of a stream that it has left: that is older than what it has listed since', async () => {
    const streams: Stream[] = []
    const connection = {
      timings: defaultTimings,
      clock: new HandClock(),
      log: silentLog,
      watchLiveness: () => () => {},
      onReset: () => () => {},
      reset: () => {},
      pause: () => Promise.resolve(),
      current: () => ({ generation: 1, client: { watchClient: { watch: () => Promise.resolve(opened()) } } }),
    } as unknown as Connection
    const opened = () => {
      streams.push(new Stream())
      return streams.at(-1)
    }
    const entry = (modRevision: number): Entry => ({ key: 'a', value: {}, createRevision: 1, modRevision })
    const lists = [
      { entries: [entry(5)], revision: 5 },
      { entries: [entry(9)], revision: 9 },
    ]
    const seen: Change[] = []
    const watch = new PrefixWatch(connection, () => Promise.resolve(lists.shift()!), '', '', {
      onChanges: (changes) => seen.push(...changes),
    })
    const isOpen = (count: number) => () =>
      Promise.resolve(streams.length === count && streams.at(-1)!.written.length > 0)
    await until({ what: 'the first stream' }, isOpen(1))
    streams[0]!.says({ created: true })
    streams[0]!.says({ canceled: true, compact_revision: '7' })
    await until({ what: 'a list, and another stream' }, isOpen(2))
    streams[0]!.says({ events: [event('DELETE', 'a', 7)] })
    streams[1]!.says({ created: true, events: [event('PUT', 'a', 10)] })
    expect(seen.map(({ entry }) => entry?.modRevision)).to.deep.equal([5, 9, 10])
    await watch.close()
  })
})
