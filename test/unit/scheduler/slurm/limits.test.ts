import { expect } from 'chai'
import fc from 'fast-check'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dwWlmCli } from '../../../../src/scheduler/slurm/dwWlmCli.js'
import { systemStatPaths } from '../../../../src/scheduler/users/pathAccess.js'
import { aHost, alice, pool } from '../../../support/builders.js'
import { Rig } from '../../../support/schedulerRig.js'

const mebibyte = 1024 ** 2
const maxMs = 100
const maxBytes = 64 * mebibyte

/** So many bytes of that text, over and over. */
const filled = (bytes: number, text: string) => text.repeat(Math.ceil(bytes / text.length)).slice(0, bytes)
const jobdw = '#DW jobdw capacity=2TB'
const stage = (source: string) => `#DW stage_in type=file source=${source} destination=$DW_JOB_STRIPED/x`

/** What once took a second to hours, or all the memory; each as large as it is asked for. */
const nasty: Record<string, (bytes: number) => string> = {
  'commas in an access mode': (bytes) => `#DW jobdw capacity=1TB access_mode=${filled(bytes, ',')}`,
  'parentheses in an access mode': (bytes) => `#DW jobdw capacity=1TB access_mode=${filled(bytes, '(,')}`,
  'a deep path': (bytes) => `${jobdw}\n${stage(filled(bytes, '/a'))}`,
  'many deep paths': (bytes) => [jobdw, ...lines(bytes, (n) => stage(`/tmp/${n}${filled(3_900, '/a')}`))].join('\n'),
  'some deep paths': () =>
    [jobdw, ...Array.from({ length: 9 }, (_, n) => stage(`/tmp/${n}${filled(3_900, '/a')}`))].join('\n'),
  'many short paths': () =>
    [jobdw, ...Array.from({ length: 99 }, (_, n) => stage(`/tmp/${n}${filled(60, '/b')}`))].join('\n'),
  'slashes behind a variable': (bytes) =>
    `${jobdw}\n#DW stage_out type=file source=$DW_JOB_STRIPED${filled(bytes, '/')}`,
  'lines that go on': (bytes) => filled(bytes, '#DW \\\n'),
  'a long line of blanks': (bytes) => `#DW jobdw${filled(bytes, ' ')}capacity=1TB`,
  tabs: (bytes) => `#DW jobdw${filled(bytes, '\tcapacity=1')}`,
  'persistent buffers': (bytes) => lines(bytes, (n) => `#DW persistentdw name=a${n}`).join('\n'),
  'buffers that are created': (bytes) =>
    lines(bytes, (n) => `#BB create_persistent name=a${n} capacity=1TB group=g${n}`).join('\n'),
  'one word many times': (bytes) => `#DW jobdw ${filled(bytes, 'type=scratch ')}`,
  'equal signs': (bytes) => `#DW jobdw ${filled(bytes, '=')}`,
  digits: (bytes) => `#DW jobdw capacity=${filled(bytes, '9')}`,
  decimals: (bytes) => `#DW jobdw capacity=${filled(bytes, '1.')}TB`,
  'percent signs': (bytes) => `${jobdw}\n${stage(`/lustre/${filled(bytes, '%A')}`)}`,
  backslashes: (bytes) => `#DW jobdw ${filled(bytes, '\\ ')}`,
  quotes: (bytes) => `${jobdw}\n${stage(filled(bytes, '"'))}`,
  'bytes that are no text': (bytes) => `#DW jobdw ${filled(bytes, '\ud800')}`,
  'comments of one byte': (bytes) => filled(bytes, '#\n'),
  'empty lines': (bytes) => filled(bytes, '\n'),
  'folders of the output': (bytes) => filled(bytes, '#SBATCH -o /x/%j/y\n'),
  'a long comment': (bytes) => filled(bytes, '#'),
}

function lines(bytes: number, line: (n: number) => string): string[] {
  const found: string[] = []
  for (let length = 0; length < bytes; length += found.at(-1)!.length + 1) found.push(line(found.length))
  return found
}

describe('a job script of any kind and size', () => {
  let rig: Rig
  let directory: string
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'bb-limits-'))
    const storage = aHost('gluster1')
    storage.host.stagePaths = ['/tmp', '/lustre', '/a']
    rig = await Rig.start({ hosts: [storage] })
    rig.deps.statPaths = systemStatPaths
    rig.deps.groupId = () => Promise.resolve(30001)
  })
  after(() => rmSync(directory, { recursive: true }))

  const file = (text: string) => {
    const path = join(directory, 'script')
    writeFileSync(path, text)
    return path
  }
  const user = ['--user', String(alice.uid), '--groupid', String(alice.gid)]
  const job = (path: string) => ['--token', '5', '--job', path]
  const calls: Record<string, (path: string) => string[]> = {
    job_process: (path) => ['--job', path],
    // Of another size than any script has, so that nothing is made.
    setup: (path) => [...job(path), ...user, '--capacity', `${pool}:77TB`],
    paths: (path) => [...job(path), '--pathfile', join(directory, 'paths')],
  }

  /** CPU of this process alone, in ms: children and other programs do not count. */
  async function spent(words: string[]): Promise<number> {
    const before = process.cpuUsage()
    await dwWlmCli(rig.deps, words)
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000
  }

  /** The best of a few runs, as a machine that does other work beside may slow some of them down. */
  async function least(words: string[]): Promise<number> {
    let best = Infinity
    for (let run = 0; run < 5 && best > maxMs / 2; run++) best = Math.min(best, await spent(words))
    return best
  }

  for (const [kind, make] of Object.entries(nasty)) {
    it(`is answered within ${maxMs} ms of CPU and 64 MiB, when it is ${kind}`, async function () {
      this.timeout(60_000)
      for (const bytes of [mebibyte, 4 * mebibyte - 100]) {
        const path = file(`#!/bin/bash\n${make(bytes)}\ntrue\n`)
        for (const [name, words] of Object.entries(calls)) {
          const before = process.resourceUsage().maxRSS * 1024
          expect(await least(['--function', name, ...words(path)]), `${name} of ${bytes} bytes`).to.be.lessThan(maxMs)
          expect(process.resourceUsage().maxRSS * 1024 - before, 'memory').to.be.lessThan(maxBytes)
        }
      }
    })
  }

  it(`is answered within ${maxMs} ms of CPU when it is a mixture of all that`, async function () {
    this.timeout(120_000)
    const part = fc
      .tuple(fc.constantFrom(...Object.values(nasty)), fc.integer({ min: 1, max: 20_000 }))
      .map(([make, bytes]) => make(bytes))
    await fc.assert(
      fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 40 }), async (parts) => {
        const path = file(`#!/bin/bash\n${parts.join('\n')}\ntrue\n`)
        for (const [name, words] of Object.entries(calls)) {
          expect(await least(['--function', name, ...words(path)]), name).to.be.lessThan(maxMs)
        }
      }),
      { numRuns: 50 },
    )
  })

  it('is read up to its first command alone, however long it is', async () => {
    rig.agents.obey()
    const path = file(`#!/bin/bash\n${jobdw}\ntrue\n${filled(8 * mebibyte, 'echo a line of the job\n')}`)
    expect(await rig.call('--function', 'job_process', '--job', path)).to.deep.equal({ code: 0, text: '' })
  })
})
