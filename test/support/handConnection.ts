import { EventEmitter } from 'node:events'
import { until } from '../../lab/common/until.js'
import { silentLog } from '../../src/daemon/log.js'
import { type Connection, defaultTimings } from '../../src/store/connection.js'
import { HandClock } from './handClock.js'

/** A watch stream of etcd, by hand. */
export class HandStream extends EventEmitter {
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

/** A change as etcd tells of it. */
export const event = (type: 'PUT' | 'DELETE', key: string, revision: number) => {
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
export function handConnection() {
  const streams: HandStream[] = []
  const failures: string[] = []
  const clock = new HandClock()
  const opened = () => {
    streams.push(new HandStream())
    return streams.at(-1)
  }
  const connection = {
    timings: defaultTimings,
    clock,
    log: silentLog,
    watchLiveness: () => () => {},
    onReset: () => () => {},
    failed: (_generation: number, _sentAt: number, error: Error) => failures.push(error.message),
    ready: () => Promise.resolve({ generation: 1, client: { watch: () => Promise.resolve(opened()) } }),
  } as unknown as Connection
  const untilOpen = (count: number) =>
    until({ what: `stream ${count}` }, () =>
      Promise.resolve(streams.length === count && streams.at(-1)!.written.length > 0),
    )
  return { connection, clock, streams, failures, untilOpen }
}
