import { expect } from 'chai'
import { cancelled } from '../../../../../src/agent/host/exec/messages.js'
import { runStream } from '../../../../../src/agent/host/exec/stream.js'

const env = { PATH: process.env['PATH']! }

describe('a program that may run for hours', function () {
  this.timeout(30_000)

  it('is ended when it neither says nor reads anything for long', async () => {
    const error: unknown = await runStream(['sleep', '600'], { env, stallMs: 400 }).catch((error: unknown) => error)
    expect(String(error)).to.match(/no output or I\/O for/)
  })

  it('goes on while it reads, although it says nothing', async () => {
    const silent = ['sh', '-c', 'exec timeout --foreground 3 cat /dev/zero >/dev/null'] as const
    expect((await runStream(silent, { env, stallMs: 1_000 })).code, 'what timeout gives').to.equal(124)
  })

  it('goes on while it says something', async () => {
    const slow = ['sh', '-c', 'for i in 1 2 3 4 5 6; do echo $i; sleep 0.4; done'] as const
    expect((await runStream(slow, { env, stallMs: 2_000 })).stdout.toString()).to.equal('1\n2\n3\n4\n5\n6\n')
  })

  it('is ended when its caller wants it so, and with it what it started', async () => {
    const caller = new AbortController()
    const parent = ['sh', '-c', 'sleep 600 & echo begun; wait'] as const
    const onOutput = () => caller.abort()
    const error: unknown = await runStream(parent, { env, stallMs: 60_000, signal: caller.signal, onOutput }).catch(
      (error: unknown) => error,
    )
    expect(String(error)).to.contain(cancelled())
  })

  it('is ended when its output cannot be taken, with that error', async () => {
    const onOutput = () => Promise.reject(new Error('no space'))
    const talk = ['sh', '-c', 'echo a; exec sleep 600'] as const
    const error: unknown = await runStream(talk, { env, stallMs: 60_000, onOutput }).catch((error: unknown) => error)
    expect(String(error)).to.equal('Error: no space')
  })
})
