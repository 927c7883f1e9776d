import { expect } from 'chai'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SessionDocument } from '../../../../src/model/documents/session.js'
import * as checks from '../../../../src/scheduler/slurm/checks/messages.js'
import * as messages from '../../../../src/scheduler/slurm/script/messages.js'
import { parseDirectives } from '../../../../src/scheduler/slurm/script/directives.js'
import { linesOfScript } from '../../../../src/scheduler/slurm/script/scriptHead.js'
import type { FileStat } from '../../../../src/scheduler/users/pathAccess.js'
import { alice, aHost, pool, transferReport } from '../../../support/builders.js'
import { Rig } from '../../../support/schedulerRig.js'

const jobdw = '#DW jobdw type=scratch access_mode=striped capacity=2TB'
const stageIn = '#DW stage_in type=file source=/lustre/alice/a destination=$DW_JOB_STRIPED/a'
const source = '/lustre/alice/a'
const stageOut = '#DW stage_out type=directory source=$DW_JOB_STRIPED/out destination=/lustre/alice/out'
const privately = '#DW jobdw type=scratch access_mode=private capacity=2TB'
const stageInPrivate = stageIn.replace('STRIPED', 'PRIVATE')
const done = { code: 0, text: '' }

describe('the buffers that stage directives name', () => {
  const refusal = (...lines: string[]) => {
    const directives = parseDirectives(['#!/bin/sh', ...lines].join('\n'))
    return 'refused' in directives ? directives.refused : ''
  }

  it('are the job’s own, wherever it is asked for, and those that it uses', () => {
    expect(refusal(stageIn, jobdw)).to.equal('')
    const persistent = '#DW stage_in type=file source=/lustre/a destination=$DW_PERSISTENT_STRIPED_mine/a'
    expect(refusal('#DW persistentdw name=mine', persistent)).to.equal('')
    expect(refusal('#DW persistentdw name=other', persistent)).to.contain(messages.bufferNotUsed('mine'))
  })

  it('are refused when the job has none, or one without a striped namespace', () => {
    expect(refusal(stageIn)).to.equal(messages.inLine(stageIn, messages.noOwnBuffer('DW_JOB_STRIPED', 'striped')))
    expect(refusal('#DW jobdw access_mode=private capacity=1TB', stageIn)).to.equal(
      messages.inLine(stageIn, messages.modeMissing('DW_JOB_STRIPED', 'private')),
    )
  })

  it('may be private, and are refused when the job has no such namespace', () => {
    const out = stageOut.replace('STRIPED', 'PRIVATE')
    expect(refusal(privately, stageInPrivate, out)).to.equal('')
    expect(refusal(jobdw, out)).to.contain(messages.modeMissing('DW_JOB_PRIVATE', 'striped'))
    expect(refusal(out)).to.contain(messages.noOwnBuffer('DW_JOB_PRIVATE', 'private'))
  })

  it('are the only one for a list that names none', () => {
    const list = '#DW stage_in type=list source=/lustre/list'
    expect(refusal(jobdw, list)).to.equal('')
    expect(refusal('#DW persistentdw name=mine', list)).to.equal('')
    const ambiguous = messages.inLine(list, messages.ambiguousBuffer())
    expect(refusal('#DW persistentdw name=mine', '#DW persistentdw name=yours', list)).to.equal(ambiguous)
    expect(refusal(list)).to.equal(messages.inLine(list, messages.noBuffer()))
    expect(refusal(privately, list)).to.equal('')
    expect(refusal(privately, '#DW persistentdw name=mine', list)).to.equal(ambiguous)
  })
})

describe('the folder of a job’s output', () => {
  it('is known from an absolute #SBATCH --output without symbols in it', () => {
    const of = (line: string) => {
      const lines = linesOfScript(Buffer.from(`#!/bin/sh\n#DW jobdw\n${line}\n`))
      return 'refused' in lines ? lines.refused : lines.outputDirectory
    }
    expect(of('#SBATCH --output=/home/alice/run/%j.out')).to.equal('/home/alice/run')
    expect(of('#SBATCH -o /home/alice/o')).to.equal('/home/alice')
    expect(of('#SBATCH --output=/home/%u/o')).to.equal(undefined)
    expect(of('#SBATCH --output=/home/../o')).to.equal(undefined)
    expect(of('#SBATCH --output=o')).to.equal(undefined)
    expect(of('sleep 1\n#SBATCH --output=/home/o')).to.equal(undefined)
  })
})

