import { expect } from 'chai'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { discover, globPattern, type SeenDevices } from '../../../../../src/agent/host/disk/discover.js'
import {
  matchesNoDevice,
  noSuchDevice,
  noSuchDirectory,
  poolProblem,
} from '../../../../../src/agent/host/disk/messages.js'
import { runCommand } from '../../../../../src/agent/host/exec/run.js'
import { abilitiesOf } from '../../../../../src/agent/host/disk/wipeAbilities.js'
import { systemClock } from '../../../../../src/daemon/clock.js'

describe('what the configuration lists', () => {
  let directory: string

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'burstbuffer-discover-'))
    writeFileSync(join(directory, 'notes'), '')
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  async function problemsOf(...patterns: string[]): Promise<string[]> {
    const pools = { fast: patterns.map((pattern) => join(directory, pattern)) }
    return (await discover(pools, runCommand, abilitiesOf(runCommand, systemClock))).problems
  }

  it('is a problem where a glob matches nothing, its directory is missing, or a path leads to nothing', async () => {
    expect(await problemsOf('nvme*n1', 'by-idd/*', 'notes/*', 'nvme1n1')).to.deep.equal([
      poolProblem('fast', `${directory}/nvme*n1: ${matchesNoDevice()}`),
      poolProblem('fast', `${directory}/by-idd/*: ${noSuchDirectory()}`),
      poolProblem('fast', `${directory}/notes/*: ENOTDIR: not a directory, scandir '${directory}/notes'`),
      poolProblem('fast', noSuchDevice(`${directory}/nvme1n1`)),
    ])
  })

  it('is no problem where there is something, whatever that is', async () => {
    expect(await problemsOf('no*')).to.deep.equal([])
  })

  it('is as it was found before, but for those devices that may have changed, and those that were not known', async () => {
    const paths = ['notes', 'other'].map((name) => join(directory, name))
    const seen: SeenDevices = new Map()
    const missing = async (listed: string[], only?: string[]) => {
      const found = await discover({ fast: listed }, runCommand, abilitiesOf(runCommand, systemClock), { only, seen })
      return found.devices.filter(({ reason }) => reason?.endsWith('no such device')).map(({ name }) => name)
    }
    writeFileSync(paths[1]!, '')
    expect(await missing([paths[0]!])).to.deep.equal([])
    for (const path of paths) rmSync(path)
    expect(await missing(paths, [])).to.deep.equal(['other'])
    expect(await missing(paths, ['notes'])).to.deep.equal(['notes', 'other'])
    writeFileSync(paths[1]!, '')
    expect(await missing(paths, ['notes'])).to.deep.equal(['notes', 'other'])
    expect(await missing(paths)).to.deep.equal(['notes'])
  })
})

describe('a glob of devices', () => {
  for (const [glob, matching, other] of [
    ['nvme[1-9]n1', ['nvme1n1', 'nvme9n1'], ['nvme0n1', 'nvme10n1', 'nvme1n1p1', 'xnvme1n1']],
    ['nvme*n1', ['nvme1n1', 'nvme10n1'], ['nvme1n1p1', 'nvme1n2']],
    ['sd?', ['sda'], ['sda1', 'sd']],
    ['disk[!0]', ['disk1'], ['disk0', 'disk']],
    ['a.b+c', ['a.b+c'], ['aXb+c', 'a.bbc']],
  ] as [string, string[], string[]][]) {
    it(`${glob} matches whole names`, () => {
      const matches = (name: string) => globPattern(glob).test(name)
      expect([...matching, ...other].filter(matches)).to.deep.equal(matching)
    })
  }
})
