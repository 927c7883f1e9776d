import { expect } from 'chai'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../../../../lab/common/until.js'
import { containsZero, starterEnded } from '../../../../../src/agent/host/exec/messages.js'
import { CommandError, maxOutputBytes, runCommand } from '../../../../../src/agent/host/exec/run.js'
import { windowBytes } from '../../../../../src/agent/host/exec/starterMessages.js'
import { runStream } from '../../../../../src/agent/host/exec/stream.js'

const soon = { timeoutMs: 30_000 }
const env = { PATH: process.env['PATH']! }

/** Its parent is the starter. */
async function starterPid(): Promise<number> {
  return Number((await runCommand(['sh', '-c', 'echo $PPID'], soon)).stdout)
}

function hasEnded(pid: number): boolean {
  try {
    return /^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return true
  }
}

const untilEnded = (pid: number) =>
  until({ what: `process ${pid} ended`, deadlineMs: 10_000 }, () => Promise.resolve(hasEnded(pid)))

async function failure(act: Promise<unknown>): Promise<Error> {
  return act.then(
    () => {
      throw new Error('it did not fail')
    },
    (error: unknown) => error as Error,
  )
}

describe('the process that starts programs', function () {
  this.timeout(60_000)
  const directory = mkdtempSync(join(tmpdir(), 'bb-starter-'))
  after(() => rmSync(directory, { recursive: true }))

  it('is one for all programs', async () => {
    expect(await starterPid()).to.equal(await starterPid())
  })

  it('gives a program no open file, no blocked or ignored signal, and a session of its own', async () => {
    const { stdout: files } = await runCommand(['sh', '-c', 'ls /proc/$$/fd; echo $$; ps -o sid= $$'], soon)
    expect(files).to.match(/^0\n1\n2\n(\d+)\n *\1\n$/)
    const { stdout: status } = await runCommand(['cat', '/proc/self/status'], soon)
    expect(status).to.match(/^SigBlk:\t0{16}$/m)
    // Signals 32 and 33 are the C library's own.
    const ignored = BigInt(`0x${/^SigIgn:\t([0-9a-f]+)$/m.exec(status)![1]}`)
    expect(Number(ignored & 0x7fff_ffffn)).to.equal(0)
  })

  it('gives a program its words as they are, with any characters but zero, and says when they are too long', async () => {
    const words = ['ä\u{1f600}', '', '\n', '\x01\x7f', '-']
    const { stdout } = await runCommand(['printf', '%s|', ...words], soon)
    expect(stdout).to.equal(words.map((word) => `${word}|`).join(''))
    expect(String(await failure(runCommand(['echo', 'a\0b'], soon)))).to.contain(containsZero('echo'))
    const { cause } = await failure(runCommand(['echo', 'x'.repeat(200_000)], soon))
    expect(cause).to.have.property('code', 'E2BIG')
  })

  it('looks for a program in the PATH that it is given', async () => {
    const { cause } = await failure(runCommand(['printf', 'a'], { ...soon, env: { PATH: '/nowhere' } }))
    expect(cause).to.have.property('code', 'ENOENT')
  })

  it('gives a program all of a long input, and does not mind when it reads none of it', async () => {
    const stdin = 'x'.repeat(5_000_000)
    expect((await runCommand(['wc', '-c'], { ...soon, stdin })).stdout).to.equal('5000000\n')
    expect((await runCommand(['true'], { ...soon, stdin })).code).to.equal(0)
    expect((await runCommand(['wc', '-c'], { ...soon, stdin: '' })).stdout).to.equal('0\n')
  })

  it('drops what a command writes above the limit', async () => {
    const { stdout, stderr } = await runCommand(['sh', '-c', 'head -c 1G /dev/zero; echo end >&2'], soon)
    expect([stdout.length, stderr]).to.deep.equal([maxOutputBytes, 'end\n'])
  })

  it('lets a program wait while nobody takes its output', async () => {
    let take = () => {}
    let pid = 0
    let taken = 0
    const talk = ['sh', '-c', 'echo $$; exec head -c 100M /dev/zero'] as const
    const onOutput = (bytes: Buffer) => {
      taken += bytes.length
      if (pid !== 0) return
      pid = Number(/^\d+/.exec(bytes.toString())![0])
      return new Promise<void>((resolve) => (take = resolve))
    }
    const ended = runStream(talk, { env, stallMs: 60_000, onOutput })
    const written = () => Number(/^wchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))![1])
    const waits = () => readFileSync(`/proc/${pid}/wchan`, 'utf8').includes('pipe')
    await until({ what: 'it waits', deadlineMs: 20_000 }, () =>
      Promise.resolve(pid !== 0 && written() >= windowBytes && waits()),
    )
    expect(written()).to.be.at.most(windowBytes + 256 * 1024)
    take()
    expect((await ended).code).to.equal(0)
    expect(taken).to.be.greaterThan(100 * 1024 * 1024)
  })

  it('hears of the end of a program that has closed its output', async () => {
    const silent = ['sh', '-c', 'echo a; exec >&-; echo b >&2; exit 3'] as const
    expect(await runCommand(silent, soon)).to.deep.equal({ code: 3, stdout: 'a\n', stderr: 'b\n' })
    expect((await runStream(silent, { env, stallMs: 60_000 })).code).to.equal(3)
  })

  it('kills a program that ignores to be ended', async () => {
    const caller = new AbortController()
    const stubborn = ['sh', '-c', 'trap "" TERM; echo $$; while :; do sleep 1; done'] as const
    let pid = 0
    const onOutput = (bytes: Buffer) => {
      pid = Number(bytes.toString())
      caller.abort()
    }
    await failure(runStream(stubborn, { env, stallMs: 60_000, signal: caller.signal, onOutput }))
    await untilEnded(pid)
  })

  it('tells which signal has ended a program', async () => {
    const error = await failure(runCommand(['sh', '-c', 'kill -USR1 $$'], soon))
    expect((error as CommandError).result.signal).to.equal('SIGUSR1')
  })

  it('leaves no process that has ended unread', async () => {
    const pid = await starterPid()
    await Promise.all(Array.from({ length: 40 }, () => runCommand(['true'], soon)))
    await failure(runCommand(['sleep', '600'], { timeoutMs: 100 }))
    const children = () => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    await until({ what: 'no child is left', deadlineMs: 10_000 }, () => Promise.resolve(children() === ''))
  })

  it('fails what was running when it ends, kills it, and is started again', async () => {
    const before = await starterPid()
    let pid = 0
    const onOutput = (bytes: Buffer) => {
      pid = Number(bytes.toString())
      process.kill(before, 'SIGKILL')
    }
    const command = failure(runCommand(['sleep', '600'], soon))
    const stream = failure(runStream(['sh', '-c', 'echo $$; exec sleep 600'], { env, stallMs: 60_000, onOutput }))
    expect((await command).message).to.contain(starterEnded())
    expect(await command).to.be.instanceOf(CommandError)
    expect((await stream).message).to.equal(starterEnded())
    await untilEnded(pid)
    expect(await starterPid()).not.to.equal(before)
  })

  it('ends with the process that started it, and lets what it has started run on', async () => {
    const file = join(directory, 'pids')
    const run = join(import.meta.dirname, '../../../../../src/agent/host/exec/run.js')
    const words = JSON.stringify(['sh', '-c', `echo $PPID $$ >${file}.new; mv ${file}.new ${file}; exec sleep 600`])
    const code = `import { runCommand } from ${JSON.stringify(run)}; await runCommand(${words}, { timeoutMs: 60000 })`
    const agent = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], { stdio: 'ignore' })
    const pids = await until({ what: 'the command runs', deadlineMs: 30_000 }, () =>
      Promise.resolve(pidsIn(file) as [number, number] | undefined),
    )
    agent.kill('SIGKILL')
    await once(agent, 'exit')
    await untilEnded(pids[0])
    expect(hasEnded(pids[1])).to.equal(false)
    process.kill(pids[1], 'SIGKILL')
  })

  it('keeps no process alive that has nothing to run', async () => {
    const run = join(import.meta.dirname, '../../../../../src/agent/host/exec/run.js')
    const code = `import { runCommand } from ${JSON.stringify(run)}; await runCommand(['true'], { timeoutMs: 60000 })`
    const agent = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], { stdio: 'ignore' })
    expect(await once(agent, 'exit')).to.deep.equal([0, null])
  })
})

function pidsIn(file: string): number[] | undefined {
  try {
    return readFileSync(file, 'utf8').trim().split(' ').map(Number)
  } catch {
    return undefined
  }
}
