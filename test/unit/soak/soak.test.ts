import { expect } from 'chai'
import { setTimeout as pause } from 'node:timers/promises'
import type { Cluster } from '../../../lab/common/interface.js'
import type { Fault } from '../../soak/faults.js'
import { soak, whyEmpty } from '../../soak/soak.js'
import type { Work } from '../../soak/work.js'

const lab = {} as Cluster
const calmMs = 5
const calm: Fault = { name: 'nothing', happen: () => Promise.resolve() }
const work = (go: (number: number) => string): Work => ({
  name: 'job',
  go: async ({ number }) => {
    await pause(1)
    return go(number)
  },
})

describe('a soak', () => {
  it('counts how often each kind of work ended in which way', async () => {
    const counts = await soak(lab, {
      durationMs: 30,
      seed: 1,
      works: [work(() => 'completed')],
      faults: [calm],
      calmMs,
    })
    expect(counts.get('job: completed')).to.be.greaterThan(2)
  })

  it('fails with what must not be, and ends what goes on beside it before', async () => {
    let last = 0
    const failing = work((number) => {
      last = number
      if (number === 5) throw new Error('job 5 read back what it had not written')
      return 'completed'
    })
    const soaked = soak(lab, { durationMs: 600_000, seed: 1, works: [failing], faults: [calm], calmMs })
    const error = await soaked.then(
      () => undefined,
      (error: Error) => error,
    )
    expect(error?.message).to.equal('job 5 read back what it had not written')
    const ended = last
    await pause(20)
    expect(last, 'work that goes on after the end').to.equal(ended)
  })

  it('shows nothing when no fault happened or no job completed', () => {
    expect(whyEmpty(new Map([['job: completed', 3]]))).to.equal('no fault happened')
    expect(
      whyEmpty(
        new Map([
          ['fault: etcd killed', 1],
          ['job: failed', 3],
        ]),
      ),
    ).to.equal('no job completed')
    expect(
      whyEmpty(
        new Map([
          ['fault: etcd killed', 1],
          ['job: completed', 1],
        ]),
      ),
    ).to.equal(undefined)
  })
})
