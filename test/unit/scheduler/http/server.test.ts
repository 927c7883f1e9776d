import { expect } from 'chai'
import { once } from 'node:events'
import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { until } from '../../../../lab/common/until.js'
import { type Reply, serve } from '../../../../src/scheduler/http/server.js'
import { systemClock } from '../../../../src/daemon/clock.js'
import { silentLog } from '../../../../src/daemon/log.js'
import * as messages from '../../../../src/scheduler/http/messages.js'
import { aHost } from '../../../support/builders.js'
import { HandClock } from '../../../support/handClock.js'
import { SocketRig } from '../../../support/socketRig.js'

describe('the scheduler’s socket', () => {
  const rig = new SocketRig()
  before(() => rig.start([aHost('gluster1')]))
  after(() => rig.stop())

  it('may be opened by its owner and group alone', () => {
    expect(statSync(rig.socket).mode & 0o777).to.equal(0o660)
  })

  it('answers 404 where nothing is, and 400 to what is no address', async () => {
    expect(await rig.call('GET', '/v1/nothing')).to.deep.include({
      status: 404,
      text: `${messages.noRoute('GET', '/v1/nothing')}\n`,
    })
    expect(await rig.call('PATCH', '/v1/status')).to.include({ status: 404 })
    expect(await rig.call('GET', '/v1/buffers/%E0%A4%A')).to.include({ status: 400 })
    expect(await rig.call('GET', '//')).to.include({ status: 400 })
  })

  it('refuses a body above 1 MiB, and says so', async () => {
    expect(await rig.call('POST', '/v1/buffers', ' '.repeat(3_000_000))).to.include({
      status: 413,
      text: `${messages.tooLarge(1024 * 1024)}\n`,
    })
  })

  it('is refused to a second scheduler while the first lives, and replaced when it died', async () => {
    const options = { routes: [], clock: systemClock, log: silentLog }
    const second = await serve({ ...options, socket: rig.socket }).catch((error: unknown) => error)
    expect(String(second)).to.contain(messages.alreadyServed(rig.socket))
    const dead = join(rig.directory, 'dead.sock')
    const left = createServer().listen(dead)
    await new Promise((resolve) => left.once('listening', resolve))
    // What a killed process leaves: the file, and nobody behind it.
    const { renameSync } = await import('node:fs')
    renameSync(dead, `${dead}.kept`)
    await new Promise((resolve) => left.close(resolve))
    renameSync(`${dead}.kept`, dead)
    const server = await serve({ ...options, socket: dead })
    await server.close()
  })

  it('holds a stream back whose reader has stopped, and lets it go on, or end with its reader', async () => {
    const line = 'x'.repeat(65_536)
    const most = 1_000
    for (const goesOn of [true, false]) {
      let written = 0
      let waits = false
      const handle = (): Promise<Reply> =>
        Promise.resolve({
          stream: (write, end) => {
            void (async () => {
              for (; written < most; written++) {
                waits = true
                await write(line)
                waits = false
              }
              end()
            })()
          },
        })
      const socket = join(rig.directory, `stream${String(goesOn)}.sock`)
      const routes = [{ method: 'GET', pattern: /^\/lines$/, handle } as const]
      const server = await serve({ routes, clock: systemClock, log: silentLog, socket })
      const reader = connect(socket).pause()
      reader.write('GET /lines HTTP/1.0\r\n\r\n')
      await until({ what: 'the writer waits' }, async () => {
        const before = written
        await new Promise((resolve) => setTimeout(resolve, 50))
        return (written > 0 && waits && written === before) || written === most
      })
      expect(written).to.be.below(most)
      if (goesOn) reader.resume()
      else reader.destroy()
      await until({ what: 'the end' }, () => Promise.resolve(written === most))
      await server.close()
    }
  })

  it('breaks off an answer of which nothing is read for a minute or two', async () => {
    const clock = new HandClock()
    const socket = join(rig.directory, 'unread.sock')
    let isGone = false
    const handle = ({ onGone }: { onGone: (callback: () => void) => void }): Promise<Reply> => {
      onGone(() => (isGone = true))
      return Promise.resolve({ body: 'x'.repeat(10_000_000) })
    }
    const routes = [{ method: 'GET', pattern: /^\/large$/, handle } as const]
    const server = await serve({ routes, clock, log: silentLog, socket })
    const reader = connect(socket).pause()
    reader.write('GET /large HTTP/1.0\r\n\r\n')
    await once(reader, 'readable')
    clock.advance(60_000)
    expect(isGone).to.equal(false)
    clock.advance(60_000)
    await until({ what: 'the answer is broken off' }, () => Promise.resolve(isGone))
    reader.destroy()
    await server.close()
  })

  it('tells a handler that its caller has gone, also when it asks too late', async () => {
    const socket = join(rig.directory, 'gone.sock')
    let answer = () => {}
    let isAsked = false
    let isGone = false
    const handle = async ({ onGone }: { onGone: (callback: () => void) => void }): Promise<Reply> => {
      onGone(() => answer())
      isAsked = true
      await new Promise<void>((resolve) => (answer = resolve))
      onGone(() => (isGone = true))
      return { body: 'late' }
    }
    const routes = [{ method: 'GET', pattern: /^\/late$/, handle } as const]
    const server = await serve({ routes, clock: systemClock, log: silentLog, socket })
    const reader = connect(socket)
    reader.write('GET /late HTTP/1.0\r\n\r\n')
    await until({ what: 'the handler waits' }, () => Promise.resolve(isAsked))
    reader.destroy()
    await until({ what: 'the handler is told' }, () => Promise.resolve(isGone))
    await server.close()
  })

  it('is never made over a file, nor in a directory that is not there', async () => {
    const options = { routes: [], clock: systemClock, log: silentLog }
    const file = join(rig.directory, 'file')
    writeFileSync(file, 'precious')
    mkdirSync(join(rig.directory, 'd'))
    const errors = [file, join(rig.directory, 'missing', 's')].map((socket) =>
      serve({ ...options, socket }).catch((error: unknown) => String(error)),
    )
    const [overFile, nowhere] = await Promise.all(errors)
    expect(overFile).to.contain(messages.notASocket(file))
    expect(nowhere).to.contain(messages.noDirectory(join(rig.directory, 'missing')))
  })
})
