import { expect } from 'chai'
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { closeSync, constants, existsSync, openSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { realHost } from '../../../src/agent/host/index.js'
import { Refusal } from '../../../src/agent/port/host.js'
import { plan } from '../../../src/agent/plan/index.js'
import { describeStep, type StepArgs, type StepKind } from '../../../src/agent/port/steps.js'
import { systemClock } from '../../../src/daemon/clock.js'
import { silentLog } from '../../../src/daemon/log.js'
import { brickMountPath } from '../../../src/model/cluster.js'
import type { DesiredBrick } from '../../../src/model/documents/brick.js'
import { Glusterd } from '../../support/glusterd.js'
import { mountedAtPath, openedExclusively } from '../../../src/agent/host/disk/messages.js'
import {
  cannotBeUsed,
  dataIsLost,
  deviceHolds,
  deviceIsInUse,
  hasAnotherIdentity,
  hasAnotherSize,
  holdsSomethingElse,
  isMountedAndUnreadable,
  notListed,
} from '../../../src/agent/plan/messages.js'
import { LoopDevices, needsRoot } from '../../support/loopDevices.js'

/** A little more than the smallest XFS. */
const deviceBytes = 320 * 1024 ** 2

describe('bricks on real loop devices (root)', () => {
  let loops: LoopDevices
  let host: ReturnType<typeof realHost>
  let glusterd: Glusterd | undefined
  const name = `bbtest${process.pid}n1`

  before(async function () {
    needsRoot(this)
    glusterd = new Glusterd()
    await glusterd.start()
  })

  after(() => glusterd?.stop())

  beforeEach(() => {
    loops = new LoopDevices()
    loops.add(name, deviceBytes)
    loops.willMount(brickMountPath(name))
    const pools = { fast: [join(loops.directory, 'dev', 'bbtest*')] }
    const runGluster = glusterd!.run
    host = realHost({
      name: 'test',
      pools,
      mountRoot: '/mnt/burstbuffer',
      clock: systemClock,
      log: silentLog,
      runPlane: runGluster,
    })
  })

  afterEach(() => loops.close())

  function aBrick(over: Partial<DesiredBrick> = {}): DesiredBrick {
    return {
      v: 1,
      fence: 1,
      kind: 'brick',
      buffer: { id: 1, name: '3' },
      device: name,
      identity: loops.identityOf(name),
      sizeBytes: deviceBytes,
      uuid: randomUUID(),
      directory: 'brick',
      uid: 20001,
      gid: 20001,
      mode: 0o700,
      wanted: 'present',
      ...over,
    }
  }

  /** One round as the reconciler does it; the steps it took, as sentences. */
  async function round(brick: DesiredBrick): Promise<string[]> {
    const planned = plan.brick(brick, await host.observe.brick(brick))
    if (planned.refused !== undefined) throw new Refusal(planned.refused)
    for (const step of planned.steps)
      await host.effects[step.kind as StepKind](step as unknown as StepArgs['formatBrick'] & never)
    return planned.steps.map(describeStep)
  }

  async function refusal(act: Promise<unknown>): Promise<string> {
    try {
      await act
    } catch (error) {
      expect(error).to.be.instanceOf(Refusal)
      return (error as Error).message
    }
    throw new Error('it was not refused')
  }

  async function discovered() {
    return (await host.discover()).devices.find((device) => device.name === name)!
  }

  it('makes a brick of a blank device, and blank again of the brick', async () => {
    expect((await discovered()).state).to.equal('blank')
    const brick = aBrick()
    expect(await round(brick)).to.deep.equal([
      `format ${name} for buffer 3`,
      `mount ${name}`,
      `stamp ${name}`,
      `make brick on ${name}`,
    ])
    expect(await round(brick)).to.deep.equal([])
    const directory = statSync(join(brickMountPath(name), 'brick'))
    expect([directory.uid, directory.gid, directory.mode & 0o7777]).to.deep.equal([20001, 20001, 0o700])
    expect((await discovered()).stamp?.uuid).to.equal(brick.uuid)

    const gone = { ...brick, wanted: 'absent' as const }
    expect(await round(gone)).to.deep.equal([`unmount ${name}`, `wipe ${name}`])
    expect(await round(gone)).to.deep.equal([])
    expect(existsSync(brickMountPath(name))).to.equal(false)
    expect((await discovered()).state).to.equal('blank')
    expect(execFileSync('wipefs', ['--no-act', loops.nodeOf(name)], { encoding: 'utf8' })).to.equal('')
  })

  it('mounts a finished brick again after a reboot, without a format', async () => {
    const brick = aBrick()
    await round(brick)
    execFileSync('umount', [brickMountPath(name)])
    expect(await round(brick)).to.deep.equal([`mount ${name}`])
    expect(await round(brick)).to.deep.equal([])
  })

  it('formats again what has our uuid and no stamp', async () => {
    const brick = aBrick()
    await host.effects.formatBrick({ brick, over: 'blank' })
    expect(await round(brick)).to.deep.equal([`mount ${name}`])
    expect((await round(brick)).slice(0, 2)).to.deep.equal([`unmount ${name}`, `format ${name} for buffer 3 again`])
    expect(await round(brick)).to.deep.equal([])
  })

  it('formats again what an unfinished mkfs left', async () => {
    const brick = aBrick()
    await host.effects.formatBrick({ brick, over: 'blank' })
    poke(126, Buffer.from([1]))
    expect((await round(brick))[0]).to.equal(`format ${name} for buffer 3 again`)
    expect(await round(brick)).to.deep.equal([])
  })

  for (const [what, make, words] of [
    ['ext4', (device: string) => execFileSync('mkfs.ext4', ['-q', device]), 'a signature of ext4'],
    [
      'a partition table',
      (device: string) => execFileSync('sfdisk', ['-q', device], { input: 'label: gpt\n' }),
      'a partition table (gpt)',
    ],
    ['an XFS that is not ours', (device: string) => execFileSync('mkfs.xfs', ['-q', device]), 'an XFS file system'],
    ['raw data at its start', () => poke(4096, Buffer.from('records')), 'data without a signature'],
    ['raw data at its end', () => poke(deviceBytes - 4096, Buffer.from('records')), 'data without a signature'],
    ['a brick of another buffer', () => host.effects.formatBrick({ brick: aBrick(), over: 'blank' }), 'the brick'],
  ] as [string, (device: string) => unknown, string][]) {
    it(`refuses a device that holds ${what}, and leaves it as it is`, async () => {
      await make(loops.nodeOf(name))
      const before = checksum()
      expect((await discovered()).state).to.equal(what === 'a brick of another buffer' ? 'stamped' : 'foreign')
      expect(await refusal(round(aBrick()))).to.contain(`device ${name} holds ${words}`)
      expect(await refusal(host.effects.formatBrick({ brick: aBrick(), over: 'blank' }))).to.contain(words)
      expect(await refusal(host.effects.formatBrick({ brick: aBrick(), over: 'own' }))).to.contain(words)
      expect(await refusal(host.effects.wipeBrick({ brick: aBrick() }))).to.contain(words)
      expect(checksum()).to.equal(before)
    })
  }

  it('takes a disk that lost its partition table for foreign, while the file system of its first partition lives', async () => {
    const table = ['label: gpt', 'start=1MiB', ''].join('\n')
    execFileSync('sfdisk', ['-q', '--no-tell-kernel', loops.nodeOf(name)], { input: table, stdio: 'pipe' })
    execFileSync('mkfs.ext4', ['-q', '-E', `offset=${1024 ** 2}`, loops.nodeOf(name), '64M'], { stdio: 'pipe' })
    for (const position of [0, deviceBytes - 1024 ** 2]) poke(position, Buffer.alloc(1024 ** 2))
    const before = checksum()
    expect((await discovered()).state).to.equal('foreign')
    expect(await refusal(host.effects.formatBrick({ brick: aBrick(), over: 'blank' }))).to.contain('holds data')
    expect(checksum()).to.equal(before)
  })

  it('reads a blank device again once the kernel has written to it, and when it is named', async () => {
    expect((await discovered()).state).to.equal('blank')
    // Past the device: its kernel counts nothing.
    execFileSync('dd', ['if=/dev/urandom', `of=${loops.fileOf(name)}`, 'bs=1M', 'count=1', 'conv=notrunc'], {
      stdio: 'pipe',
    })
    execFileSync('blockdev', ['--flushbufs', loops.nodeOf(name)])
    expect((await discovered()).state).to.equal('blank')
    const [named] = (await host.discover([name])).devices
    expect(named!.state).to.equal('foreign')
    expect((await discovered()).state).to.equal('foreign')
    expect(await refusal(host.effects.formatBrick({ brick: aBrick(), over: 'blank' }))).to.contain('holds data')

    poke(0, Buffer.alloc(1024 ** 2))
    expect((await discovered()).state).to.equal('blank')
    poke(4096, Buffer.from('records'))
    expect((await discovered()).state).to.equal('foreign')
  })

  it('refuses one disk that two devices lead to, and names both', async () => {
    const other = name.replace(/n1$/, 'n2')
    loops.addPath(other, name)
    const { devices } = await host.discover()
    expect(devices.map(({ state }) => state)).to.deep.equal(['refused', 'refused'])
    for (const { reason } of devices) {
      for (const each of [name, other]) expect(reason).to.contain(join(loops.directory, 'dev', each))
    }
  })

  it('formats no blank device for a brick that was built', async () => {
    const brick = aBrick({ built: true })
    const lost = dataIsLost(name, 'nothing')
    expect(await refusal(round(brick))).to.equal(lost)
    expect(await refusal(host.effects.formatBrick({ brick, over: 'blank' }))).to.equal(lost)
    expect((await discovered()).state).to.equal('blank')
  })

  it('refuses another disk under the same name', async () => {
    const brick = aBrick({ identity: 'serial:S1' })
    const another = hasAnotherIdentity(name, 'serial:S1', aBrick().identity)
    expect(await refusal(round(brick))).to.equal(another)
    const anotherSize = hasAnotherSize(name, 2 * deviceBytes, deviceBytes)
    expect(await refusal(round(aBrick({ sizeBytes: 2 * deviceBytes })))).to.equal(anotherSize)
    expect(await refusal(host.effects.formatBrick({ brick, over: 'blank' }))).to.equal(another)
  })

  it('refuses a device that the configuration does not list', async () => {
    const brick = aBrick({ device: 'sda' })
    const refused = cannotBeUsed('sda', notListed())
    expect(await refusal(round(brick))).to.equal(refused)
    expect(await refusal(host.effects.wipeBrick({ brick }))).to.equal(refused)
  })

  it('refuses a device that somebody has open exclusively', async () => {
    const fd = openSync(loops.nodeOf(name), constants.O_RDONLY | constants.O_EXCL)
    try {
      const refused = deviceIsInUse(name, [openedExclusively()])
      expect(await refusal(round(aBrick()))).to.equal(refused)
      expect(await refusal(host.effects.formatBrick({ brick: aBrick(), over: 'blank' }))).to.equal(refused)
    } finally {
      closeSync(fd)
    }
  })

  it('does not unmount a brick that is in use, and does not wipe it', async () => {
    const brick = aBrick()
    await round(brick)
    const fd = openSync(join(brickMountPath(name), 'brick'), constants.O_RDONLY)
    try {
      let failure
      await round({ ...brick, wanted: 'absent' }).catch((error: unknown) => (failure = error))
      expect(String(failure)).to.contain('busy')
      const inUse = deviceIsInUse(name, [mountedAtPath(brickMountPath(name))])
      expect(await refusal(host.effects.wipeBrick({ brick }))).to.equal(inUse)
    } finally {
      closeSync(fd)
    }
    expect(await round({ ...brick, wanted: 'absent' })).to.have.length(2)
  })

  it('takes a brick off whose file system an error of its disk has shut down, and wipes it', async () => {
    const brick = aBrick()
    await round(brick)
    execFileSync('xfs_io', ['-x', '-c', 'shutdown', brickMountPath(name)])
    expect(await refusal(round(brick))).to.contain(isMountedAndUnreadable(name, 'EIO'))
    const words = [`unmount ${name}`, `wipe ${name}`]
    expect(await round({ ...brick, wanted: 'absent' })).to.deep.equal(words)
    expect(await round({ ...brick, wanted: 'absent' })).to.deep.equal([])
  })

  for (const [what, damage] of [
    ['a stamp that was cut short', () => writeFileSync(stampPath(), '{"uuid": "1')],
    ['a stamp that names no brick', () => writeFileSync(stampPath(), 'null')],
    ['a damaged inode', () => damageInode(statSync(stampPath()).ino)],
  ] as [string, () => void][]) {
    it(`takes a brick off that has ${what}, and wipes it, and never formats it while it is wanted`, async () => {
      const brick = aBrick()
      await round(brick)
      damage()
      expect(await refusal(round(brick))).to.contain(isMountedAndUnreadable(name, ''))
      const words = [`unmount ${name}`, `wipe ${name}`]
      expect(await round({ ...brick, wanted: 'absent' })).to.deep.equal(words)
      expect(await round({ ...brick, wanted: 'absent' })).to.deep.equal([])
    })
  }

  it('leaves a device alone that was never formatted for the brick that has to go', async () => {
    execFileSync('mkfs.ext4', ['-q', loops.nodeOf(name)])
    const before = checksum()
    expect(await round(aBrick({ wanted: 'absent' }))).to.deep.equal([])
    expect(checksum()).to.equal(before)
  })

  it('wipes a foreign device only by name and only while it holds what the operator saw', async () => {
    execFileSync('sfdisk', ['-q', loops.nodeOf(name)], { input: 'label: gpt\n' })
    const { reason, identity, sizeBytes } = await discovered()
    const adopt = {
      v: 1 as const,
      fence: 1,
      kind: 'adopt' as const,
      device: name,
      identity,
      sizeBytes,
      expected: reason!,
      who: 'root',
      until: systemClock.unixSeconds() + 60,
    }
    const late = { ...adopt, until: systemClock.unixSeconds() }
    expect(await refusal(host.effects.adoptDevice({ adopt: late }))).to.contain('adopt it again')
    const expected = 'a signature of ext4'
    const planned = plan.adopt({ ...adopt, expected }, await host.observe.adopt(adopt))
    expect(planned.refused).to.equal(holdsSomethingElse(name, reason!, expected))
    const refused = await refusal(host.effects.adoptDevice({ adopt: { ...adopt, expected } }))
    expect(refused).to.equal(deviceHolds(name, reason!))
    await host.effects.adoptDevice({ adopt })
    expect((await discovered()).state).to.equal('blank')
    expect(plan.adopt(adopt, await host.observe.adopt(adopt)).report.state).to.equal('done')
  })

  function stampPath(): string {
    return join(brickMountPath(name), '.burstbuffer-brick.json')
  }

  /** What the kernel then says of it is EUCLEAN, "Structure needs cleaning". */
  function damageInode(inode: number): void {
    execFileSync('umount', [brickMountPath(name)])
    const words = ['-x', '-c', `inode ${inode}`, '-c', 'write -c core.uid 1', loops.nodeOf(name)]
    execFileSync('xfs_db', words, { stdio: 'ignore' })
    execFileSync('mount', ['-t', 'xfs', loops.nodeOf(name), brickMountPath(name)])
  }

  function poke(position: number, bytes: Buffer): void {
    const fd = openSync(loops.nodeOf(name), 'r+')
    writeSync(fd, bytes, 0, bytes.length, position)
    closeSync(fd)
  }

  function checksum(): string {
    execFileSync('blockdev', ['--flushbufs', loops.nodeOf(name)])
    return execFileSync('sha256sum', [join(loops.directory, `${name}.img`)], { encoding: 'utf8' })
  }
})
