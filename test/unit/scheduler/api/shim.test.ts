import { expect } from 'chai'
import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { aHost, pool, terabyte } from '../../../support/builders.js'
import { SocketRig } from '../../../support/socketRig.js'

interface Ended {
  code: number
  out: string
  err: string
}

describe('the shim, compiled', function () {
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
    expect([code, out]).to.deep.equal([1, 'token not found: "a \\"b\\"\\n$(c) ü"\n'])
    expect((await run('dw_wlm_cli', ['--function', ''])).out).to.contain('--function is missing')
  })

  it('exits as the scheduler says, with the reason on stdout', async () => {
    const ended = await run('dw_wlm_cli', ['--function', 'teardown', '--token', '999'])
    expect(ended).to.deep.equal({ code: 1, out: 'token not found: "999"\n', err: '' })
  })

  it('fails under a name that it does not play', async () => {
    const { code, out } = await run('other', [])
    expect([code, out]).to.deep.equal([1, 'there is no POST /shim/other\n'])
  })

  it('says in one line that the scheduler does not answer, and fails', async () => {
    const nowhere = join(rig.directory, 'nobody.sock')
    const { code, out, err } = await run('dw_wlm_cli', ['--function', 'pools'], nowhere)
    expect([code, err]).to.deep.equal([1, ''])
    expect(out).to.equal(
      `burst buffer: the scheduler does not answer on ${nowhere} (No such file or directory): is bb-scheduler running?\n`,
    )
    const tooLong = await run('dw_wlm_cli', [], `/${'x'.repeat(200)}`)
    expect(tooLong.code).to.equal(1)
    expect(tooLong.out.trim().split('\n')).to.have.length(1)
  })

  const broken: [string, string, RegExp][] = [
    ['nothing', '', /ended without an answer/],
    ['half an answer', 'HTTP/1.1 200 OK\r\nContent-Length: 50\r\nX-Exit-Code: 0\r\n\r\n{"po', /answer broke off/],
    ['an answer without an exit code', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes', /yes/],
  ]
  for (const [what, text, told] of broken) {
    it(`fails when it gets ${what}`, async () => {
      const socket = join(rig.directory, `${what.replaceAll(' ', '')}.sock`)
      const server = createServer((client) => {
        client.once('data', () => client.end(text))
      }).listen(socket)
      await new Promise((resolve) => server.once('listening', resolve))
      const { code, out } = await run('dw_wlm_cli', ['--function', 'pools'], socket)
      server.close()
      expect(code).to.equal(1)
      expect(out).to.match(told)
    })
  }
})
