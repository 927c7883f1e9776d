import type Docker from 'dockerode'
import { expect } from 'chai'
import { FollowedContainer } from '../../../../../../src/agent/host/dataplane/glusterd/container.js'
import { silentLog } from '../../../../../../src/daemon/log.js'
import { HandClock } from '../../../../../support/handClock.js'

describe('a container whose engine is away for long', () => {
  it('is asked for again and again, and nothing piles up', async () => {
    const clock = new HandClock()
    const warnings: Error[] = []
    const warn = (warning: Error) => warnings.push(warning)
    process.on('warning', warn)
    let asked = 0
    const signals: AbortSignal[] = []
    const docker = {
      getEvents: ({ abortSignal }: { abortSignal: AbortSignal }) => {
        asked++
        signals.push(abortSignal)
        return Promise.reject(new Error('connect ECONNREFUSED'))
      },
    } as unknown as Docker
    const followed = new FollowedContainer({
      engine: { docker, socket: '/run/none.sock' },
      container: 'gluster',
      clock,
      log: silentLog,
    })
    await followed.begin()
    for (let round = 0; round < 30; round++) {
      clock.advance(60_000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    followed.close()
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', warn)
    expect(asked).to.be.greaterThan(20)
    expect(new Set(signals).size).to.equal(asked)
    expect(warnings.map(({ message }) => message)).to.deep.equal([])
    const before = asked
    clock.advance(60_000)
    await new Promise((resolve) => setImmediate(resolve))
    expect(asked).to.equal(before)
  })
})
