import { noRoute } from '../../../../src/scheduler/http/messages.js'
import { argumentTooLong, tooManyArguments } from '../../../../src/scheduler/slurm/messages.js'
import { expect } from 'chai'
import { execFile, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { aHost, pool, terabyte } from '../../../support/builders.js'
import { SocketRig } from '../../../support/socketRig.js'

interface Ended {
  code: number
  out: string
  err: string
}

describe('the shim, compiled', function () {
  this.timeout(20_000)
  const rig = new SocketRig()
  const bin = mkdtempSync(join(tmpdir(), 'bb-shim-'))
  before(async function () {
    const source = new URL('../../../../src/cli/shim.c', import.meta.url).pathname
    try {
      execFileSync('gcc', ['-O2', '-Wall', '-Wextra', '-Werror', '-o', join(bin, 'dw_wlm_cli'), source])
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') this.skip()
      throw error
    }
    for (const name of ['dwstat', 'fakewarp', 'other']) symlinkSync('dw_wlm_cli', join(bin, name))
    await rig.start([aHost('gluster1'), aHost('gluster2')])
  })
  after(async () => {
    await rig.stop()
    rmSync(bin, { recursive: true })
  })

  const run = (name: string, words: string[], socket = rig.socket): Promise<Ended> =>
    new Promise((resolve) => {
      const env = { BURSTBUFFER_SOCKET: socket }
      execFile(join(bin, name), words, { env }, (error, out, err) =>
        resolve({ code: error ? Number((error as { code?: unknown }).code) : 0, out, err }),
      )
    })

  const pools = { pools: [{ id: pool, units: 'bytes', granularity: terabyte, quantity: 4, free: 4 }] }

  it('ends when nobody reads its answer any more, as when slurmctld has ended, also while no scheduler answers', async () => {
    for (const socket of [rig.socket, join(bin, 'nowhere.sock')]) {
      // More than there is, once a buffer has the half of it: the call waits.
      await rig.call('POST', '/v1/buffers', { name: 'half', bytes: 2 * terabyte, uid: 20001, access: 'striped' })
      const words = [
        '--function',
        'setup',
        '--token',
        '9',
        '--user',
        '20001',
        '--groupid',
        '20001',
        '--capacity',
        '4TB',
      ]
      const child = spawn(join(bin, 'dw_wlm_cli'), words, { env: { BURSTBUFFER_SOCKET: socket } })
      const ended = new Promise((resolve) => child.on('exit', resolve))
      if (socket === rig.socket) {
        const waits = async () => (await rig.json<{ isKnown: boolean }>('GET', '/v1/explain/9')).isKnown
        while (!(await waits())) await pause(20)
      }
      child.stdout.destroy()
      expect(await ended).to.equal(1)
      while ((await rig.json<{ isKnown: boolean }>('GET', '/v1/explain/9')).isKnown) await pause(20)
    }
    await rig.call('DELETE', '/v1/buffers/half')
    while (((await rig.json<unknown[]>('GET', '/v1/buffers')) as unknown as unknown[]).length > 0) await pause(20)
  })

  for (const name of ['dw_wlm_cli', 'fakewarp']) {
    it(`answers as ${name}`, async () => {
      const { code, out, err } = await run(name, ['--function', 'pools'])
      expect([code, err]).to.deep.equal([0, ''])
      expect(JSON.parse(out)).to.deep.equal(pools)
    })
  }

  it('answers as dwstat', async () => {
    const { code, out } = await run('dwstat', [])
    expect(code).to.equal(0)
    expect(out).to.match(/^ +pool units quantity/)
  })

  it('hands every argument over whole, also empty ones and those with line ends', async () => {
    const { code, out } = await run('dw_wlm_cli', ['--function', 'teardown', '--token', 'a "b"\n$(c) ü'])
    expect([code, out]).to.deep.equal([1, 'token not found: "a \\"b\\"\\n$(c) ü"'])
    expect((await run('dw_wlm_cli', ['--function', ''])).out).to.contain('--function is missing')
  })

  it('is refused arguments without end, before they are read', async () => {
    const many = await run(
      'dwstat',
      Array.from({ length: 65 }, () => 'pools'),
    )
    expect(many).to.deep.equal({ code: 1, out: tooManyArguments(64), err: '' })
    const long = await run('dw_wlm_cli', ['--function', 'x'.repeat(5_000)])
    expect(long.out).to.equal(argumentTooLong('x'.repeat(5_000), 4096))
  })

  it('exits as the scheduler says, with the reason on stdout', async () => {
    const ended = await run('dw_wlm_cli', ['--function', 'teardown', '--token', '999'])
    expect(ended).to.deep.equal({ code: 1, out: 'token not found: "999"', err: '' })
  })

  it('fails under a name that it does not play', async () => {
    const { code, out } = await run('other', [])
    expect([code, out]).to.deep.equal([1, noRoute('POST', '/shim/other')])
  })

  it('says in one line that the scheduler does not answer, and fails', async () => {
    const nowhere = join(rig.directory, 'nobody.sock')
    const { code, out, err } = await run('dwstat', [], nowhere)
    expect([code, err]).to.deep.equal([1, ''])
    expect(out).to.equal(
      `burst buffer: the scheduler does not answer on ${nowhere} (No such file or directory): is bb-scheduler running?`,
    )
    const tooLong = await run('dw_wlm_cli', [], `/${'x'.repeat(200)}`)
    expect(tooLong.code).to.equal(1)
    expect(tooLong.out.trim().split('\n')).to.have.length(1)
  })

  const half = 'HTTP/1.1 200 OK\r\nContent-Length: 50\r\nX-Exit-Code: 0\r\n\r\n{"po'
  const whole = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-Exit-Code: 0\r\n\r\nyes\n'
  const notYet = 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 8\r\n\r\nnot yet\n'
  const broken: [string, string, RegExp][] = [
    ['nothing', '', /closed the connection without an answer/],
    ['half an answer', half, /closed the connection before the end of its answer/],
    ['an answer without an exit code', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes', /yes/],
    ['told to wait', notYet, /^not yet$/],
  ]
  for (const [what, text, told] of broken) {
    it(`fails when all it gets is ${what}`, async () => {
      const { code, out } = await answered('dwstat', [], () => text)
      expect(code).to.equal(1)
      expect(out).to.match(told)
    })
  }

  const transient: [string, string][] = [
    ['ended without an answer', ''],
    ['ended in the middle of its answer', half],
    ['had not read etcd yet', notYet],
  ]
  for (const [what, text] of transient) {
    it(`calls again when the scheduler ${what}`, async () => {
      const ended = await answered('dw_wlm_cli', ['--function=setup'], (calls) => (calls === 1 ? text : whole))
      expect(ended).to.deep.equal({ code: 0, out: 'yes\n', err: '', calls: 2 })
    })
  }

  it('waits for a scheduler that is being started', async () => {
    const socket = join(rig.directory, 'late.sock')
    const ended = run('dw_wlm_cli', ['--function', 'setup'], socket)
    await Promise.race([ended, pause(300)])
    const server = await listening(socket, () => whole)
    const seen = await ended
    server.close()
    expect(seen).to.deep.equal({ code: 0, out: 'yes\n', err: '' })
  })

  /** Runs the shim against a scheduler that answers its n-th call so, and ends the connection. */
  async function answered(name: string, words: string[], text: (calls: number) => string) {
    let calls = 0
    const socket = join(rig.directory, 'answered.sock')
    const server = await listening(socket, () => text(++calls))
    const ended = await run(name, words, socket)
    await new Promise((resolve) => server.close(resolve))
    return { ...ended, calls }
  }

  async function listening(socket: string, text: () => string): Promise<Server> {
    const server = createServer((client) => {
      client.on('error', () => {})
      client.once('data', () => client.end(text()))
    }).listen(socket)
    await new Promise((resolve) => server.once('listening', resolve))
    return server
  }
})
