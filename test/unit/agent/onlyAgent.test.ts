import { expect } from 'chai'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { anotherAgent } from '../../../src/agent/messages.js'
import { requireOnlyAgent } from '../../../src/agent/onlyAgent.js'

describe('the lock of the one agent of a host', () => {
  const directory = mkdtempSync(join(tmpdir(), 'burstbuffer-lock-'))
  let holder: ChildProcess
  after(() => rmSync(directory, { recursive: true }))
  afterEach(() => holder.kill('SIGKILL'))

  /** A process that takes it, as an agent does, and starts a program that outlives it. */
  async function held(): Promise<number> {
    const take = `
      const { requireOnlyAgent } = await import('./src/agent/onlyAgent.ts')
      const { spawn } = await import('node:child_process')
      await requireOnlyAgent('gluster1', ${JSON.stringify(directory)})
      console.log(spawn('sleep', ['100'], { detached: true, stdio: 'ignore' }).pid)
      setInterval(() => {}, 1000)`
    holder = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', take], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [said] = (await once(holder.stdout!, 'data')) as [Buffer]
    return Number(said.toString())
  }

  it('is refused while another agent has it, and not to that of another host', async () => {
    const started = await held()
    try {
      const refused = await requireOnlyAgent('gluster1', directory).catch((error: Error) => error.message)
      expect(refused).to.equal(anotherAgent('gluster1', [{ pid: holder.pid!, isStuck: false }]))
      expect(refused).to.include(`process ${holder.pid}`)
      await requireOnlyAgent('gluster2', directory)
    } finally {
      process.kill(started, 'SIGKILL')
    }
  })

  it('names a process that no signal ends, and what to do then', () => {
    const all = [
      { pid: 7, isStuck: false },
      { pid: 8, isStuck: true },
    ]
    expect(anotherAgent('gluster1', all)).to.include('process 8').and.to.include('reboot')
  })

  it('is free when that agent was killed, although a program that it has started goes on', async () => {
    const started = await held()
    try {
      holder.kill('SIGKILL')
      await once(holder, 'exit')
      await requireOnlyAgent('gluster1', directory)
    } finally {
      process.kill(started, 'SIGKILL')
    }
  })
})
