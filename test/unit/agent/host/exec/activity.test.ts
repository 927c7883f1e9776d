import { expect } from 'chai'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { activityOf } from '../../../../../src/agent/host/exec/activity.js'

describe('what a process does', () => {
  let child: ChildProcess
  afterEach(() => child.kill('SIGKILL'))

  async function begun(command: string): Promise<number> {
    child = spawn('sh', ['-c', `echo begun; ${command}`], { stdio: ['ignore', 'pipe', 'ignore'] })
    await once(child.stdout!, 'data')
    return child.pid!
  }

  it('is told by the time that its threads have run', async () => {
    const pid = await begun('while :; do :; done')
    const before = (await activityOf(pid))!.busyMs
    let now = before
    while (now === before) now = (await activityOf(pid))!.busyMs
    expect(now).to.be.greaterThan(before)
  })

  it('is nothing while it is stopped, and that is not taken for waiting', async () => {
    const pid = await begun('while :; do :; done')
    process.kill(pid, 'SIGSTOP')
    let seen = await activityOf(pid)
    for (let again = await activityOf(pid); again!.busyMs !== seen!.busyMs; again = await activityOf(pid)) seen = again
    expect(seen).to.deep.equal({ busyMs: seen!.busyMs, isBlocked: false })
  })

  it('is not known of one that has ended', async () => {
    const pid = await begun('exec sleep 100')
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await activityOf(pid)).to.equal(undefined)
  })
})
