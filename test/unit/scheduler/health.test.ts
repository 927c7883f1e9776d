import { expect } from 'chai'
import { unhealthyAfterMs } from '../../../src/daemon/conditionTimer.js'
import { createPersistent } from '../../../src/scheduler/admission/index.js'
import { OutOfSpace, type WriteResult } from '../../../src/store/store.js'
import { alice, aHost, terabyte } from '../../support/builders.js'
import { Rig } from '../../support/schedulerRig.js'

async function minutesPass(rig: Rig): Promise<void> {
  for (let ms = 0; ms < unhealthyAfterMs; ms += 1_000) {
    rig.clock.advance(1_000)
    await new Promise(setImmediate)
  }
  await rig.quiet()
}

/** A leader that has something to write, whose writes then come to this end. */
async function whoseWrites(end: () => Promise<WriteResult>): Promise<Rig> {
  const rig = await Rig.start({ hosts: [aHost('gluster1')] })
  const { config, newUuid } = rig.deps
  const asked = { name: 'mytest', ...alice, pool: undefined, bytes: terabyte, access: ['striped' as const] }
  const created = rig.committer.commit((cluster) => createPersistent(cluster, asked, { config, now: 2000, newUuid }))
  await rig.run(created)
  await rig.quiet()
  rig.store.write = end
  rig.etcd.write([], [{ deletePrefix: 'desired/' }])
  await minutesPass(rig)
  return rig
}

describe("a scheduler's health: its loop", () => {
  it('fails for as long as a round does not end', async () => {
    const rig = await whoseWrites(() => new Promise(() => {}))
    expect(rig.loop.failingForMs).to.be.at.least(unhealthyAfterMs - 2_000)
  })

  it('fails while every round meets an error of our own', async () => {
    const rig = await whoseWrites(() => Promise.reject(new TypeError('a bug')))
    expect(rig.loop.failingForMs).to.be.at.least(unhealthyAfterMs - 2_000)
  })

  it('does not fail for a reason that is etcd’s: a new start would not help', async () => {
    const rig = await whoseWrites(() => Promise.reject(new OutOfSpace('full')))
    expect(rig.loop.failingForMs).to.be.below(2_000)
  })

  it('does not fail while there is nothing to do', async () => {
    const rig = await Rig.start({ hosts: [aHost('gluster1')] })
    await minutesPass(rig)
    expect(rig.loop.failingForMs).to.equal(0)
  })
})
