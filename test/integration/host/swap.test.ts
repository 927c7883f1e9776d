import { expect } from 'chai'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { canEncrypt } from '../../../lab/common/config.js'
import {
  cannotEncrypt,
  noCryptsetup,
  noDeviceMapper,
  noRoomForSwap,
  swapRefused,
} from '../../../src/agent/host/client/messages.js'
import { until } from '../../../lab/common/until.js'
import { realHost } from '../../../src/agent/host/index.js'
import { loopsBelow } from '../../../src/agent/host/disk/loops.js'
import { type Mapping, mappingDevice, mappingOn } from '../../../src/agent/host/client/mappings.js'
import { type Run, runCommand } from '../../../src/agent/host/exec/run.js'
import { parseSwaps } from '../../../src/agent/host/client/swapLoops.js'
import { Refusal } from '../../../src/agent/port/host.js'
import { planSwap } from '../../../src/agent/plan/swap.js'
import { describeStep, type StepArgs, type StepKind } from '../../../src/agent/port/steps.js'
import { systemClock } from '../../../src/daemon/clock.js'
import { silentLog } from '../../../src/daemon/log.js'
import type { DesiredSwap } from '../../../src/model/documents/swap.js'
import { aDesiredSwap } from '../../support/desired.js'
import { LoopDevices, needsRoot } from '../../support/loopDevices.js'

const mebibyte = 1024 ** 2
const self = `swaptest${process.pid}`

/*
 * The real steps on a real GlusterFS client, over XFS on a loop device; the client serves the brick itself, so that no glusterd is
 * needed. Swap is the machine's: small, and off again at the end whatever happened.
 */
