import { expect } from 'chai'
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { closeSync, constants, openSync, readFileSync, readSync, writeSync } from 'node:fs'
import { basename, join } from 'node:path'
import { cannotBeSanitized, notNvme } from '../../../src/agent/host/disk/messages.js'
import { until } from '../../../lab/common/until.js'
import { Refusal } from '../../../src/agent/port/host.js'
import { endBytes, startBytes } from '../../../src/agent/host/disk/deviceBytes.js'
import { realHost, type RealHost } from '../../../src/agent/host/index.js'
import { type Run, runCommand } from '../../../src/agent/host/exec/run.js'
import { pieceBytes } from '../../../src/agent/host/disk/overwrite.js'
import { plan } from '../../../src/agent/plan/index.js'
import { describeStep, type StepArgs, type StepKind } from '../../../src/agent/port/steps.js'
import { systemClock } from '../../../src/daemon/clock.js'
import { silentLog } from '../../../src/daemon/log.js'
import { brickMountPath } from '../../../src/model/cluster.js'
import type { DesiredAdopt } from '../../../src/model/documents/adopt.js'
import type { DesiredBrick } from '../../../src/model/documents/brick.js'
import { aDesiredBrick } from '../../support/desired.js'
import { Glusterd } from '../../support/glusterd.js'
import { LoopDevices, needsRoot } from '../../support/loopDevices.js'

/** Two pieces of a wipe, of which the second is short. */
const deviceBytes = pieceBytes + 64 * 1024 ** 2
const pattern = 'PATIENT-RECORD '

