import { expect } from 'chai'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { noPersistentBuffer } from '../../../../src/scheduler/admission/messages.js'
import { swapNotSupported } from '../../../../src/scheduler/placement/messages.js'
import * as checks from '../../../../src/scheduler/slurm/checks/messages.js'
import { sizeWithDecimals, unknownVariable } from '../../../../src/model/messages.js'
import * as messages from '../../../../src/scheduler/slurm/script/messages.js'
import { alice, bob, aHost, pool, terabyte } from '../../../support/builders.js'
import { aConfig } from '../../../support/decisions.js'
import { Rig } from '../../../support/schedulerRig.js'

const stageIn = '#DW stage_in type=file source=/home/alice/in.dat destination=$DW_JOB_STRIPED/in.dat'
const done = { code: 0, text: '' }

/** Scripts as people in the field write them, and what Slurm passes beside them. */
describe('a script from the field', () => {
  let rig: Rig
  let directory: string
  before(() => (directory = mkdtempSync(join(tmpdir(), 'bb-cases-'))))
  after(() => rmSync(directory, { recursive: true }))
  beforeEach(async () => {
    const storage = ['gluster1', 'gluster2'].map((name) => aHost(name))
    for (const { host } of storage) host.stagePaths = ['/home']
    rig = await Rig.start({ hosts: storage, config: aConfig({ mountRoot: '/mnt/bb' }) })
    rig.agents.obey()
    await rig.quiet()
  })

  const file = (text: string) => {
    const path = join(directory, 'script')
    writeFileSync(path, text)
    return path
  }
  const script = (...lines: string[]) => file(['#!/bin/bash', ...lines, 'true', ''].join('\n'))
  const jobProcess = (...lines: string[]) => rig.call('--function', 'job_process', '--job', script(...lines))
  const setup = (capacity: string, lines: string[], { uid, gid } = alice) => {
    const user = ['--user', String(uid), '--groupid', String(gid)]
    return rig.call('--function', 'setup', '--token', '5', ...user, '--capacity', capacity, '--job', script(...lines))
  }
  const create = (name: string, bytes: number, { uid } = alice) =>
    rig.call(...`--function create_persistent -c CLI -t ${name} -u ${uid} -C ${pool}:${bytes} -a striped`.split(' '))

  it('with blank lines before and between its directives is read whole', async () => {
    const jobdw = '#DW jobdw capacity=1TB access_mode=striped,private type=scratch'
    const out = '#DW stage_out type=file source=$DW_JOB_STRIPED/r destination=/home/alice/lost-results'
    expect(await setup(`${pool}:1TB`, ['', jobdw, '', stageIn, '', out])).to.deep.equal(done)
    expect(rig.cache.sessions.get('5')!.transfers!.map(({ direction }) => direction)).to.deep.equal(['in', 'out'])
    expect(rig.cache.buffers.get('5')!.access).to.deep.equal(['striped', 'private'])
  })

  it('with blank lines hides nothing that is refused', async () => {
    expect((await jobProcess('', '#DW swap 4GiB')).text).to.contain(swapNotSupported())
    expect((await jobProcess('', '#DW jobdw capacity=3.5TB access_mode=ldbalance type=cache')).code).to.equal(1)
  })

  const refused: [what: string, lines: string[], told: string][] = [
    ['tabs between its words', ['#DW\tjobdw\tcapacity=3TB\taccess_mode=striped'], messages.tabAfter('capacity=3TB')],
    ['Windows line ends', ['#DW jobdw access_mode=striped capacity=3TB\r'], messages.carriageReturn()],
    [
      'a jobdw of some bytes, as srun --bb="capacity=3.5TB" gives',
      ['#DW jobdw capacity=3'],
      messages.capacityWithoutUnit(3),
    ],
    [
      'two jobdw lines',
      ['#DW jobdw capacity=640GiB access_mode=striped', '#DW jobdw capacity=640GiB access_mode=private'],
      messages.secondJobdw(),
    ],
    [
      'a buffer that is created, used and destroyed',
      ['#BB create_persistent name=a capacity=1TB', '#DW persistentdw name=a', '#BB destroy_persistent name=a'],
      messages.usedAndDestroyed('a'),
    ],
    [
      'a variable in a source',
      ['#DW jobdw capacity=1TB', '#DW stage_in source=$HOME/in.dat destination=$DW_JOB_STRIPED/file type=file'],
      messages.invalidPath('source', unknownVariable('$HOME/in.dat')),
    ],
    [
      'quotes in a source',
      ['#DW jobdw capacity=1TB', '#DW stage_in source="/home/a/my data/in" destination=$DW_JOB_STRIPED/f type=file'],
      messages.quoteInValue('source="/home/a/my'),
    ],
    [
      'a pattern in a source',
      ['#DW jobdw capacity=1TB', '#DW stage_in source=/home/alice/*.dat destination=$DW_JOB_STRIPED/f type=file'],
      messages.patternInPath('source', '/home/alice/*.dat'),
    ],
    [
      'swap as an access mode',
      ['#DW jobdw capacity=1400GiB access_mode=striped,private,swap'],
      messages.swapIsNotAnAccessMode(),
    ],
  ]
  for (const [what, lines, told] of refused) {
    it(`with ${what} is refused in one line without its end`, async () => {
      const { code, text } = await jobProcess(...lines)
      expect(code).to.equal(1)
      expect(text).to.contain(`: ${told}`).and.not.contain('\n')
    })
  }

  it('that says type=scratch twice is taken', async () => {
    const line = '#DW jobdw type=scratch capacity=1GiB access_mode=striped,private type=scratch'
    expect(await jobProcess(line, stageIn)).to.deep.equal(done)
  })

  it('that uses a persistent buffer before it is created waits in Slurm, and setup looks', async () => {
    const use = ['#DW persistentdw name=test35.1']
    expect(await jobProcess(...use)).to.deep.equal(done)
    expect((await setup(`${pool}:0`, use)).text).to.equal(noPersistentBuffer('test35.1'))
    expect((await create('test35.1', 48)).text).to.equal('created\n')
    expect(await setup(`${pool}:0`, use)).to.deep.equal(done)
  })

  it('may name a persistent buffer with dots and dashes, and its variable is one that a shell takes', async () => {
    await create('my-data.1', terabyte)
    expect(rig.cache.buffers.get('my-data.1')!.volume).to.equal('my-data-1')
    await create('my-data-1', terabyte)
    expect(rig.cache.buffers.get('my-data-1')!.volume).to.match(/^my-data-1-[0-9]+$/)
    const out = '#DW stage_out type=file source=$DW_PERSISTENT_STRIPED_my_data_1/r destination=/home/alice/r'
    expect(await setup(`${pool}:0`, ['#DW persistentdw name=my-data.1', out])).to.deep.equal(done)
    expect(rig.cache.sessions.get('5')!.transfers![0]).to.include({
      buffer: 'my-data.1',
      variable: 'DW_PERSISTENT_STRIPED_my_data_1',
    })
  })

  describe('that Slurm has read otherwise is refused at setup', () => {
    const jobdw = ['#DW jobdw capacity=3TB']
    const read = (bytes: number, inPool = pool) => ({ pool: inPool, bytes })
    const cases: [what: string, capacity: string, lines: string[], told: string][] = [
      ['with another size', `${pool}:1TB`, jobdw, checks.readWithOtherSize(read(terabyte), 3e12, pool)],
      ['with nothing', `${pool}:0`, jobdw, checks.readWithOtherSize(read(0), 3e12, pool)],
      ['with a size that the script does not ask for', `${pool}:1TB`, ['#'], checks.jobdwMissing(read(terabyte))],
      ['with another pool', 'slow:3TB', [`${jobdw[0]} pool=${pool}`], checks.readInOtherPool(read(3e12, 'slow'), pool)],
    ]
    for (const [what, capacity, lines, told] of cases) {
      it(what, async () => {
        expect((await setup(capacity, lines)).text).to.equal(told)
        expect(rig.keys('buffers/')).to.deep.equal([])
      })
    }

    it('and not when Slurm has rounded the size up', async () => {
      expect(await setup(`${pool}:3TB`, ['#DW jobdw capacity=2100GB'])).to.deep.equal(done)
    })

    it('and not when it is swap beside a buffer, which Slurm counts as one slot more', async () => {
      rig.deps.config.swap = true
      expect(await setup(`${pool}:2TB`, ['#DW jobdw capacity=1TB', '#DW swap 4GiB'])).to.deep.equal(done)
    })
  })

  describe('with #BB lines alone, which job_process never sees, is refused at setup', () => {
    const lines = (rest: string) => [`#BB create_persistent name=deci ${rest}`]

    it('and what Slurm has made of it is named, and left alone', async () => {
      await create('deci', terabyte)
      for (const rest of ['capacity=3.5TB', 'capacity=1TB colour=blue']) {
        const { code, text } = await setup(`${pool}:0`, lines(rest))
        expect(code).to.equal(1)
        expect(text).to.contain(checks.createdAlready(['deci']))
        expect(rig.cache.buffers.get('deci')!.wanted).to.equal('present')
      }
    })

    it('and nothing is said of somebody else’s buffer, or of none', async () => {
      const { inLine } = messages
      const decimals = sizeWithDecimals('3.5TB', '3500GB')
      await create('deci', terabyte, bob)
      expect((await setup(`${pool}:0`, lines('capacity=3.5TB'))).text).to.equal(
        inLine(lines('capacity=3.5TB')[0]!, decimals),
      )
      const none = '#BB create_persistent name=none capacity=3.5TB'
      expect((await setup(`${pool}:0`, [none])).text).to.equal(inLine(none, decimals))
    })

    it('when the buffer is there with another size', async () => {
      await create('deci', terabyte)
      expect((await setup(`${pool}:0`, lines('capacity=2TB'))).text).to.contain(
        checks.createdWithOtherSize('deci', terabyte, 2 * terabyte),
      )
      expect(await setup(`${pool}:0`, lines('capacity=1TB'))).to.deep.equal(done)
    })
  })
})
