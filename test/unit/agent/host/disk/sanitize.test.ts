import { expect } from 'chai'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  cannotQueryDrive,
  noErase,
  notNvme,
  severalControllers,
  severalNamespaces,
} from '../../../../../src/agent/host/disk/messages.js'
import { Refusal } from '../../../../../src/agent/port/host.js'
import type { Run } from '../../../../../src/agent/host/exec/run.js'
import { eraseAction, sanitize, sanitizeAbility, sanitizing } from '../../../../../src/agent/host/disk/sanitize.js'
import { abilitiesOf } from '../../../../../src/agent/host/disk/wipeAbilities.js'
import { HandClock } from '../../../../support/handClock.js'

/* No machine of ours has an NVMe drive: what nvme-cli prints is written here as its sources print it. */
const log = (progress: string, status: string) =>
  [
    `Sanitize Progress                      (SPROG) :  ${progress}`,
    `Sanitize Status                        (SSTAT) :  ${status}`,
    'Sanitize Command Dword 10 Information (SCDW10) :  0x2',
    'Estimated Time For Block Erase                 :  90',
    '',
  ].join('\n')
const never = log('65535', '0')
const one = '[   0]:0x1\n'

describe('sanitizing a drive', () => {
  let directory: string
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'burstbuffer-sanitize-'))))
  afterEach(() => rmSync(directory, { recursive: true }))

  const drive = () => ({ sysfs: join(directory, 'nvme0', 'nvme0n1') })

  /** Answers by the first two words; a list is answered one after the other, the last one for ever. */
  function nvme(answers: Record<string, string | string[]>) {
    const said: string[] = []
    const run: Run = (argv) => {
      said.push(argv.join(' '))
      const answer = answers[argv[1]!]
      if (answer === undefined) return Promise.reject(new Error(`spawn ${argv[0]} ENOENT`))
      const stdout = typeof answer === 'string' ? answer : answer.length > 1 ? answer.shift()! : answer[0]!
      return Promise.resolve({ code: 0, stdout, stderr: '' })
    }
    return { run, said }
  }
  const identity = (sanicap: number) => JSON.stringify({ sn: 'S1', sanicap, nn: 32 })

  it('takes block erase before crypto erase, and overwriting for neither', () => {
    const actions = [0, 1, 2, 3, 4, 7, -1610612734].map((sanicap) => eraseAction(identity(sanicap)))
    expect(actions).to.deep.equal([undefined, '4', '2', '2', undefined, '2', '2'])
    expect(eraseAction('{}')).to.equal(undefined)
  })

  it('is possible where the device is the one namespace of its drive, which one controller leads to', async () => {
    const { run } = nvme({ 'id-ctrl': identity(3), 'list-ns': one })
    expect(await sanitizeAbility(drive(), run)).to.deep.equal({
      sanitize: 'yes',
      controller: '/dev/nvme0',
      action: '2',
    })
    const subsystem = join(directory, 'nvme-subsys0')
    mkdirSync(join(subsystem, 'nvme3'), { recursive: true })
    mkdirSync(join(subsystem, 'nvme0n1'))
    const shared = { sysfs: join(subsystem, 'nvme0n1') }
    expect(await sanitizeAbility(shared, run)).to.include({ sanitize: 'yes', controller: '/dev/nvme3' })
    mkdirSync(join(subsystem, 'nvme4'))
    expect(await sanitizeAbility(shared, run)).to.deep.equal({
      sanitize: 'no',
      reason: severalControllers(2),
    })
  })

  it('is not where the drive cannot, or others have a part of it; and not known where it cannot be asked', async () => {
    const reasonOf = async (answers: Record<string, string>, device = drive()) => {
      const ability = await sanitizeAbility(device, nvme(answers).run)
      return ability.sanitize === 'yes' ? 'it can' : `${ability.sanitize}: ${ability.reason}`
    }
    expect(await reasonOf({}, { sysfs: '/sys/devices/virtual/block/loop0' })).to.equal(`no: ${notNvme()}`)
    expect(await reasonOf({ 'id-ctrl': identity(0) })).to.equal(`no: ${noErase()}`)
    expect(await reasonOf({ 'id-ctrl': identity(2), 'list-ns': `${one}[   1]:0x2\n` })).to.equal(
      `no: ${severalNamespaces(2)}`,
    )
    expect(await reasonOf({})).to.equal(`unknown: ${cannotQueryDrive('spawn nvme ENOENT')}`)
    expect(await reasonOf({ 'id-ctrl': 'NVMe status: INVALID_OPCODE' })).to.contain('unknown')
  })

  it('gives the command, waits until the drive says that it is done, and tells how far it is', async () => {
    const logs = [never, log('0', '0x2'), log('32768 (50.000000%)', '0x2'), log('65535', '0x101')]
    const { run, said } = nvme({ 'id-ctrl': identity(2), 'list-ns': one, sanitize: '', 'sanitize-log': logs })
    const shares: number[] = []
    await sanitize(drive(), 'nvme0n1', run, (share) => shares.push(share), 0)
    expect(said.filter((argv) => argv.startsWith('nvme sanitize '))).to.deep.equal([
      'nvme sanitize --sanact=2 /dev/nvme0',
    ])
    expect(shares).to.deep.equal([0, 0.5])
  })

  it('waits for one that an agent began which died since, and gives no second command', async () => {
    const logs = [log('100', '0x2'), log('200', '0x2'), log('65535', '0x1')]
    const { run, said } = nvme({ 'id-ctrl': identity(1), 'list-ns': one, 'sanitize-log': logs })
    await sanitize(drive(), 'nvme0n1', run, () => {}, 0)
    expect(said.filter((argv) => argv.startsWith('nvme sanitize '))).to.deep.equal([])
    expect(await sanitizing(drive(), nvme({ 'sanitize-log': log('16384', '0x2') }).run)).to.equal(0.25)
    expect(await sanitizing(drive(), nvme({ 'sanitize-log': log('65535', '0x1') }).run)).to.equal(undefined)
    expect(await sanitizing({ sysfs: '/sys/devices/virtual/block/loop0' }, run)).to.equal(undefined)
  })

  it('leaves the drive to itself when the agent is to stop', async () => {
    const logs = [never, log('100', '0x2')]
    const { run } = nvme({ 'id-ctrl': identity(2), 'list-ns': one, sanitize: '', 'sanitize-log': logs })
    const stop = () => {
      throw new Error('the agent is to stop')
    }
    const error: Error = await sanitize(drive(), 'nvme0n1', run, stop, 0).then(
      () => Promise.reject(new Error('it went on')),
      (stopped: Error) => stopped,
    )
    expect(error.message).to.equal('the agent is to stop')
  })

  it('is refused when the drive failed, and is never taken for done when its log says nothing', async () => {
    const attempt = async (after: string) => {
      const logs = [never, after]
      const { run } = nvme({ 'id-ctrl': identity(2), 'list-ns': one, sanitize: '', 'sanitize-log': logs })
      return sanitize(drive(), 'nvme0n1', run, () => {}, 0).then(
        () => undefined,
        (error: Error) => error,
      )
    }
    expect(await attempt(log('65535', '0x3'))).to.be.instanceOf(Refusal)
    expect(await attempt(never)).to.be.instanceOf(Refusal)
    expect(await attempt('')).to.have.property('message', 'the output of nvme sanitize-log has no SSTAT or SPROG')
  })

  it('asks a drive that has answered no more for ten minutes, and one that has not each time', async () => {
    const clock = new HandClock()
    const answers: Record<string, string> = {}
    const { run, said } = nvme(answers)
    const abilities = abilitiesOf(run, clock)
    const device = { ...drive(), path: '/dev/nvme0n1', numbers: '259:0' }
    const look = async () => (await abilities(device, 'wwn:1')).sanitize
    expect([await look(), await look(), said.length]).to.deep.equal(['unknown', 'unknown', 2])
    Object.assign(answers, { 'id-ctrl': identity(2), 'list-ns': one })
    expect([await look(), await look(), said.length]).to.deep.equal(['yes', 'yes', 4])
    clock.advance(600_000)
    expect([await look(), said.length]).to.deep.equal(['yes', 6])
  })
})