describe('a wipe by zeros on real loop devices (root)', function () {
  this.timeout(120_000)
  let loops: LoopDevices
  let glusterd: Glusterd | undefined
  let brick: DesiredBrick
  const name = `bbwipe${process.pid}n1`
  const mountPath = brickMountPath(name)

  before(async function () {
    needsRoot(this)
    glusterd = new Glusterd()
    await glusterd.start()
  })

  after(() => glusterd?.stop())

  beforeEach(() => begin({}))

  function begin(options: { withoutDiscard?: boolean }): void {
    loops = new LoopDevices()
    loops.add(name, deviceBytes, options)
    loops.willMount(mountPath)
    const identity = loops.identityOf(name)
    brick = aDesiredBrick({ device: name, identity, sizeBytes: deviceBytes, uuid: randomUUID(), wipe: 'zero' })
  }

  /** In place of a device that can. */
  function beginWithoutDiscard(): void {
    loops.close()
    begin({ withoutDiscard: true })
    expect(canDiscard()).to.equal(false)
  }

  afterEach(() => loops.close())

  const absent = () => ({ ...brick, wanted: 'absent' as const })

  function hostWith(run: Run = runCommand): RealHost {
    const pools = { fast: [join(loops.directory, 'dev', 'bbwipe*')] }
    const [clock, log, runGluster] = [systemClock, silentLog, glusterd!.run]
    return realHost({ name: 'test', pools, mountRoot: '/mnt/burstbuffer', clock, log, run, runPlane: runGluster })
  }

  async function round(host: RealHost, wanted: DesiredBrick): Promise<string[]> {
    const planned = plan.brick(wanted, await host.observe.brick(wanted))
    if (planned.refused !== undefined) throw new Refusal(planned.refused)
    for (const step of planned.steps)
      await host.effects[step.kind as StepKind](step as unknown as StepArgs['formatBrick'] & never)
    return planned.steps.map(describeStep)
  }

  /** A brick that is filled with records, and unmounted again. */
  async function fill(host: RealHost): Promise<void> {
    for (let rounds = 0; (await round(host, brick)).length > 0; rounds++) expect(rounds).to.be.below(5)
    const megabyte = Buffer.alloc(1024 ** 2, pattern)
    const fd = openSync(join(mountPath, 'brick', 'records'), 'w')
    try {
      for (;;) writeSync(fd, megabyte)
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).to.equal('ENOSPC')
    } finally {
      closeSync(fd)
    }
    execFileSync('umount', [mountPath])
    expect(between()).to.deep.equal(['piece 1', 'piece 2'])
  }

  /** Where records are found, read from the disk itself: in the ends, which come last, or in a piece between them. */
  function whereRecordsAre(): string[] {
    execFileSync('blockdev', ['--flushbufs', loops.nodeOf(name)])
    const found = new Set<string>()
    const fd = openSync(loops.nodeOf(name), constants.O_RDONLY)
    const part = Buffer.alloc(1024 ** 2)
    for (let position = 0; position < deviceBytes; position += part.length) {
      readSync(fd, part, 0, part.length, position)
      if (!part.includes(pattern)) continue
      const isEnd = position < startBytes || position >= deviceBytes - endBytes
      found.add(isEnd ? 'an end' : `piece ${Math.floor((position - startBytes) / pieceBytes) + 1}`)
    }
    closeSync(fd)
    return [...found].sort()
  }

  const between = () => whereRecordsAre().filter((place) => place !== 'an end')

  async function device(host: RealHost) {
    return (await host.discover()).devices.find((found) => found.name === name)!
  }

  /** Goes on until the brick is absent; as long as it is not, the device must not look free. */
  async function toTheEnd(host: RealHost): Promise<string[]> {
    const steps: string[] = []
    await until({ what: 'the brick to be absent', deadlineMs: 60_000 }, async () => {
      const facts = await host.observe.brick(absent())
      const { report } = plan.brick(absent(), facts)
      if (report.state === 'absent') return true
      if (facts.wiping) expect((await device(host)).state).to.equal('stamped')
      steps.push(...(await round(host, absent())))
      return undefined
    })
    expect((await device(host)).state).to.equal('blank')
    return steps
  }

  const canDiscard = () =>
    readFileSync(`/sys/block/${basename(loops.nodeOf(name))}/queue/discard_max_bytes`, 'utf8').trim() !== '0'

  /** The offsets of the pieces that were overwritten, in order; `instead` may do something else for one. */
  function watched(instead: (number: number) => ReturnType<Run> | undefined = () => undefined) {
    const offsets: number[] = []
    const run: Run = (argv, options) => {
      if (argv[1] !== '--zeroout') return runCommand(argv, options)
      offsets.push(Number(argv[3]))
      return instead(offsets.length) ?? runCommand(argv, options)
    }
    return { run, offsets }
  }

  for (const discard of [true, false]) {
    it(`leaves no byte of the data on a device ${discard ? 'with' : 'without'} discard`, async () => {
      if (!discard) beginWithoutDiscard()
      const host = hostWith()
      await fill(host)
      expect((await device(host)).wipes).to.deep.equal({
        discard: canDiscard(),
        sanitize: 'no',
        reason: notNvme(),
      })
      expect(await toTheEnd(host)).to.deep.equal([`wipe ${name}`, `wipe ${name}`])
      expect(whereRecordsAre()).to.deep.equal([])
    })
  }

  it('is what a pool needs whose devices cannot discard: without it the data stays, as the documents say', async () => {
    beginWithoutDiscard()
    delete brick.wipe
    const host = hostWith()
    await fill(host)
    expect(await toTheEnd(host)).to.deep.equal([`wipe ${name}`])
    expect(between()).to.deep.equal(['piece 1', 'piece 2'])
  })

  it('is begun anew when the agent died in the middle, and the device was never free meanwhile', async () => {
    let reached = () => {}
    let bury = () => {}
    const inTheMiddle = new Promise<void>((resolve) => (reached = resolve))
    const { run } = watched((number) => {
      if (number < 2) return undefined
      reached()
      return new Promise((_, reject) => (bury = () => reject(new Error('it is dead'))))
    })
    const dying = hostWith(run)
    await fill(dying)
    expect(await round(dying, absent())).to.deep.equal([`wipe ${name}`])
    await inTheMiddle
    expect(between()).to.deep.equal(['piece 2'])
    const { run: runAgain, offsets } = watched()
    const next = hostWith(runAgain)
    expect((await device(next)).state).to.equal('stamped')
    await toTheEnd(next)
    expect(offsets).to.have.lengthOf(2)
    expect(whereRecordsAre()).to.deep.equal([])
    bury()
    await dying.close()
  })

  it('tells the next step of a piece that failed, and goes on with that piece', async () => {
    const { run, offsets } = watched((number) =>
      number === 2 ? Promise.resolve({ code: 1, stdout: '', stderr: 'Input/output error' }) : undefined,
    )
    const host = hostWith(run)
    await fill(host)
    await round(host, absent())
    await until({ what: 'the second piece', deadlineMs: 60_000 }, async () => {
      const { wiping } = await host.observe.brick(absent())
      return wiping === undefined ? true : undefined
    })
    const error: Error = await round(host, absent()).then(
      () => Promise.reject(new Error('it did not fail')),
      (failed: Error) => failed,
    )
    expect(error.message).to.contain('Input/output error')
    await toTheEnd(host)
    expect(offsets[2]).to.equal(offsets[1])
    expect(offsets).to.have.lengthOf(3)
    expect(whereRecordsAre()).to.deep.equal([])
  })

  it('ends with the agent after the piece under way', async () => {
    let closed: Promise<void> | undefined
    const { run, offsets } = watched(() => {
      closed ??= host.close()
      return undefined
    })
    const host = hostWith(run)
    await fill(host)
    await round(host, absent())
    await until({ what: 'the first piece', deadlineMs: 60_000 }, () =>
      Promise.resolve(closed !== undefined || undefined),
    )
    await closed
    expect(offsets).to.have.lengthOf(1)
    expect((await device(hostWith())).state).to.equal('stamped')
  })

  it('overwrites an adopted device too, and is not late when it took longer than the word holds', async () => {
    const host = hostWith()
    await fill(host)
    const { stamp, identity, sizeBytes } = await device(host)
    const adopt: DesiredAdopt = {
      ...{ v: 1, fence: 1, kind: 'adopt', device: name, identity, sizeBytes, who: 'root', wipe: 'zero' },
      expected: `the brick ${stamp!.uuid}`,
      until: systemClock.unixSeconds() + 60,
    }
    await host.effects.adoptDevice({ adopt })
    await until({ what: 'all but the ends', deadlineMs: 60_000 }, async () =>
      (await host.observe.adopt(adopt)).isAllButWiped ? true : undefined,
    )
    const late = { ...adopt, until: systemClock.unixSeconds() - 1 }
    expect(plan.adopt(late, await host.observe.adopt(late)).steps.map(describeStep)).to.deep.equal([`adopt ${name}`])
    await host.effects.adoptDevice({ adopt: late })
    expect((await device(host)).state).to.equal('blank')
    expect(whereRecordsAre()).to.deep.equal([])
  })

  it('does not take the place of sanitize, which a loop device cannot: it is left as it is', async () => {
    const host = hostWith()
    await fill(host)
    brick.wipe = 'sanitize'
    const before = readFileSync(loops.fileOf(name)).subarray(0, 1024 ** 2)
    await round(host, absent())
    await until({ what: 'the end', deadlineMs: 60_000 }, async () =>
      (await host.observe.brick(absent())).wiping === undefined ? true : undefined,
    )
    const error = await round(host, absent()).then(
      () => undefined,
      (failed: Error) => failed,
    )
    expect(error).to.be.instanceOf(Refusal)
    expect(error!.message).to.equal(cannotBeSanitized(name, notNvme()))
    expect(
      readFileSync(loops.fileOf(name))
        .subarray(0, 1024 ** 2)
        .equals(before),
    ).to.equal(true)
    expect(between()).to.deep.equal(['piece 1', 'piece 2'])
  })
})
