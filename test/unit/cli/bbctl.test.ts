import { expect } from 'chai'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

describe('bbctl', () => {
  it('prints a refusal on one line that steers no terminal, whatever is mounted where', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'burstbuffer-bbctl-'))
    const socket = join(directory, 'scheduler.sock')
    const error = 'device nvme1n1 is in use: mounted at /media/\u001b[2J\nbbctl: all is well'
    const server = createServer((_, response) => response.writeHead(409).end(JSON.stringify({ error, refused: true })))
    server.listen(socket)
    try {
      await once(server, 'listening')
      const child = spawn(process.execPath, ['--import=tsx', 'src/cli/bbctl.ts', '--socket', socket, 'hosts'])
      let text = ''
      child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()))
      const [code] = (await once(child, 'close')) as [number]
      expect({ code, text }).to.deep.equal({
        code: 1,
        text: 'bbctl: device nvme1n1 is in use: mounted at /media/\\u001b[2J\\u000abbctl: all is well\n',
      })
    } finally {
      server.close()
      rmSync(directory, { recursive: true })
    }
  })

  it('takes the names of the release before, and shows only those of this one', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'burstbuffer-bbctl-'))
    const socket = join(directory, 'scheduler.sock')
    const asked: string[] = []
    const server = createServer((message, response) => {
      void text(message).then((body) => {
        asked.push(`${message.method} ${message.url} ${body}`.trim())
        response.end('[]')
      })
    })
    server.listen(socket)
    try {
      await once(server, 'listening')
      await bbctl('--socket', socket, 'bricks')
      await bbctl('--socket', socket, 'devices')
      expect(asked).to.deep.equal(['GET /v1/devices', 'GET /v1/devices'])
      for (const option of ['--why', '--reason']) {
        asked.length = 0
        await bbctl('--socket', socket, 'cordon', 'gluster2', option, 'new firmware')
        expect(asked).to.have.length(1)
        expect(asked[0]).to.match(/^PUT \/v1\/cordons\/gluster2 .*"why":"new firmware"/)
      }
      const shown = await Promise.all([
        bbctl('--help'),
        bbctl('--get-yargs-completions', 'bbctl', ''),
        bbctl('cordon', '--help'),
        bbctl('--get-yargs-completions', 'bbctl', 'cordon', '--'),
      ])
      for (const commands of shown.slice(0, 2))
        expect(commands)
          .to.match(/\bdevices\b/)
          .and.not.match(/^(bbctl )?bricks\b/m)
      for (const options of shown.slice(2)) expect(options).to.include('--reason').and.not.include('--why')
    } finally {
      server.close()
      rmSync(directory, { recursive: true })
    }
  })

  it('knows each command of its folder', async () => {
    const modules = await Promise.all(
      readdirSync('src/cli/commands').map(
        async (file) => (await import(`../../../src/cli/commands/${file}`)) as Record<string, { command?: string }>,
      ),
    )
    const written = modules
      .flatMap((module) => Object.values(module))
      .flatMap(({ command }) => (command === undefined ? [] : [command.split(' ')[0]!]))
    const known = (await bbctl('--get-yargs-completions', 'bbctl', '')).split('\n').map((line) => line.split(':')[0]!)
    expect(written).to.include('status')
    expect(known).to.include.members(written)
  })
})

async function bbctl(...words: string[]): Promise<string> {
  const child = spawn(process.execPath, ['--import=tsx', 'src/cli/bbctl.ts', ...words])
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
  expect((await once(child, 'close'))[0]).to.equal(0)
  return text
}
