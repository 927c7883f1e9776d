import { expect } from 'chai'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { type Answer, probeBrick } from '../../../../../../src/agent/host/dataplane/direct/probe.js'
import { dictionary, opaque, Reader, recordIn } from '../../../../../../src/agent/host/dataplane/direct/rpc.js'

const longMs = 60_000

/** As a brick process answers: the head of a reply to that call, and the result. */
function reply(xid: number, result: number, code: number, entries: Record<string, string> = {}): Buffer {
  const words = Buffer.alloc(32)
  ;[xid, 1, 0, 0, 0, 0, result, code].forEach((value, index) => words.writeInt32BE(value, index * 4))
  const body = Buffer.concat([words, opaque(dictionary(entries))])
  const mark = Buffer.alloc(4)
  mark.writeUInt32BE((0x80000000 | body.length) >>> 0)
  return Buffer.concat([mark, body])
}

describe('a probe of a brick', () => {
  const servers: Server[] = []

  afterEach(() => {
    for (const server of servers.splice(0)) server.close()
  })

  /** What the probe says of a server that does this with the call that it gets. */
  async function answerTo(serve: (socket: Socket, call: Buffer) => void, timeoutMs = longMs): Promise<Answer> {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', (call: Buffer) => serve(socket, call))
    }).listen(0, '127.0.0.1')
    servers.push(server)
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const login = { user: 'u3', password: '5e0f' }
    return probeBrick({ host: '127.0.0.1', port, export: 'brick', login, timeoutMs })
  }

  const xidOf = (call: Buffer) => new Reader(recordIn(call)!).word()

  it('is accepted by one that serves the export to the login, whatever pieces its reply comes in', async () => {
    let call = ''
    const answer = await answerTo((socket, bytes) => {
      call = bytes.toString('latin1')
      for (const byte of reply(xidOf(bytes), 0, 0)) socket.write(Buffer.from([byte]))
    })
    expect(answer).to.deep.equal({ kind: 'accepted' })
    for (const word of ['remote-subvolume\0brick\0', 'username\0u3\0', 'password\x005e0f\0'])
      expect(call).to.include(word)
  })

  it('tells a wrong login, an export that is not there and any other error apart', async () => {
    const says = (code: number, text?: string) =>
      answerTo((socket, call) => socket.write(reply(xidOf(call), -1, code, text === undefined ? {} : { ERROR: text })))
    expect(await says(13, 'Authentication failed')).to.deep.equal({ kind: 'refused', reason: 'Authentication failed' })
    expect(await says(2, 'Brick not found')).to.deep.equal({ kind: 'unknownExport', reason: 'Brick not found' })
    expect(await says(11)).to.deep.equal({ kind: 'unexpected', reason: 'error 11' })
    expect(await says(13, 'a\n\x1b[31mü')).to.deep.equal({ kind: 'refused', reason: 'a??[31m?' })
  })

  for (const [what, bytes] of Object.entries({
    'another protocol': Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
    'zeros without end': Buffer.alloc(1_000_000),
    'ones without end': Buffer.alloc(1_000_000, 0xff),
    'a reply to another call': reply(99, 0, 0),
    'a reply that is cut short': Buffer.from('80000004000000ff', 'hex'),
  }))
    it(`says that somebody else answers with ${what}`, async () => {
      expect((await answerTo((socket) => socket.write(bytes))).kind).to.equal('unexpected')
    })

  it('says that it was closed, when it is', async () => {
    expect((await answerTo((socket) => socket.destroy())).kind).to.equal('closed')
    const [server] = servers.splice(0)
    const { port } = server!.address() as { port: number }
    server!.close()
    await once(server!, 'close')
    const answer = await probeBrick({ host: '127.0.0.1', port, export: 'brick', timeoutMs: longMs })
    expect(answer.kind).to.equal('closed')
  })

  it('says that it timed out, with no reply and with a part of one', async () => {
    const silent = { kind: 'timedOut', isConnected: true }
    expect(await answerTo(() => {}, 50)).to.deep.equal(silent)
    expect(await answerTo((socket) => socket.write(Buffer.from('8000', 'hex')), 50)).to.deep.equal(silent)
  })

  it('says that a certificate cannot be read', async () => {
    const tls = { certificate: 'none', key: 'none', authorities: 'none' }
    const answer = await probeBrick({ host: '127.0.0.1', port: 1, export: 'brick', tls, timeoutMs: longMs })
    expect(answer.kind).to.equal('closed')
  })
})
