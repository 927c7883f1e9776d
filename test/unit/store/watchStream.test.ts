import type { IEvent } from 'etcd3'
import { expect } from 'chai'
import { defaultTimings } from '../../../src/store/connection.js'
import { WatchStream } from '../../../src/store/watchStream.js'
import { event, handConnection } from '../../support/handConnection.js'

describe('a watch stream', () => {
  async function open() {
    const hand = handConnection()
    const seen: IEvent[][] = []
    let created = 0
    const stream = await WatchStream.open(hand.connection, 'buffers/', 8, {
      onCreated: () => created++,
      onEvents: (events) => seen.push(events),
    })
    return { ...hand, stream, server: hand.streams[0]!, seen, created: () => created }
  }

  it('asks for what comes from a revision on, and watches when the server says that it was created', async () => {
    const { stream, server, created } = await open()
    expect(server.written[0]).to.have.nested.property('create_request.start_revision', '8')
    expect(stream.state).to.equal('opening')
    server.says({ created: true })
    server.says({ created: true })
    expect(stream.state).to.equal('watching')
    expect(created()).to.equal(1)
    stream.leave('reopen', 'closed')
  })

  it('reports a batch cut into fragments whole, and nothing of one that it has left', async () => {
    const { stream, server, seen } = await open()
    server.says({ created: true })
    server.says({ fragment: true, events: [event('PUT', 'a', 9)] })
    expect(seen).to.deep.equal([])
    server.says({ events: [event('PUT', 'b', 9)] })
    expect(seen.map((events) => events.length)).to.deep.equal([2])
    server.says({ fragment: true, events: [event('PUT', 'c', 10)] })
    stream.leave('reopen', 'closed')
    server.says({ events: [event('PUT', 'd', 10)] })
    expect(seen).to.have.length(1)
    expect(stream.state).to.equal('left')
  })

  it('is left to list anew when the server has compacted or cancelled, or when it is time to', async () => {
    const compacted = await open()
    compacted.server.says({ compact_revision: '12' })
    expect(await compacted.stream.outcome).to.deep.equal({ ending: 'relist', reason: 'compacted up to revision 12' })
    const cancelled = await open()
    cancelled.server.says({ created: true })
    cancelled.server.says({ canceled: true, cancel_reason: 'no' })
    expect(await cancelled.stream.outcome).to.deep.equal({ ending: 'relist', reason: 'no' })
    expect(cancelled.failures).to.deep.equal([])
    expect(cancelled.clock.timersLeft).to.equal(0)
  })

  it('tells the connection when it does not open in time or fails, not when it was left', async () => {
    const silent = await open()
    silent.clock.advance(2 * defaultTimings.callMs + 1)
    expect(await silent.stream.outcome).to.deep.equal({
      ending: 'reopen',
      reason: 'the watch stream did not open in time',
    })
    expect(silent.failures).to.deep.equal(['the watch stream did not open in time'])
    silent.server.emit('error', new Error('cancelled'))
    expect(silent.failures).to.have.length(1)
    const opened = await open()
    opened.server.says({ created: true })
    opened.server.emit('error', new Error('gone'))
    expect(await opened.stream.outcome).to.deep.equal({ ending: 'reopen', reason: 'gone' })
    expect(opened.failures).to.deep.equal(['gone'])
  })

  it('asks a server that says nothing for progress, and is left when it stays silent', async () => {
    const { clock, stream, server } = await open()
    server.says({ created: true })
    for (let ms = 0; ms < defaultTimings.silenceMs + defaultTimings.progressEveryMs; ms += 1_000) clock.advance(1_000)
    expect(server.written.filter((request) => 'progress_request' in request)).to.have.length.above(1)
    expect(await stream.outcome).to.deep.equal({ ending: 'reopen', reason: 'the watch stream is silent' })
  })
})
