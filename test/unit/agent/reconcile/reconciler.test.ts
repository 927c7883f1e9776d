import { expect } from 'chai'
import PQueue from 'p-queue'
import { lacksRole } from '../../../../src/agent/reconcile/messages.js'
import { deviceHasPartitions } from '../../../../src/agent/plan/messages.js'
import { until } from '../../../../lab/common/until.js'
import { Busy, type BrickFacts, type Host, Refusal, Unavailable } from '../../../../src/agent/port/host.js'
import { byName } from '../../../../src/agent/reconcile/oneByOne.js'
import { Reconciler } from '../../../../src/agent/reconcile/reconciler.js'
import { describeStep, type Step } from '../../../../src/agent/port/steps.js'
import { silentLog } from '../../../../src/daemon/log.js'
import type { DesiredBrick, ObservedBrick } from '../../../../src/model/documents/brick.js'
import type { Role } from '../../../../src/model/documents/host.js'
import { levels } from '../../../../src/model/levels.js'
import { keys } from '../../../../src/store/keys.js'
import { FakeEtcd } from '../../../../src/store/fake.js'
import { OutcomeUnknown, StoreUnavailable } from '../../../../src/store/store.js'
import { aDesiredBrick, aDeviceSeen, brickFacts, ownXfs, readyBrick } from '../../../support/desired.js'
import { HandClock } from '../../../support/handClock.js'

const key = keys.desired('gluster1', 'brick', 'nvme1n1')
const reportKey = keys.observed('gluster1', 'brick', 'nvme1n1')
const absent = { wanted: 'absent' } as const
const wholeFormat = ['format nvme1n1 for buffer 3', 'mount nvme1n1', 'stamp nvme1n1', 'make brick on nvme1n1']

/** A reconciler of one brick, on a host whose facts the test sets, and whose steps it can hold up or let fail. */
class Rig {
  readonly clock = new HandClock()
  readonly etcd = new FakeEtcd(this.clock)
  readonly store = this.etcd.open()
  readonly limit = new PQueue({ concurrency: 1 })
  readonly steps: string[] = []
  facts: () => BrickFacts = () => brickFacts()
  /** Called in the place of each step. */
  effect: (sentence: string) => Promise<void> = () => Promise.resolve()
  looks = 0
  rounds = 0
  maxRounds = 0
  refreshes = 0
  readonly ready: string[] = []
  gone = false
  boot: string | undefined
  private reconciler: Reconciler<'brick'> | undefined

  begin(brick: Partial<DesiredBrick> = {}, roles: Role[] = ['storage']): Reconciler<'brick'> {
    const entry = this.desire(brick)
    const { limit } = this
    this.reconciler = new Reconciler<'brick'>(
      entry,
      entry,
      {
        host: this.host(),
        roles,
        store: this.store,
        clock: this.clock,
        log: silentLog,
        level: () => levels.highest,
        refreshInventory: () => Promise.resolve(void this.refreshes++),
        limitOf: () => limit,
        onBrickReady: (brick) => void this.ready.push(brick.uuid),
        oneByOne: byName(),
        random: () => 0.5,
      },
      () => (this.gone = true),
    )
    return this.reconciler
  }

  /** Writes the desired document, and returns it as the watch would bring it. */
  desire(brick: Partial<DesiredBrick> = {}) {
    const document = aDesiredBrick(brick)
    this.etcd.write([], [{ put: key, value: document }])
    return { id: 'nvme1n1', kind: 'brick', document, modRevision: this.etcd.read(key)!.modRevision } as const
  }

  get report(): ObservedBrick | undefined {
    return this.etcd.read(reportKey)?.value as ObservedBrick | undefined
  }

  untilReported(what: string, holds: (report: ObservedBrick) => boolean): Promise<ObservedBrick> {
    const seen = () => Promise.resolve(JSON.stringify(this.report))
    return until({ what, seen, deadlineMs: 5_000 }, () =>
      Promise.resolve(this.report && holds(this.report) ? this.report : undefined),
    )
  }

  untilLooked(times: number): Promise<unknown> {
    return until({ what: `${times} looks`, deadlineMs: 5_000 }, () => Promise.resolve(this.looks >= times))
  }