describe('dw_wlm_cli with stage directives', () => {
  let rig: Rig
  let directory: string
  let seen: Map<string, FileStat> | undefined
  before(() => (directory = mkdtempSync(join(tmpdir(), 'bb-staging-'))))
  after(() => rmSync(directory, { recursive: true }))

  const start = async (stagePaths: string[] = ['/lustre'], obey = true) => {
    const storage = ['gluster1', 'gluster2'].map((name) => aHost(name))
    for (const { host } of storage) if (stagePaths.length > 0) host.stagePaths = stagePaths
    rig = await Rig.start({ hosts: [...storage, aHost('c1', { roles: ['compute'], devices: 0 })] })
    rig.deps.statPaths = () => Promise.resolve(seen)
    if (obey) rig.agents.obey()
    await rig.quiet()
  }
  beforeEach(() => (seen = undefined))

  const script = (...lines: string[]) => {
    const path = join(directory, 'script')
    writeFileSync(path, ['#!/bin/sh', ...lines, ''].join('\n'))
    return ['--job', path]
  }
  const call = (line: string, ...more: string[]) => rig.call('--function', ...line.split(' '), ...more)
  const setup = (...lines: string[]) =>
    call(
      `setup --token 5 --caller SLURM --user ${alice.uid} --groupid ${alice.gid} --capacity ${pool}:2TB`,
      ...script(...lines),
    )
  const session = () => rig.read('sessions/5') as unknown as SessionDocument
  const run = async () => {
    const nodes = join(directory, 'nodes')
    writeFileSync(nodes, 'c1\n')
    expect(await call(`pre_run --token 5 --nodehostnamefile ${nodes}`)).to.deep.equal(done)
    expect(await call('post_run --token 5')).to.deep.equal(done)
  }

  it('copies in before the job and out after it, and leaves nothing behind', async () => {
    await start()
    const lines = [jobdw, stageIn, stageOut]
    expect(await call('job_process', ...script(...lines))).to.deep.equal(done)
    expect(await setup(...lines)).to.deep.equal(done)
    expect(
      session().transfers!.map(({ number, direction, inside, outside, report }) => [
        number,
        direction,
        inside,
        outside,
        report,
      ]),
    ).to.deep.equal([
      [1, 'in', 'a', '/lustre/alice/a', '/lustre/alice/burstbuffer-5-stage-in-1.failed'],
      [2, 'out', 'out', '/lustre/alice/out', '/lustre/alice/burstbuffer-5-stage-out-2.failed'],
    ])
    expect(await call('data_in --token 5', ...script(...lines))).to.deep.equal(done)
    expect(session()).to.have.nested.property('transfers[0].ended.state', 'done')
    expect(session().stage).to.equal('staged-in')
    await run()
    expect(await call('data_out --token 5', ...script(...lines))).to.deep.equal(done)
    expect(session()).to.have.nested.property('transfers[1].ended.state', 'done')
    expect(await call('teardown --token 5', ...script(...lines))).to.deep.equal(done)
    await rig.quiet()
    expect(rig.told()).to.deep.equal([])
    expect(rig.keys('sessions/')).to.deep.equal([])
  })

  it('copies what is staged in privately to the nodes at pre_run, as a line behind all others', async () => {
    await start()
    const out = stageOut.replace('STRIPED', 'PRIVATE')
    expect(await setup(privately, stageInPrivate, out)).to.deep.equal(done)
    const lines = () => session().transfers!.map((line) => [line.number, line.direction, line.ended?.state])
    expect(lines()).to.deep.equal([
      [1, 'in', undefined],
      [2, 'out', undefined],
      [3, 'fill', undefined],
    ])
    expect(session().transfers![2]).to.deep.include({
      type: 'directory',
      inside: '',
      variable: 'DW_JOB_PRIVATE',
      report: '/lustre/alice/burstbuffer-5-stage-in-3.failed',
    })
    expect(await call('data_in --token 5')).to.deep.equal(done)
    await run()
    expect(await call('data_out --token 5')).to.deep.equal(done)
    expect(lines().map(([, , state]) => state)).to.deep.equal(['done', 'done', 'done'])
    expect(await call('teardown --token 5')).to.deep.equal(done)
    await rig.quiet()
    expect(rig.told()).to.deep.equal([])
  })

  it('puts the report of what failed beside the job’s output', async () => {
    await start()
    await setup('#SBATCH --output=/lustre/alice/run/%j.out', jobdw, stageIn)
    expect(session().transfers![0]!.report).to.equal('/lustre/alice/run/burstbuffer-5-stage-in-1.failed')
  })

  it('fails data_in with the host’s word, and the job is then torn down', async () => {
    await start(['/lustre'], false)
    rig.agents.silenceKind('transfer')
    rig.agents.obey()
    await rig.quiet()
    await setup(jobdw, stageIn)
    const staging = rig.run(
      (async () => {
        const reply = call('data_in --token 5')
        await rig.until('the plan', () => rig.told().find((text) => text.includes('transfer')))
        const host = rig
          .told()
          .find((text) => text.includes('transfer'))!
          .split(':')[0]!
        const problem = { message: '/lustre/alice/a: No such file', terminal: true }
        await rig.agents.report(transferReport(host, session(), { problem }))
        return reply
      })(),
    )
    expect((await staging).text).to.match(/^stage-in 1 failed: host gluster[12]: \/lustre\/alice\/a: No such file/)
    expect((await call('data_in --token 5')).code).to.equal(1)
    expect(session().stage).to.equal('staging-in')
  })

  it('keeps the buffer of a job whose data has not been staged out', async () => {
    await start()
    await setup(jobdw, stageOut)
    await call('data_in --token 5')
    await run()
    const { code, text } = await call('teardown --token 5')
    expect(code).to.equal(1)
    expect(text).to.contain('bbctl transfer retry 5')
    expect(await call('teardown --token 5 --hurry')).to.deep.equal(done)
  })

  it('refuses a path that no storage host stages from or to, before anything is made', async () => {
    await start(['/home', '/scratch'])
    const { text } = await call('job_process', ...script(jobdw, stageIn))
    const notStaged = checks.notStaged('source', '/lustre/alice/a', ['/home', '/scratch'])
    expect(text).to.equal(messages.inLine(stageIn, notStaged))
    expect((await setup(jobdw, stageIn)).code).to.equal(1)
    expect(rig.keys('buffers/')).to.deep.equal([])
    await start([])
    expect((await call('job_process', ...script(jobdw, stageOut))).text).to.contain(
      checks.stagingNotSetUp('destination', '/lustre/alice/out'),
    )
  })

  const folder = { mode: 0o040755, uid: 0, gid: 0, sizeBytes: 0, isDirectory: true }
  const large = { mode: 0o100600, uid: alice.uid, gid: alice.gid, sizeBytes: 3e12, isDirectory: false }
  const sees = (more: Record<string, FileStat>) =>
    (seen = new Map(Object.entries({ '/': folder, '/lustre': folder, '/lustre/alice': folder, ...more })))

  it('refuses a source that is absent, of another type, or larger than the buffer', async () => {
    await start()
    const told = async () => (await call('job_process', ...script(jobdw, stageIn))).text
    sees({})
    expect(await told(), 'an earlier job may bring it').to.equal('')
    expect((await setup(jobdw, stageIn)).text).to.equal(messages.inLine(stageIn, checks.sourceAbsent(source)))
    sees({ '/lustre/alice/a': folder })
    expect(await told()).to.equal(messages.inLine(stageIn, checks.sourceIsDirectory(source)))
    sees({ '/lustre/alice/a': large })
    expect(await told()).to.equal(messages.inLine(stageIn, checks.sourceTooLarge(source, 3e12, 1, 2e12)))
    sees({ '/lustre/alice/a': { ...large, sizeBytes: 1.5e12 } })
    expect(await told()).to.equal('')
    const { text } = await call('job_process', ...script(privately, stageInPrivate))
    expect(text).to.contain(checks.sourceTooLarge(source, 1.5e12, 2, 2e12))
  })

  it('says nothing of a source where the scheduler’s host does not see the file system', async () => {
    await start()
    seen = new Map([['/', folder]])
    expect(await call('job_process', ...script(jobdw, stageIn))).to.deep.equal(done)
  })

  it('refuses at setup, when the user is known, a source that the user may not read', async () => {
    await start()
    sees({ '/lustre/alice/a': { ...large, sizeBytes: 1, uid: 77, gid: 77 } })
    expect(await call('job_process', ...script(jobdw, stageIn))).to.deep.equal(done)
    expect((await setup(jobdw, stageIn)).text).to.contain(checks.sourceUnreadable(source, source))
    expect(rig.keys('buffers/')).to.deep.equal([])
  })

  it('looks for no path that still holds symbols of Slurm', async () => {
    await start()
    sees({})
    const symbols = stageIn.replace('alice/a', 'alice/%A_%a')
    expect(await call('job_process', ...script(jobdw, symbols))).to.deep.equal(done)
  })
})
