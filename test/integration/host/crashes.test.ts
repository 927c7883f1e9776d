import { expect } from 'chai'
import { execFileSync, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chmodSync, closeSync, constants, copyFileSync, existsSync, openSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { cannotBeFormatted, mountedAtPath } from '../../../src/agent/host/disk/messages.js'
import {
  deviceHolds,
  deviceIsInUse,
  deviceToBeReleased,
  formatToFinish,
  isAnotherDisk,
  isInUse,
} from '../../../src/agent/plan/messages.js'
import { timedOut } from '../../../src/agent/host/exec/messages.js'
import { until } from '../../../lab/common/until.js'
import { wipeRanges } from '../../../src/agent/host/disk/zeroEnds.js'
import { realHost } from '../../../src/agent/host/index.js'
import { CommandError, type Run, runCommand } from '../../../src/agent/host/exec/run.js'
import { labelOf } from '../../../src/agent/host/disk/xfs.js'
import { Refusal } from '../../../src/agent/port/host.js'
import { plan } from '../../../src/agent/plan/index.js'
import { describeStep, type StepArgs, type StepKind } from '../../../src/agent/port/steps.js'
import { systemClock } from '../../../src/daemon/clock.js'
import { silentLog } from '../../../src/daemon/log.js'
import { brickMountPath } from '../../../src/model/cluster.js'
import type { DesiredBrick } from '../../../src/model/documents/brick.js'
import { aDesiredBrick } from '../../support/desired.js'
import { Glusterd } from '../../support/glusterd.js'
import { LoopDevices, needsRoot } from '../../support/loopDevices.js'

const deviceBytes = 320 * 1024 ** 2

/* What docs/safety.md promises of each step of a brick, on the real thing: what a death at that point leaves is made by hand. */
describe('a brick whose agent died (root)', () => {
  let loops: LoopDevices
  let glusterd: Glusterd | undefined
  let brick: DesiredBrick
  const name = `bbcrash${process.pid}n1`
  const mountPath = brickMountPath(name)
  const absent = () => ({ ...brick, wanted: 'absent' as const })

  before(async function () {
    needsRoot(this)
    glusterd = new Glusterd()
    await glusterd.start()
  })

  after(() => glusterd?.stop())

  beforeEach(() => {
    loops = new LoopDevices()
    loops.add(name, deviceBytes)
    loops.willMount(mountPath)
    brick = aBrickOf(name)
  })

  afterEach(() => loops.close())

  function aBrickOf(device: string): DesiredBrick {
    return aDesiredBrick({ device, identity: loops.identityOf(device), sizeBytes: deviceBytes, uuid: randomUUID() })
  }

  function hostWith(run: Run = runCommand) {
    const pools = { fast: [join(loops.directory, 'dev', 'bbcrash*')] }
    const [clock, log, runGluster] = [systemClock, silentLog, glusterd!.run]
    return realHost({ name: 'test', pools, mountRoot: '/mnt/burstbuffer', clock, log, run, runPlane: runGluster })
  }

  /** One round as the reconciler does it, with at most so many steps; those that it took, as sentences. */
  async function round(wanted: DesiredBrick, run?: Run, most = 9): Promise<string[]> {
    const host = hostWith(run)
    const planned = plan.brick(wanted, await host.observe.brick(wanted))
    if (planned.refused !== undefined) throw new Refusal(planned.refused)
    if (planned.waitingFor.length > 0) throw new Error(`waits for ${planned.waitingFor.join()}`)
    const steps = planned.steps.slice(0, most)
    for (const step of steps)
      await host.effects[step.kind as StepKind](step as unknown as StepArgs['formatBrick'] & never)
    return steps.map(describeStep)
  }

  async function toRest(wanted: DesiredBrick): Promise<string[]> {
    const steps = []
    for (let rounds = 0; rounds < 8; rounds++) {
      const taken = await round(wanted)
      if (taken.length === 0) return steps
      steps.push(...taken)
    }
    throw new Error(`no rest after ${steps.join(', ')}`)
  }

  async function failure(act: Promise<unknown>): Promise<Error> {
    return act.then(
      () => {
        throw new Error('it did not fail')
      },
      (error: unknown) => error as Error,
    )
  }

  const formats = (steps: string[]) => steps.filter((step) => step.startsWith('format')).length

  for (const [done, expected] of [
    [1, [`mount ${name}`, `unmount ${name}`, `format ${name} for buffer 3 again`]],
    [2, [`unmount ${name}`, `format ${name} for buffer 3 again`]],
    [3, [`make brick on ${name}`]],
    [4, []],
  ] as [number, string[]][]) {
    const after = ['', 'the format', 'the mount', 'the stamp', 'the directory'][done]!
    it(`after ${after} comes to rest with ${done < 3 ? 'one more format' : 'no other format'}`, async () => {
      await round(brick, undefined, done)
      const steps = await toRest(brick)
      expect(steps.slice(0, expected.length)).to.deep.equal(expected)
      expect(formats(steps)).to.equal(done < 3 ? 1 : 0)
    })
  }

  it('while mkfs ran, which died too, formats again', async () => {
    for (const delayMs of [1, 3, 6, 10, 15, 25]) {
      const own = { ...brick, uuid: randomUUID() }
      const argv = ['-q', '-K', '-m', `uuid=${own.uuid}`, '-L', labelOf(own.uuid), loops.nodeOf(name)]
      const child = spawn('mkfs.xfs', argv, { stdio: 'ignore' })
      const ended = new Promise((resolve) => child.on('exit', resolve))
      setTimeout(() => child.kill('SIGKILL'), delayMs)
      await ended
      expect(await toRest(own)).to.include(`stamp ${name}`)
      expect(formats(await toRest({ ...own, wanted: 'absent' }))).to.equal(0)
    }
  })

  it('while mkfs ran, which goes on, waits for it, and calls the device neither bad nor free', async () => {
    // Holds the device as mkfs does, under its name, for as long as it is wanted.
    const hold = `import os, sys, time; os.open(${JSON.stringify(loops.nodeOf(name))}, os.O_EXCL); print('open', flush=True); time.sleep(600)`
    const child = spawn(programCalled('mkfs.xfs'), ['-c', hold, `uuid=${brick.uuid}`])
    try {
      await new Promise((resolve) => child.stdout.once('data', resolve))
      for (const wanted of [brick, absent()])
        expect(String(await failure(round(wanted)))).to.contain(`waits for ${formatToFinish(name)}`)
    } finally {
      child.kill('SIGKILL')
      await new Promise((resolve) => child.once('exit', resolve))
    }
    expect(formats(await toRest(brick))).to.equal(1)
  })

  it('while programs of others have the names of ours, waits for none of them', async () => {
    await toRest(brick)
    chmodSync(loops.directory, 0o755)
    const stay = "import time; print('here', flush=True); time.sleep(600)"
    const children = [
      spawn(programCalled('glusterfsd'), ['-c', stay, '--brick-name', `${mountPath}/brick`], { uid: 9, gid: 9 }),
      spawn(programCalled('mkfs.xfs'), ['-c', stay, `uuid=${brick.uuid}`], { uid: 9, gid: 9 }),
      // Root's, and by its words the brick's server, but another program.
      spawn('/usr/bin/python3', ['-c', stay, '--brick-name', `${mountPath}/brick`], { argv0: '/usr/sbin/glusterfsd' }),
    ]
    try {
      await Promise.all(children.map((child) => new Promise((resolve) => child.stdout.once('data', resolve))))
      expect((await hostWith().observe.brick(brick)).servedBy).to.equal(undefined)
      expect(await toRest(absent())).to.deep.equal([`unmount ${name}`, `wipe ${name}`])
    } finally {
      for (const child of children) child.kill('SIGKILL')
    }
  })

  it('before its stamp was renamed into place, formats again', async () => {
    await round(brick, undefined, 3)
    renameSync(join(mountPath, '.burstbuffer-brick.json'), join(mountPath, '.burstbuffer-brick.json.new'))
    expect(formats(await toRest(brick))).to.equal(1)
  })

  it('at any write of a wipe wipes again, and gives the device back blank', async () => {
    const ranges = wipeRanges(deviceBytes)
    for (let done = 0; done < ranges.length; done++) {
      for (const part of [0, 0.5]) {
        await toRest(brick)
        execFileSync('umount', [mountPath])
        for (const { position, length } of ranges.slice(0, done)) zero(position, length)
        const last = ranges[done]!
        // The last is one sector: it is written or not.
        if (done < ranges.length - 1) zero(last.position, Math.floor((last.length * part) / 512) * 512)
        expect(await toRest(absent())).to.deep.equal([`wipe ${name}`])
        expect((await hostWith().discover()).devices[0]!.state).to.equal('blank')
      }
    }
  })

  it('while a discard ran, which goes on, gives nothing back before its end', async () => {
    await toRest(brick)
    execFileSync('umount', [mountPath])
    // As an earlier discard has the disk, when the next one begins.
    const another: Run = async (argv, options) => {
      if (argv[0] !== 'blkdiscard') return runCommand(argv, options)
      const fd = openSync(loops.nodeOf(name), constants.O_RDONLY | constants.O_EXCL)
      return runCommand(argv, options).finally(() => closeSync(fd))
    }
    const error = await failure(hostWith(another).effects.wipeBrick({ brick }))
    expect(error).not.to.be.instanceOf(Refusal)
    expect(error.message).to.contain('busy')
    expect(start(loops.nodeOf(name)).toString('latin1', 0, 4)).to.equal('XFSB')
    expect(await toRest(absent())).to.deep.equal([`wipe ${name}`])
  })

  it('between the unmount and the wipe wipes what is left', async () => {
    await toRest(brick)
    await round(absent(), undefined, 1)
    expect(await toRest(absent())).to.deep.equal([`wipe ${name}`])
    expect(existsSync(mountPath)).to.equal(false)
  })

  it('refuses two disks that swapped their names, in every step', async () => {
    const other = name.replace(/n1$/, 'n2')
    loops.add(other, deviceBytes)
    await toRest(brick)
    execFileSync('umount', [mountPath])
    const [one, two] = [name, other].map((device) => join(loops.directory, 'dev', device)) as [string, string]
    renameSync(one, `${one}.swap`)
    renameSync(two, one)
    renameSync(`${one}.swap`, two)
    for (const wanted of [brick, absent()]) expect(String(await failure(round(wanted)))).to.contain(isAnotherDisk(name))
    const { effects } = hostWith()
    for (const act of [
      () => effects.formatBrick({ brick, over: 'blank' }),
      () => effects.formatBrick({ brick, over: 'own' }),
      () => effects.wipeBrick({ brick }),
    ])
      expect(String(await failure(act()))).to.contain(isAnotherDisk(name))
    expect(String(await failure(effects.mountBrick({ brick })))).to.contain(deviceHolds(name, 'nothing'))
  })

  it('formats the disk that it checked, whatever becomes of its name meanwhile', async () => {
    const other = name.replace(/n1$/, 'n2')
    loops.add(other, deviceBytes)
    const link = join(loops.directory, 'dev', name)
    const swapping: Run = (argv, options) => {
      if (argv[0] === 'mkfs.xfs') {
        renameSync(link, `${link}.away`)
        renameSync(join(loops.directory, 'dev', other), link)
      }
      return runCommand(argv, options)
    }
    await hostWith(swapping).effects.formatBrick({ brick, over: 'blank' })
    expect(start(loops.nodeOf(name)).toString('latin1', 0, 4)).to.equal('XFSB')
    expect(start(loops.nodeOf(other)).every((byte) => byte === 0)).to.equal(true)
  })

  for (const over of ['blank', 'own'] as const) {
    it(`does not format over what came between its look and mkfs (${over})`, async () => {
      if (over === 'own') await hostWith().effects.formatBrick({ brick, over: 'blank' })
      const racing: Run = (argv, options) => {
        if (argv[0] === 'mkfs.xfs') execFileSync('mkfs.ext4', ['-q', '-F', loops.nodeOf(name)])
        return runCommand(argv, options)
      }
      const error = await failure(hostWith(racing).effects.formatBrick({ brick, over }))
      expect(error).to.be.instanceOf(Refusal)
      expect(error.message).to.contain(cannotBeFormatted(name))
      expect(execFileSync('blkid', ['-p', loops.nodeOf(name)], { encoding: 'utf8' })).to.contain('TYPE="ext4"')
    })
  }

  it('leaves a device alone that is mounted in another mount namespace', async () => {
    await toRest(brick)
    const script = 'exec 3>&1; echo here >&3; exec sleep 600'
    const child = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script])
    try {
      await new Promise((resolve) => child.stdout.once('data', resolve))
      execFileSync('umount', [mountPath])
      const users = [mountedAtPath(mountPath)]
      const error = await failure(hostWith().effects.wipeBrick({ brick }))
      expect(error).to.be.instanceOf(Refusal)
      expect(error.message).to.equal(deviceIsInUse(name, users))
      // What is held for a while is waited for: a refusal would put a good disk into quarantine.
      const waiting = await failure(round(absent()))
      expect(waiting).not.to.be.instanceOf(Refusal)
      expect(waiting.message).to.contain(deviceToBeReleased(name, users))
      expect((await hostWith().discover()).devices[0]!.reason).to.equal(isInUse(users))
      expect(String(await failure(hostWith().effects.formatBrick({ brick, over: 'own' })))).to.contain('in use')
    } finally {
      child.kill('SIGKILL')
      await new Promise((resolve) => child.once('exit', resolve))
    }
    await until({ what: 'the wipe', deadlineMs: 10_000 }, async () => (await toRest(absent())).length > 0)
  })

  it('refuses a read-only device, so that its brick is placed elsewhere', async () => {
    const protectedOne = name.replace(/n1$/, 'n2')
    loops.add(protectedOne, deviceBytes, { readOnly: true })
    const error = await failure(round(aBrickOf(protectedOne)))
    expect(error).to.be.instanceOf(Refusal)
    expect(error.message).to.contain(cannotBeFormatted(protectedOne))
  })

  it('refuses a disk that ends before its size, so that its brick is placed elsewhere', async () => {
    execFileSync('truncate', ['--size', String(deviceBytes / 2), join(loops.directory, `${name}.img`)])
    expect(await failure(round(brick))).to.be.instanceOf(Refusal)
  })

  it('does not let a hung command of one brick keep another waiting', async () => {
    const other = name.replace(/n1$/, 'n2')
    loops.add(other, deviceBytes)
    loops.willMount(brickMountPath(other))
    const [hangs, released] = [gate(), gate()]
    const hung: Run = async (argv, options) => {
      if (argv[0] !== 'mount') return runCommand(argv, options)
      hangs.open()
      await released.opened
      throw new CommandError(argv, { code: null, signal: 'SIGKILL', stderr: '', timedOut: true })
    }
    const stuck = failure(round(brick, hung))
    await hangs.opened
    expect(await toRest(aBrickOf(other))).to.include(`stamp ${other}`)
    released.open()
    const error = await stuck
    expect(error.message).to.contain(timedOut())
    expect(error).not.to.be.instanceOf(Refusal)
    await toRest(brick)
  })

  /** A program of that name that does what it is told in Python. */
  function programCalled(called: string): string {
    const path = join(loops.directory, called)
    copyFileSync('/usr/bin/python3', path)
    return path
  }

  function gate(): { opened: Promise<void>; open: () => void } {
    let open = () => {}
    const opened = new Promise<void>((resolve) => (open = resolve))
    return { opened, open }
  }

  function zero(position: number, length: number): void {
    const fd = openSync(loops.nodeOf(name), 'r+')
    writeSync(fd, Buffer.alloc(length), 0, length, position)
    closeSync(fd)
  }

  function start(device: string): Buffer {
    return execFileSync('head', ['--bytes', '1048576', device], { maxBuffer: 2 * 1024 ** 2 })
  }
})
