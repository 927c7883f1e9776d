import {
  cannotEncrypt,
  encryptionRefused,
  noCryptsetup,
  noDeviceMapper,
  notEncrypted,
} from '../../../../../src/agent/host/client/messages.js'
import { expect } from 'chai'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { Run } from '../../../../../src/agent/host/exec/run.js'
import * as swapDevice from '../../../../../src/agent/host/client/swapDevice.js'
import { swapFacts } from '../../../../../src/agent/host/client/swapFacts.js'
import * as swapFiles from '../../../../../src/agent/host/client/swapFiles.js'
import { Refusal } from '../../../../../src/agent/port/host.js'
import { planSwap } from '../../../../../src/agent/plan/swap.js'
import type { DesiredSwap } from '../../../../../src/model/documents/swap.js'
import { aDesiredSwap } from '../../../../support/desired.js'

/*
 * The commands of encrypted swap in their order, on a machine that may have no dm-crypt: files stand for what the kernel shows
 * in /proc and /sys, and change as the commands would change it. `host/swap` runs the real ones where the kernel has it.
 */
class RecordedKernel {
  readonly root = mkdtempSync(join(tmpdir(), 'recorded-kernel-'))
  readonly commands: string[] = []
  readonly files = new Map<string, number>()
  fails = new Map<string, string>()
  /** How /proc/swaps calls a mapping: udev makes a link of its name, libdevmapper a node. */
  shownAs = 'dm-3'

  constructor() {
    for (const directory of ['proc/self', 'sys/block', 'dev'])
      mkdirSync(join(this.root, directory), { recursive: true })
    this.write('proc/self/mountinfo', '90 1 0:50 / /mnt/burstbuffer/3.20/swap rw - fuse.glusterfs g1:/3/swap/c1 rw\n')
    this.write('dev/loop-control', '')
    this.showSwaps()
  }

  showSwaps(...names: string[]): void {
    this.write('proc/swaps', ['Filename Type', ...names.map((name) => `/dev/${name} partition 1 0 0`), ''].join('\n'))
  }

  /** A mapping with that name; its table comes last. */
  map(name: string, { isWhole = true, on = ['loop7'] } = {}): void {
    this.write('sys/block/dm-3/dm/name', `${name}\n`)
    this.write('sys/block/dm-3/dm/uuid', `CRYPT-PLAIN-${name}\n`)
    this.write('sys/block/dm-3/size', isWhole ? '131072\n' : '0\n')
    for (const below of isWhole ? on : []) this.write(`sys/block/dm-3/slaves/${below}`, '')
  }

  readonly run: Run = (argv) => {
    const [program, first] = argv
    const last = argv.at(-1)!
    const answer = (stdout = '') => Promise.resolve({ code: 0, stdout, stderr: '' })
    if (argv.includes('--list')) return answer('      0:50\n')
    if (program === 'find')
      return answer([...this.files].map(([path, size]) => `${basename(path)} ${size} ${size / 512}\n`).join(''))
    const failure = this.fails.get(`${program} ${first}`)
    if (failure !== undefined) return Promise.resolve({ code: 5, stdout: '', stderr: failure })
    if (first === '--version' || first === 'version') return answer()
    this.commands.push(argv.join(' '))
    if (program === 'fallocate') this.files.set(last, Number(argv[2]))
    if (program === 'rm') this.files.delete(last)
    if (first === '--find') this.write('sys/block/loop7/loop/backing_file', `${last}\n`)
    if (first === '--detach') rmSync(join(this.root, 'sys/block/loop7'), { recursive: true })
    if (program === 'cryptsetup') this.map(last)
    if (program === 'dmsetup') {
      const present = this.mappingName() === last
      rmSync(join(this.root, 'sys/block/dm-3'), { recursive: true, force: true })
      return Promise.resolve({ code: present ? 0 : 1, stdout: '', stderr: present ? '' : 'No such device' })
    }
    if (program === 'swapon') this.showSwaps(last.startsWith('/dev/mapper') ? this.shownAs : basename(last))
    if (program === 'swapoff') this.showSwaps()
    return answer()
  }

  close(): void {
    rmSync(this.root, { recursive: true })
  }

  write(path: string, text: string): void {
    mkdirSync(join(this.root, path, '..'), { recursive: true })
    writeFileSync(join(this.root, path), text)
  }

  private mappingName(): string | undefined {
    try {
      return readFileSync(join(this.root, 'sys/block/dm-3/dm/name'), 'utf8').trim()
    } catch {
      return undefined
    }
  }
}

const name = 'burstbuffer-swap-loop7'
const mapper = `/dev/mapper/${name}`
const file = '/mnt/burstbuffer/3.20/swap/c1.0'
const clearName = `dmsetup remove -- ${name}`
const open = `cryptsetup open --batch-mode --type=plain --cipher=aes-xts-plain64 --key-size=512 --key-file=/dev/urandom -- /dev/loop7 ${name}`
const on = [clearName, open, `mkswap -- ${mapper}`, `swapon --priority 0 -- ${mapper}`]
const off = [
  `swapoff -- ${mapper}`,
  `dmsetup remove --retry -- ${name}`,
  'losetup --detach /dev/loop7',
  `rm --force -- ${file}`,
]

