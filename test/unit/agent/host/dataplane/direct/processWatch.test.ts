import { expect } from 'chai'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { ProcessWatch } from '../../../../../../src/agent/host/dataplane/direct/processWatch.js'
import { startOf } from '../../../../../../src/agent/host/exec/bootId.js'
import { HandClock } from '../../../../../support/handClock.js'

describe('a watch on processes', () => {
  const children: ChildProcess[] = []
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
  })

  async function sleeping() {
    const child = spawn('sleep', ['1000'])
    children.push(child)
    await once(child, 'spawn')
    const pid = child.pid!
    return { child, process: { pid, start: startOf(readFileSync(`/proc/${pid}/stat`, 'utf8')) } }
  }

  /** Looks, by the clock, until it has looked at all. */
  async function look(clock: HandClock) {
    clock.advance(2_000)
    while (clock.timersLeft === 0) await new Promise((resolve) => setImmediate(resolve))
  }

  it('tells of one that has ended, and not of those that run or were forgotten', async () => {
    const clock = new HandClock()
    let told: () => void = () => {}
    let count = 0
    const watch = new ProcessWatch(clock, () => {
      count++
      told()
    })
    const [first, second, third] = [await sleeping(), await sleeping(), await sleeping()]
    watch.follow('1', first.process)
    watch.follow('2', second.process)
    watch.follow('3', third.process)
    await look(clock)
    expect(count).to.equal(0)
    third.child.kill('SIGKILL')
    await once(third.child, 'exit')
    watch.forget('3')
    await look(clock)
    expect(count).to.equal(0)
    second.child.kill('SIGKILL')
    await once(second.child, 'exit')
    const heard = new Promise<void>((resolve) => (told = resolve))
    clock.advance(2_000)
    await heard
    expect(count).to.equal(1)
    watch.close()
    expect(clock.timersLeft).to.equal(0)
  })

  it('looks at nothing while it follows nothing', () => {
    const clock = new HandClock()
    new ProcessWatch(clock, () => {})
    expect(clock.timersLeft).to.equal(0)
  })
})
