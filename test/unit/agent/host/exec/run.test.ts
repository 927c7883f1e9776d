import { notStarted, timedOut } from '../../../../../src/agent/host/exec/messages.js'
import { expect } from 'chai'
import { until } from '../../../../../lab/common/until.js'
import { CommandError, runCommand, runOk } from '../../../../../src/agent/host/exec/run.js'

async function failure(act: Promise<unknown>): Promise<CommandError> {
  return act.then(
    () => {
      throw new Error('it did not fail')
    },
    (error: unknown) => error as CommandError,
  )
}

const soon = { timeoutMs: 20_000 }

describe('a command', () => {
  it('gives its exit code and what it wrote', async () => {
    const result = await runCommand(['sh', '-c', 'echo out; echo err >&2; exit 3'], soon)
    expect(result).to.deep.equal({ code: 3, stdout: 'out\n', stderr: 'err\n' })
  })

  it('gets its arguments as they are, never through a shell', async () => {
    const words = ['$(id)', 'a b', "'", ';', '*']
    const { stdout } = await runCommand(['printf', '%s|', ...words], soon)
    expect(stdout).to.equal(words.map((word) => `${word}|`).join(''))
  })

  it('fails with its last words first when its exit code is not wanted', async () => {
    const { message } = await failure(runOk(runCommand, ['sh', '-c', 'echo no such thing >&2; exit 4'], soon))
    expect(message).to.match(/^no such thing \(sh -c .*: exit code 4\)$/)
    await runOk(runCommand, ['sh', '-c', 'exit 4'], soon, [0, 4])
  })

  it('fails when it cannot be started', async () => {
    const error = await failure(runCommand(['/nowhere/at-all'], soon))
    expect(error).to.be.instanceOf(CommandError)
    expect(error.message).to.contain('ENOENT')
    expect(error.message).to.contain(notStarted())
  })

  it('is killed with its whole process group when it hangs', async () => {
    const error = await failure(runCommand(['sh', '-c', 'sleep 600 & echo $!; wait'], { timeoutMs: 500 }))
    expect(error.result.timedOut).to.equal(true)
    expect(error.message).to.contain(timedOut())
    const child = Number(error.result.stdout)
    expect(child).to.be.greaterThan(1)
    await until({ what: 'its child ended', deadlineMs: 10_000 }, () => Promise.resolve(hasEnded(child)))
  })

  it('ends although a daemon that it left behind keeps its output open', async () => {
    const { stdout } = await runCommand(['sh', '-c', 'sleep 600 & echo $!'], soon)
    expect(hasEnded(Number(stdout))).to.equal(false)
    process.kill(Number(stdout), 'SIGKILL')
  })

  it('gives all that it wrote, also while this process is busy with other things', async () => {
    // Fits into the pipe, so that the command ends whether or not anybody reads.
    const write = ['sh', '-c', 'head -c 60000 /dev/zero | tr "\\0" x; sleep 600 & echo $!'] as const
    const busy = setInterval(() => {
      const end = performance.now() + 20
      while (performance.now() < end);
    }, 0)
    try {
      // The end of one command is heard of together with that of others, before what they wrote was looked for.
      const outputs = await Promise.all(Array.from({ length: 60 }, () => runCommand(write, soon)))
      const ends = outputs.map(({ stdout }) => /^x{60000}(\d+)\n$/.exec(stdout)?.[1])
      for (const pid of ends) if (pid !== undefined) process.kill(Number(pid), 'SIGKILL')
      expect(ends).not.to.include(undefined)
    } finally {
      clearInterval(busy)
    }
  })

  it('gives characters whole that come in two pieces', async () => {
    const { stdout } = await runCommand(['sh', '-c', "printf '\\303'; sleep 0.2; printf '\\244'"], soon)
    expect(stdout).to.equal('ä')
  })
})

function hasEnded(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch {
    return true
  }
}