const effects = { ...swapDevice, ...swapFiles }

describe('encrypted swap', () => {
  let kernel: RecordedKernel
  const swap = aDesiredSwap()
  const absent = aDesiredSwap({ wanted: 'absent' })

  beforeEach(() => {
    kernel = new RecordedKernel()
  })
  afterEach(() => kernel.close())

  const host = (plaintext = false) => ({ self: 'c1', run: kernel.run, root: kernel.root, plaintext })

  async function round(wanted: DesiredSwap, most = 9, plaintext = false) {
    const planned = planSwap(wanted, await swapFacts(wanted, host(plaintext)))
    const steps = planned.steps.slice(0, most)
    for (const { kind } of steps) await effects[kind as 'enableSwap'](wanted, host(plaintext))
    return { ...planned, count: steps.length }
  }

  async function toTheEnd(wanted: DesiredSwap, most: number): Promise<string[]> {
    kernel.commands.length = 0
    while ((await round(wanted, most)).count > 0);
    return kernel.commands
  }

  for (const shownAs of ['dm-3', `mapper/${name}`]) {
    for (const most of [1, 9]) {
      it(`is on between loop device and swap, and goes in order; as ${shownAs}, ${most} steps a life`, async () => {
        kernel.shownAs = shownAs
        const commands = await toTheEnd(swap, most)
        expect(commands.slice(-5)).to.deep.equal([`losetup --find --nooverlap --direct-io=on -- ${file}`, ...on])
        expect((await round(swap)).report.state).to.equal('on')
        expect(await toTheEnd(absent, most)).to.deep.equal(off)
        expect((await round(absent)).report.state).to.equal('absent')
      })
    }
  }

  it('makes a mapping anew that was not made whole', async () => {
    await round(swap, 2)
    kernel.map(name, { isWhole: false })
    expect(await toTheEnd(swap, 1)).to.deep.equal(on)
  })

  it('takes down what was begun and is wanted no more', async () => {
    await round(swap, 2)
    kernel.map(name, { isWhole: false })
    expect(await toTheEnd(absent, 1)).to.deep.equal(off.slice(1))
  })

  it('keeps the key of a mapping that is there', async () => {
    await round(swap, 3)
    expect(await toTheEnd(swap, 1)).to.deep.equal(on.slice(2))
  })

  it('leaves swap that is on in clear until it has to go', async () => {
    kernel.fails.set('cryptsetup --version', 'not there')
    await round(swap, 9, true)
    const { refused, report, steps } = await round(swap)
    expect([refused, report.state, steps]).to.deep.equal([undefined, 'on', []])
    expect(await toTheEnd(absent, 1)).to.deep.equal(['swapoff -- /dev/loop7', ...off.slice(2)])
  })

  it('is refused, with both ways out, where the node cannot encrypt', async () => {
    for (const [command, words] of [
      ['cryptsetup --version', noCryptsetup()],
      ['dmsetup version', noDeviceMapper()],
    ] as const) {
      kernel.fails = new Map([[command, '']])
      const { refused, steps } = await round(swap)
      expect(steps).to.deep.equal([])
      expect(refused).to.equal(cannotEncrypt(words))
    }
    expect((await round(swap, 9, true)).refused).to.equal(undefined)
  })

  it('is refused with the words of cryptsetup where the kernel has no dm-crypt, and turns nothing on', async () => {
    kernel.fails.set('cryptsetup open', 'device-mapper: reload ioctl on loop7 failed: Invalid argument')
    const error = await round(swap).catch((error: Error) => error)
    expect(error).to.be.instanceOf(Refusal)
    expect(String(error)).to.include(encryptionRefused('/dev/loop7', 'device-mapper: reload ioctl'))
    expect(kernel.commands.join()).to.not.include('mkswap')
  })

  it('turns nothing on in clear, whoever asks', async () => {
    await round(swap, 2)
    const error = await swapDevice.enableSwap(swap, host()).catch((error: Error) => error)
    expect(String(error)).to.include(notEncrypted('/dev/loop7'))
    expect(kernel.commands.join()).to.not.include('mkswap')
  })

  it('touches no mapping with another name, or on another device', async () => {
    await round(swap, 2)
    for (const [other, below] of [
      ['luks-home', ['loop7']],
      [name, ['loop8']],
    ] as const) {
      kernel.map(other, { on: [...below] })
      expect((await swapFacts(swap, host())).loops).to.deep.equal([{ device: '/dev/loop7', isOn: false }])
      rmSync(join(kernel.root, 'sys/block/dm-3'), { recursive: true })
    }
  })
})
