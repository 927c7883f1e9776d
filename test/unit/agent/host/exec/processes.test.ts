import { expect } from 'chai'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { startOf } from '../../../../../src/agent/host/exec/bootId.js'
import { endProcess, startTimeIn } from '../../../../../src/agent/host/exec/processes.js'

/** A program that says when it is ready, and what it does when it is told to end. */
async function aProcess(onTerm: string) {
  const child = spawn(process.execPath, ['-e', `${onTerm}; setInterval(() => {}, 1000); console.log('ready')`])
  await once(child.stdout, 'data')
  const pid = child.pid!
  return { child, id: { pid, start: startOf(readFileSync(`/proc/${pid}/stat`, 'utf8')) }, ended: once(child, 'exit') }
}

describe('ending a process', () => {
  it('asks it to end, and waits until it has', async () => {
    const { id, ended } = await aProcess("process.on('SIGTERM', () => process.exit(3))")
    await endProcess(id, 20_000)
    expect(await ended).to.deep.equal([3, null])
  })

  it('kills one that does not', async () => {
    const { id, ended } = await aProcess("process.on('SIGTERM', () => {})")
    await endProcess(id, 200)
    expect(await ended).to.deep.equal([null, 'SIGKILL'])
  })

  it('leaves another one alone that got its pid since', async () => {
    const { child, id } = await aProcess('')
    await endProcess({ pid: id.pid, start: '1' }, 20_000)
    expect([child.exitCode, child.signalCode]).to.deep.equal([null, null])
    child.kill('SIGKILL')
  })

  it('is done at once when there is none', async () => {
    const { child, id, ended } = await aProcess('')
    child.kill('SIGKILL')
    await ended
    await endProcess(id, 20_000)
  })
})

describe('a process that has ended', () => {
  const statOf = (state: string, threads: number) =>
    `7 (a) Z b) ${state} 1 7 7 0 -1 4194624 1328 0 10 0 0 1 0 0 20 0 ${threads} 0 4730309 132370432`

  it('is one that waits for its parent', () => {
    expect(startTimeIn(statOf('Z', 1))).to.equal(undefined)
  })

  it('is not one that runs, or has threads that are still ending', () => {
    expect(startTimeIn(statOf('S', 14))).to.equal('4730309')
    expect(startTimeIn(statOf('Z', 3))).to.equal('4730309')
  })
})