describe('swap on a buffer (root)', function () {
  this.timeout(120_000)
  let loops: LoopDevices
  let swap: DesiredSwap

  before(function () {
    needsRoot(this)
  })

  beforeEach(async () => {
    loops = new LoopDevices()
    loops.add('disk', 400 * mebibyte)
    const at = (name: string) => join(loops.directory, name)
    for (const name of ['xfs', 'mnt']) mkdirSync(at(name))
    execFileSync('mkfs.xfs', ['-q', loops.nodeOf('disk')])
    execFileSync('mount', [loops.nodeOf('disk'), at('xfs')])
    mkdirSync(join(at('xfs'), 'brick'))
    const brick = ['volume brick', '  type storage/posix', `  option directory ${at('xfs')}/brick`, 'end-volume', '']
    writeFileSync(at('volume'), brick.join('\n'))
    swap = aDesiredSwap({ path: at('mnt'), sizeBytes: 32 * mebibyte })
    const id = `/${swap.volume}${swap.directory}`
    execFileSync('glusterfs', ['-f', at('volume'), `--volfile-id=${id}`, '-l', at('log'), at('mnt')], {
      timeout: 30_000,
    })
    await until({ what: 'the client has mounted it' }, () =>
      Promise.resolve(readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${at('mnt')} `) || undefined),
    )
    loops.willMount(at('mnt'))
    loops.willMount(at('xfs'))
  })

  afterEach(async () => {
    for (const { device } of await loopsBelow(swap.path)) {
      if (areas().has(device.slice('/dev/'.length))) execFileSync('swapoff', [device])
      const mapping = await mappingOn(device)
      if (mapping && isOnMapping(mapping)) execFileSync('swapoff', [mappingDevice(device)])
      if (mapping) execFileSync('dmsetup', ['remove', '--retry', mapping.name])
      execFileSync('losetup', ['--detach', device])
    }
    loops.close()
  })

  const host = (run: Run = runCommand, plaintextSwap = true) => {
    const [clock, log] = [systemClock, silentLog]
    return realHost({ name: self, pools: {}, mountRoot: loops.directory, plaintextSwap, clock, log, run })
  }
  const areas = () => parseSwaps(readFileSync('/proc/swaps', 'utf8'))
  const isOnMapping = ({ name, kernelName }: Mapping) => areas().has(name) || areas().has(kernelName)
  const ownLoops = () => loopsBelow(swap.path)

  /** One round as the reconciler does it, cut off after so many steps as by a death. */
  async function round(wanted: DesiredSwap, most = 9, own = host()): Promise<string[]> {
    const planned = planSwap(wanted, await own.observe.swap(wanted))
    expect(planned.refused).to.equal(undefined)
    const steps = planned.steps.slice(0, most)
    for (const step of steps)
      await own.effects[step.kind as StepKind](step as unknown as StepArgs['mountBrick'] & never)
    return steps.map(describeStep)
  }

  it('is on in a file that is root’s, whole, and attached once; and leaves nothing behind', async () => {
    await round(swap)
    const file = statSync(join(swap.path, `${self}.0`))
    expect([file.mode & 0o777, file.uid, file.size]).to.deep.equal([0o600, 0, swap.sizeBytes])
    expect(file.blocks * 512).to.be.at.least(swap.sizeBytes)
    const [loop, ...more] = await ownLoops()
    expect(more).to.deep.equal([])
    expect(areas()).to.include(loop!.device.slice('/dev/'.length))
    expect(await round(swap)).to.deep.equal([])

    while ((await round({ ...swap, wanted: 'absent' })).length > 0);
    expect(areas()).to.not.include(loop!.device.slice('/dev/'.length))
    expect(await ownLoops()).to.deep.equal([])
    expect(readdirSync(swap.path).filter((name) => name.startsWith(self))).to.deep.equal([])
  })

  it('comes on and goes through deaths after every single step', async () => {
    while ((await round(swap, 1)).length > 0);
    expect(await ownLoops()).to.have.length(1)
    expect((await host().observe.swap(swap)).loops.map(({ isOn }) => isOn)).to.deep.equal([true])
    while ((await round({ ...swap, wanted: 'absent' }, 1)).length > 0);
    expect(await ownLoops()).to.deep.equal([])
  })

  it('lies in the file encrypted, with the key of one mapping, and goes through deaths after every single step', async function () {
    if (!canEncrypt()) this.skip()
    const own = host(runCommand, false)
    while ((await round(swap, 1, own)).length > 0);
    const [loop] = await ownLoops()
    const mapping = (await mappingOn(loop!.device))!
    expect([mapping.isWhole, isOnMapping(mapping)]).to.deep.equal([true, true])
    // mkswap has written it, and the file does not show it.
    expect(readFileSync(mappingDevice(loop!.device)).includes('SWAPSPACE2')).to.equal(true)
    expect(readFileSync(join(swap.path, `${self}.0`)).includes('SWAPSPACE2')).to.equal(false)
    while ((await round({ ...swap, wanted: 'absent' }, 1, own)).length > 0);
    expect(await ownLoops()).to.deep.equal([])
    expect(await mappingOn(loop!.device)).to.equal(undefined)
  })

  it('is not turned on in clear where the kernel cannot encrypt', async function () {
    if (canEncrypt()) this.skip()
    const planned = planSwap(swap, await host(runCommand, false).observe.swap(swap))
    expect(planned.steps).to.deep.equal([])
    expect(planned.refused).to.be.oneOf([noCryptsetup(), noDeviceMapper()].map(cannotEncrypt))
  })

  it('makes a file anew that was not allocated whole', async () => {
    writeFileSync(join(swap.path, `${self}.0`), 'begun')
    await round(swap)
    expect(statSync(join(swap.path, `${self}.0`)).size).to.equal(swap.sizeBytes)
  })

  it('is refused with what to ask for where no brick has room', async () => {
    const most = { ...swap, sizeBytes: 4096 * mebibyte }
    const error = await host()
      .effects.allocateSwap({ swap: most })
      .catch((error: Error) => error)
    expect(String(error)).to.equal(`Refusal: ${noRoomForSwap('3', 4_294_967_296)}`)
    expect(readdirSync(swap.path).filter((name) => name.startsWith(self))).to.deep.equal([])
  })

  it('is refused with the kernel’s words where the kernel refuses it, and leaves nothing behind', async () => {
    const stderr = 'swapon: /dev/loop7: swapon failed: Operation not permitted'
    const forbidden: Run = (argv, options) =>
      argv[0] === 'swapon' ? Promise.resolve({ code: 255, stdout: '', stderr }) : runCommand(argv, options)
    await round(swap, 2)
    const error = await host(forbidden)
      .effects.enableSwap({ swap })
      .catch((error: Error) => error)
    expect(error).to.be.instanceOf(Refusal)
    expect(String(error)).to.match(new RegExp(`${swapRefused('.*', 'swapon')}: .*Operation not permitted`))
    while ((await round({ ...swap, wanted: 'absent' })).length > 0);
    expect(await ownLoops()).to.deep.equal([])
  })

  it('touches no loop device of another host’s file, and makes nothing where the buffer is not mounted', async () => {
    const other = join(swap.path, 'other.0')
    execFileSync('fallocate', ['--length', String(swap.sizeBytes), other])
    execFileSync('losetup', ['--find', '--', other])
    expect((await host().observe.swap(swap)).loops).to.deep.equal([])
    while ((await round({ ...swap, wanted: 'absent' })).length > 0);
    expect(await ownLoops()).to.have.length(1)
    const elsewhere = { ...swap, directory: '/swap/c2' }
    expect(planSwap(elsewhere, await host().observe.swap(elsewhere)).waitingFor).to.have.length(1)
    const error = await host()
      .effects.allocateSwap({ swap: elsewhere })
      .catch((error: Error) => error)
    expect(String(error)).to.match(/is not mounted/)
    expect(existsSync(join(swap.path, `${self}.0`))).to.equal(false)
  })

  it('goes although the client has died', async () => {
    await round(swap)
    const pids = execFileSync('pgrep', ['-f', `${loops.directory}/volume`], { encoding: 'utf8' })
      .trim()
      .split('\n')
    for (const pid of pids) process.kill(Number(pid), 'SIGKILL')
    await until({ what: 'the mount is dead' }, () =>
      Promise.resolve(!existsSync(join(swap.path, `${self}.0`)) || undefined),
    )
    while ((await round({ ...swap, wanted: 'absent' })).length > 0);
    expect(await ownLoops()).to.deep.equal([])
  })
})
