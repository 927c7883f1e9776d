import { expect } from 'chai'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type Activity, activityOf } from '../../../../../src/agent/host/exec/activity.js'

describe('what a process does', () => {
  let child: ChildProcess
  afterEach(() => child.kill('SIGKILL'))

  async function begun(command: string): Promise<number> {
    child = spawn('sh', ['-c', `echo begun; ${command}`], { stdio: ['ignore', 'pipe', 'ignore'] })
    await once(child.stdout!, 'data')
    return child.pid!
  }

  /** The kernel counts when it looks at a process, so that one which has just begun may have run for nothing yet. */
  async function seenOf(pid: number): Promise<Activity> {
    for (;;) {
      const seen = await activityOf(pid)
      if (seen) return seen
    }
  }

  it('is told by the time that its threads have run', async () => {
    const pid = await begun('while :; do :; done')
    const before = (await seenOf(pid)).busyMs
    let now = before
    while (now === before) now = (await seenOf(pid)).busyMs
    expect(now).to.be.greaterThan(before)
  })

  it('is nothing while it is stopped, and that is not taken for waiting', async () => {
    const pid = await begun('while :; do :; done')
    await seenOf(pid)
    process.kill(pid, 'SIGSTOP')
    let seen = await seenOf(pid)
    for (let again = await seenOf(pid); again.busyMs !== seen.busyMs; again = await seenOf(pid)) seen = again
    expect(seen).to.deep.equal({ busyMs: seen.busyMs, isBlocked: false })
  })

  it('is not known of one that has ended', async () => {
    const pid = await begun('exec sleep 100')
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await activityOf(pid)).to.equal(undefined)
  })
})
