import { expect } from 'chai'
import { HangWatch } from '../../../../../../src/agent/host/dataplane/direct/hangWatch.js'
import type { Answer } from '../../../../../../src/agent/host/dataplane/direct/probe.js'
import type { Activity } from '../../../../../../src/agent/host/exec/activity.js'
import { HandClock } from '../../../../../support/handClock.js'

const process = { pid: 7, start: '100' }
const silent: Answer = { kind: 'timedOut', isConnected: true }
const accepted: Answer = { kind: 'accepted' }

describe('a watch on brick processes that do not answer', () => {
  let clock: HandClock
  let activity: Activity | undefined
  let watch: HangWatch
  beforeEach(() => {
    clock = new HandClock()
    activity = { busyMs: 500, isBlocked: false }
    watch = new HangWatch(clock, () => Promise.resolve(activity))
  })

  /** Looks every ten seconds; `change` is called before each. Whether it was said to hang, each time. */
  async function looks(count: number, { answer = silent, of = process, change = () => {} } = {}): Promise<boolean[]> {
    const said = []
    for (let look = 0; look < count; look++) {
      change()
      said.push(await watch.hangs('uuid', of, answer))
      clock.advance(10_000)
    }
    return said
  }
  const never = (said: boolean[]) => expect(said).to.not.include(true)

  it('says that one hangs that has done nothing for half a minute, and not before', async () => {
    expect(await looks(4)).to.deep.equal([false, false, false, true])
  })

  it('counts a hundredth of the time as nothing: threads that only look at their clocks', async () => {
    const change = () => (activity = { busyMs: activity!.busyMs + 90, isBlocked: false })
    expect(await looks(4, { change })).to.deep.equal([false, false, false, true])
  })

  it('does not say so of one that works, or waits for a processor', async () => {
    never(await looks(20, { change: () => (activity = { busyMs: activity!.busyMs + 110, isBlocked: false }) }))
  })

  it('does not say so of one of whose threads one has ended', async () => {
    let thread = 0
    never(await looks(20, { change: () => (activity = { busyMs: thread++ % 2 === 0 ? 500 : 100, isBlocked: false }) }))
  })

  it('does not say so of one that waits for a disk, or is held by a debugger', async () => {
    activity = { busyMs: 500, isBlocked: true }
    never(await looks(20))
  })

  it('does not say so where the kernel does not tell what it does', async () => {
    activity = undefined
    never(await looks(20))
  })

  it('does not say so when the connection was not taken: something between them may be silent', async () => {
    never(await looks(20, { answer: { kind: 'timedOut', isConnected: false } }))
  })

  it('counts anew when it has answered, or is another process', async () => {
    await looks(3)
    await looks(1, { answer: accepted })
    never(await looks(3))
    never(await looks(3, { of: { pid: 7, start: '200' } }))
  })

  it('wants three looks: half a minute may pass between two', async () => {
    await looks(1)
    clock.advance(60_000)
    expect(await looks(2)).to.deep.equal([false, true])
  })
})