  async untilDone(...steps: string[]): Promise<void> {
    const seen = () => Promise.resolve(this.steps.join(', '))
    await until({ what: steps.join(', '), seen, deadlineMs: 5_000 }, () =>
      Promise.resolve(this.steps.join() === steps.join()),
    )
  }

  /** Its next try has a time: a clock that is moved before that moves nothing. */
  async untilItWaits(): Promise<void> {
    await until({ what: 'a pause', deadlineMs: 5_000 }, () => Promise.resolve(this.clock.timersLeft > 0))
  }

  private host(): Host {
    const brick = async () => {
      this.looks++
      this.maxRounds = Math.max(this.maxRounds, ++this.rounds)
      await new Promise((resolve) => setImmediate(resolve))
      this.rounds--
      return this.facts()
    }
    const effects = new Proxy({} as Host['effects'], {
      get: () => (step: Step) => {
        const sentence = describeStep(step)
        this.steps.push(sentence)
        return this.effect(sentence)
      },
    })
    return { name: 'gluster1', boot: this.boot, observe: { brick }, effects } as unknown as Host
  }
}

/** A promise that the test settles. */
function held() {
  let release: () => void = () => {}
  const promise = new Promise<void>((resolve) => (release = resolve))
  return { promise, release }
}

describe('the reconciler of one desired document', () => {
  let rig: Rig

  beforeEach(() => {
    rig = new Rig()
  })

  it('executes a plan, looks again and reports what it then sees', async () => {
    rig.effect = (sentence) => Promise.resolve(void (sentence === wholeFormat[3] && (rig.facts = () => readyBrick())))
    rig.begin()
    await rig.untilReported('the brick ready', ({ state }) => state === 'ready')
    expect(rig.steps).to.deep.equal(wholeFormat)
    // Once: what is quick is not reported before its end.
    const { createRevision, modRevision } = rig.etcd.read(reportKey)!
    expect(modRevision).to.equal(createRevision)
    expect(rig.report).to.deep.equal({
      v: 1,
      uuid: aDesiredBrick().uuid,
      directory: 'brick',
      state: 'ready',
      waitingFor: [],
    })
  })

  it('tells once that a brick is ready, when it was seen so', async () => {
    let seenReady = false
    rig.effect = (sentence) => {
      if (sentence === wholeFormat[3]) rig.facts = () => ((seenReady = true), readyBrick())
      expect([seenReady, rig.ready]).to.deep.equal([false, []])
      return Promise.resolve()
    }
    const reconciler = rig.begin()
    await rig.untilReported('the brick ready', ({ state }) => state === 'ready')
    expect(rig.ready).to.deep.equal([aDesiredBrick().uuid])
    const { looks } = rig
    reconciler.wake()
    await rig.untilLooked(looks + 1)
    await reconciler.stop()
    expect(rig.ready).to.have.length(1)
  })

  it('reports under which boot it saw a brick', async () => {
    rig.boot = 'second'
    rig.facts = () => readyBrick()
    rig.begin()
    expect(await rig.untilReported('the brick ready', ({ state }) => state === 'ready')).to.include({ boot: 'second' })
  })

  it('runs one round at a time, however often it is woken', async () => {
    rig.facts = () => readyBrick()
    const reconciler = rig.begin()
    for (let index = 0; index < 20; index++) reconciler.wake()
    await rig.untilReported('the brick ready', ({ state }) => state === 'ready')
    await rig.untilLooked(2)
    expect(rig.maxRounds).to.equal(1)
  })

  it('voids a plan when the document changed in etcd before a destructive step, though no watch has told of it', async () => {
    rig.facts = () => readyBrick({ servedBy: { pid: 42 } })
    rig.effect = (sentence) => {
      if (sentence.startsWith('stop process')) rig.desire({ wanted: 'present' })
      return Promise.resolve()
    }
    const reconciler = rig.begin(absent)
    await rig.untilLooked(2)
    expect(rig.steps).to.deep.equal(['stop process 42 of brick nvme1n1'])
    await reconciler.stop()
  })

  it('asks again when the turn of a step has come, not when it began to wait for it', async () => {
    const other = held()
    void rig.limit.add(() => other.promise)
    rig.facts = () => readyBrick()
    const reconciler = rig.begin(absent)
    await until({ what: 'steps that take long reported', deadlineMs: 5_000 }, () => {
      rig.clock.advance(500)
      return Promise.resolve(rig.report?.state === 'leaving')
    })
    await new Promise((resolve) => setTimeout(resolve, 20))
    rig.desire({ wanted: 'present' })
    const looks = rig.looks
    other.release()
    await until({ what: 'another look', deadlineMs: 5_000 }, () => Promise.resolve(rig.looks > looks))
    expect(rig.steps).to.deep.equal([])
    await reconciler.stop()
  })

  it('does not begin a plan while etcd cannot be asked', async () => {
    const reconciler = rig.begin()
    rig.store.cut()
    await until({ what: 'two looks', deadlineMs: 5_000 }, () => {
      rig.clock.advance(30_000)
      return Promise.resolve(rig.looks >= 2)
    })
    expect(rig.steps).to.deep.equal([])
    await reconciler.stop()
  })

  it('leaves the host alone when the document is gone, and deletes its report', async () => {
    rig.facts = () => readyBrick()
    const reconciler = rig.begin()
    await rig.untilReported('the brick ready', ({ state }) => state === 'ready')
    reconciler.update(undefined)
    await until({ what: 'the report deleted' }, () => Promise.resolve(rig.report === undefined && rig.gone))
    expect(rig.steps).to.deep.equal([])
  })

  it('deletes its report later when etcd cannot be reached at once', async () => {
    rig.facts = () => readyBrick()
    const reconciler = rig.begin()
    await rig.untilReported('the brick ready', ({ state }) => state === 'ready')
    rig.store.cut()
    reconciler.update(undefined)
    await new Promise((resolve) => setTimeout(resolve, 20))
    rig.store.heal()
    await until({ what: 'the report deleted', deadlineMs: 5_000 }, () => {
      rig.clock.advance(30_000)
      return Promise.resolve(rig.report === undefined && rig.gone)
    })
  })

  it('does not show Busy at once, and shows it when it lasts', async () => {
    rig.effect = () => Promise.reject(new Busy('another transaction'))
    const reconciler = rig.begin()
    await rig.untilDone(wholeFormat[0]!)
    expect(rig.report).to.equal(undefined)
    await until({ what: 'the problem shown', deadlineMs: 5_000 }, () => {
      rig.clock.advance(30_000)
      return Promise.resolve(rig.report?.problem !== undefined)
    })
    expect(rig.report!.problem).to.deep.equal({ message: 'another transaction', terminal: false })
    expect(rig.steps.length).to.be.greaterThan(5)
    await reconciler.stop()
  })

  it('shows a failure at once, and tries again', async () => {
    rig.effect = () => Promise.reject(new Error('mkfs: no'))
    const reconciler = rig.begin()
    const { problem } = await rig.untilReported('a problem', ({ problem }) => problem !== undefined)
    expect(problem).to.deep.equal({ message: 'mkfs: no', terminal: false })
    const looks = rig.looks
    await until({ what: 'another try', deadlineMs: 5_000 }, () => {
      rig.clock.advance(1_000)
      return Promise.resolve(rig.looks > looks)
    })
    await reconciler.stop()
  })

  it('gives a brick up that could not be formed again and again', async () => {
    rig.effect = () => Promise.reject(new Error('mkfs.xfs: cannot write'))
    rig.begin()
    for (let tries = 0; tries < 5; tries++) {
      await rig.untilDone(...Array.from({ length: tries + 1 }, () => 'format nvme1n1 for buffer 3'))
      await rig.untilReported('a failure', ({ problem }) => problem?.terminal === false)
      await rig.untilItWaits()
      rig.clock.advance(30_000)
    }
    const { state, problem } = await rig.untilReported('a brick given up', ({ problem }) => problem?.terminal === true)
    expect({ state, message: problem?.message }).to.deep.equal({ state: 'forming', message: 'mkfs.xfs: cannot write' })
  })

  it('gives a brick up that could not be wiped again and again, and wipes it when it can be all the same', async () => {
    rig.facts = () => brickFacts({ device: aDeviceSeen({ content: ownXfs() }) })
    rig.effect = () => Promise.reject(new Error('EIO: i/o error, write'))
    rig.begin(absent)
    for (let tries = 0; tries < 5; tries++) {
      await rig.untilDone(...Array.from({ length: tries + 1 }, () => 'wipe nvme1n1'))
      await rig.untilReported('a failure', ({ problem }) => problem?.terminal === false)
      await rig.untilItWaits()
      rig.clock.advance(30_000)
    }
    const { state, problem } = await rig.untilReported('a brick given up', ({ problem }) => problem?.terminal === true)
    expect({ state, message: problem?.message }).to.deep.equal({ state: 'leaving', message: 'EIO: i/o error, write' })
    rig.effect = () => Promise.resolve(void (rig.facts = () => brickFacts()))
    await rig.untilItWaits()
    rig.clock.advance(75_000)
    await rig.untilReported('the brick absent', ({ state }) => state === 'absent')
  })

  it('never gives a brick up that is only in use', async () => {
    rig.facts = () => readyBrick()
    rig.effect = () => Promise.reject(new Error('umount: target is busy'))
    const reconciler = rig.begin(absent)
    await until({ what: 'many tries', deadlineMs: 5_000 }, () => {
      rig.clock.advance(30_000)
      return Promise.resolve(rig.looks > 8)
    })
    const { problem } = await rig.untilReported('a failure', ({ problem }) => problem !== undefined)
    expect(problem?.terminal).to.equal(false)
    await reconciler.stop()
  })

  it('gives no brick up because etcd or gluster was away', async () => {
    const failures = [new Busy('locked'), new Unavailable('the container'), new StoreUnavailable('no answer')]
    for (const failure of failures) {
      const rig = new Rig()
      rig.effect = () => Promise.reject(failure)
      const reconciler = rig.begin()
      await until({ what: 'many tries', deadlineMs: 5_000 }, () => {
        rig.clock.advance(30_000)
        return Promise.resolve(rig.looks > 8)
      })
      const { problem } = await rig.untilReported('a failure', ({ problem }) => problem !== undefined)
      expect(problem?.terminal, failure.message).to.equal(false)
      await reconciler.stop()
    }
  })

  it('does not give a brick up at its first failure because it had to wait before', async () => {
    rig.facts = () => brickFacts({ device: aDeviceSeen({ content: ownXfs(), busy: ['held by dm-0'] }) })
    rig.begin()
    await until({ what: 'many looks', deadlineMs: 5_000 }, () => {
      rig.clock.advance(30_000)
      return Promise.resolve(rig.looks > 8)
    })
    rig.facts = () => brickFacts()
    rig.effect = () => Promise.reject(new Error('mkfs.xfs: somebody opened it'))
    rig.clock.advance(30_000)
    const { problem } = await rig.untilReported('a failure', ({ problem }) => problem !== undefined)
    expect(problem?.terminal).to.equal(false)
  })

  it('says again what it had said when a report in between got no answer', async () => {
    rig.facts = () => readyBrick()
    rig.begin()
    await rig.untilReported('ready', ({ state }) => state === 'ready')
    const { store } = rig
    const write = store.write.bind(store)
    store.write = async (compares, writes) => {
      await write(compares, writes)
      throw new OutcomeUnknown('no answer')
    }
    rig.facts = () => brickFacts({ device: aDeviceSeen({ content: ownXfs(), busy: ['held by dm-0'] }) })
    rig.clock.advance(90_000)
    await rig.untilReported('that it waits', ({ waitingFor }) => waitingFor.length > 0)
    store.write = write
    rig.facts = () => readyBrick()
    await until({ what: 'ready', deadlineMs: 5_000 }, () => {
      rig.clock.advance(30_000)
      return Promise.resolve(rig.report?.state === 'ready')
    })
  })

  it('tells how far a wipe is that takes long, and gives a disk up where it fails again and again', async () => {
    const leaving = () => brickFacts({ device: aDeviceSeen({ content: ownXfs() }) })
    const wiping = { doneBytes: 1, totalBytes: 2 }
    rig.facts = leaving
    // Every other step begins it; the one after that hears that it failed.
    let steps = 0
    rig.effect = () => {
      if (steps++ % 2 === 1) return Promise.reject(new Error('bad sector'))
      rig.facts = () => ({ ...leaving(), wiping })
      return Promise.resolve()
    }
    const reconciler = rig.begin({ ...absent, wipe: 'zero' })
    for (let tries = 0; tries < 6; tries++) {
      const report = await rig.untilReported('a wipe under way', (report) => report.wiping !== undefined)
      expect(report).to.deep.include({ state: 'leaving', wiping, waitingFor: [] })
      rig.facts = leaving
      await rig.untilItWaits()
      rig.clock.advance(1_000)
      await rig.untilReported('a failure', ({ problem }) => problem?.message === 'bad sector')
      expect(rig.report).not.to.have.property('wiping')
      expect(rig.report!.problem!.terminal).to.equal(tries === 5)
      rig.clock.advance(30_000)
    }
    await reconciler.stop()
  })

  it('calls a refusal terminal, of the plan as of a step', async () => {
    rig.effect = () => Promise.reject(new Refusal('it must not be'))
    rig.begin()
    const step = await rig.untilReported('a problem', ({ problem }) => problem !== undefined)
    expect(step.problem).to.deep.equal({ message: 'it must not be', terminal: true })
    rig = new Rig()
    rig.facts = () => brickFacts({ device: aDeviceSeen({ partitions: ['nvme1n1p1'] }) })
    rig.begin()
    const plan = await rig.untilReported('a problem', ({ problem }) => problem !== undefined)
    expect(plan.problem).to.deep.equal({ message: deviceHasPartitions('nvme1n1', ['nvme1n1p1']), terminal: true })
    expect(rig.steps).to.deep.equal([])
  })

  it('shows that the host cannot be looked at, beside what it last saw', async () => {
    rig.facts = () => readyBrick()
    const reconciler = rig.begin()
    await rig.untilReported('the brick ready', ({ state }) => state === 'ready')
    rig.facts = () => {
      throw new Error('EIO')
    }
    reconciler.wake()
    const report = await rig.untilReported('a problem', ({ problem }) => problem !== undefined)
    expect(report).to.deep.include({ state: 'ready', problem: { message: 'EIO', terminal: false } })
    await reconciler.stop()
  })

  it('looks again within about a minute, so that drift is mended', async () => {
    rig.facts = () => readyBrick()
    const reconciler = rig.begin()
    await rig.untilReported('the brick ready', ({ state }) => state === 'ready')
    await rig.untilItWaits()
    rig.facts = () => brickFacts({ device: aDeviceSeen({ content: ownXfs() }) })
    rig.effect = () => Promise.resolve(void (rig.facts = () => readyBrick()))
    rig.clock.advance(75_000)
    await rig.untilDone('mount nvme1n1')
    await reconciler.stop()
  })

  it('ends after the step under way', async () => {
    const step = held()
    rig.effect = () => step.promise
    const reconciler = rig.begin()
    await rig.untilDone(wholeFormat[0]!)
    let ended = false
    const end = reconciler.stop().then(() => (ended = true))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(ended).to.equal(false)
    step.release()
    await end
    expect(rig.steps).to.deep.equal([wholeFormat[0]])
  })

  it('writes the inventory before it reports a device free', async () => {
    rig.begin(absent)
    await rig.untilReported('the brick absent', ({ state }) => state === 'absent')
    expect(rig.refreshes).to.equal(1)
  })

  it('refuses what the host has no role for', async () => {
    rig.begin({}, ['compute'])
    const { problem } = await rig.untilReported('a problem', ({ problem }) => problem !== undefined)
    expect(problem).to.deep.equal({ message: lacksRole('gluster1', 'storage'), terminal: true })
    expect([rig.looks, rig.steps]).to.deep.equal([0, []])
  })

  it('pauses when steps that succeed change nothing', async () => {
    const reconciler = rig.begin()
    await until({ what: 'eight rounds', deadlineMs: 5_000 }, () => Promise.resolve(rig.looks >= 8))
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(rig.looks).to.equal(8)
    await reconciler.stop()
  })
})
