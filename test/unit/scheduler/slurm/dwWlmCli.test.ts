import * as modelMessages from '../../../../src/model/messages.js'
import * as scriptMessages from '../../../../src/scheduler/slurm/script/messages.js'
import { expect } from 'chai'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { noPool } from '../../../../src/scheduler/cluster/messages.js'
import { notEnoughFree } from '../../../../src/scheduler/placement/messages.js'
import { exceedsPool } from '../../../../src/scheduler/slurm/checks/messages.js'
import * as messages from '../../../../src/scheduler/slurm/functions/messages.js'
import { noUser } from '../../../../src/scheduler/users/messages.js'
import {
  noComputeAgent,
  noPersistentBuffer,
  noSession,
  sizeDiffers,
  wasTornDown,
} from '../../../../src/scheduler/admission/messages.js'
import { NameServiceUnavailable } from '../../../../src/scheduler/users/nameService.js'
import { dwWlmCli } from '../../../../src/scheduler/slurm/dwWlmCli.js'
import { keys } from '../../../../src/store/keys.js'
import { alice, aHost, bob, brickReport, pool, terabyte, volumeReport } from '../../../support/builders.js'
import { aConfig } from '../../../support/decisions.js'
import { Rig } from '../../../support/schedulerRig.js'

const hosts = () => [
  ...['gluster1', 'gluster2'].map((name) => aHost(name)),
  ...['c1', 'c2'].map((name) => aHost(name, { roles: ['compute'], devices: 0 })),
]
const done = { code: 0, text: '' }
const tornDown = { code: 1, text: wasTornDown() }
const hurriedTeardown = '--function teardown --token 347 --hurry'.split(' ')
const setupWords = (capacity = '1TB') =>
  `--function setup --token 347 --user ${alice.uid} --groupid ${alice.gid} --capacity ${capacity}`.split(' ')
const createWords = `--function create_persistent -t mytest -u ${alice.uid} -C ${pool}:${terabyte}`.split(' ')

describe('dw_wlm_cli', () => {
  let rig: Rig
  let directory: string
  before(() => (directory = mkdtempSync(join(tmpdir(), 'bb-functions-'))))
  after(() => rmSync(directory, { recursive: true }))
  beforeEach(async () => {
    rig = await Rig.start({ hosts: hosts(), config: aConfig({ mountRoot: '/mnt/bb' }) })
    rig.agents.obey()
    await rig.quiet()
  })

  /** Does not play the agents and the clock, as `call` does: the test does. */
  const begin = (words: string[]) => dwWlmCli(rig.deps, words)
  const call = (line: string, ...more: string[]) => rig.call('--function', ...line.split(' '), ...more)
  const file = (text: string, name = 'script') => {
    const path = join(directory, name)
    writeFileSync(path, text)
    return path
  }
  const script = (...lines: string[]) => file(['#!/bin/sh', ...lines, 'sleep 1', ''].join('\n'))
  const json = async (line: string) => JSON.parse((await call(line)).text) as Record<string, Record<string, unknown>[]>
  const create = (name: string, bytes: string | number = terabyte, { uid } = alice) =>
    call(`create_persistent -c CLI -t ${name} -u ${uid} -C ${pool}:${bytes} -a striped -T scratch`)
  const setup = (capacity: string, ...lines: string[]) =>
    call(
      `setup --token 347 --caller SLURM --user ${alice.uid} --groupid ${alice.gid} --capacity ${capacity}`,
      '--job',
      script(...(lines.length === 0 ? [`#DW jobdw capacity=${capacity.split(':')[1]}`] : lines)),
    )

  it('answers the pools, the sessions, the instances and the configurations', async () => {
    expect(await json('pools')).to.deep.equal({
      pools: [{ id: pool, units: 'bytes', granularity: terabyte, quantity: 4, free: 4 }],
    })
    expect(await json('show_sessions')).to.deep.equal({ sessions: [] })
    expect(await json('show_instances')).to.deep.equal({ instances: [] })
    expect(await json('show_configurations')).to.deep.equal({ configurations: [] })
  })

  it('makes a persistent buffer, and says the word that Slurm waits for', async () => {
    expect(await create('mytest', 32e9)).to.deep.equal({ code: 0, text: 'created\n' })
    expect((await json('show_sessions'))['sessions']![0]).to.include({ token: 'mytest', owner: alice.uid })
    expect((await json('pools'))['pools']![0]).to.include({ free: 3 })
  })

  it('takes a job from setup to teardown', async () => {
    const lines = ['#DW jobdw type=scratch access_mode=striped capacity=2TB']
    expect(await call('job_process', '--job', script(...lines))).to.deep.equal(done)
    expect(await setup(`${pool}:2TB`, ...lines)).to.deep.equal(done)
    expect(await call('data_in --token 347', '--job', script(...lines))).to.deep.equal(done)
    expect(await call('real_size --token 347')).to.deep.equal({
      code: 0,
      text: '{"token":"347","capacity":2000000000000,"units":"bytes"}\n',
    })
    const pathFile = file('', 'paths')
    expect(await call(`paths --token 347 --pathfile ${pathFile}`, '--job', script(...lines))).to.deep.equal(done)
    expect(readFileSync(pathFile, 'utf8')).to.match(/^DW_JOB_STRIPED=\/mnt\/bb\/347[^=]*\/\n$/)
    const nodes = file('c1\nc2\n', 'nodes')
    expect(await call(`pre_run --token 347 --nodehostnamefile ${nodes}`, '--job', script(...lines))).to.deep.equal(done)
    expect(rig.told().filter((text) => text.includes('mount'))).to.have.length(2)
    const mount = rig.etcd.list('desired/c1/mount/').entries[0]!.value as { path: string }
    expect(readFileSync(pathFile, 'utf8')).to.equal(`DW_JOB_STRIPED=${mount.path}/\n`)
    expect(await call('post_run --token 347', '--job', script(...lines))).to.deep.equal(done)
    expect(await call('data_out --token 347', '--job', script(...lines))).to.deep.equal(done)
    expect(await call('teardown --token 347', '--job', script(...lines))).to.deep.equal(done)
    await rig.quiet()
    expect(rig.told()).to.deep.equal([])
    expect([...rig.keys('buffers/'), ...rig.keys('sessions/')]).to.deep.equal([])
  })

  it('gives the job a variable for each persistent buffer that it uses', async () => {
    await create('mytest')
    const lines = ['#DW persistentdw name=mytest']
    expect(await call('job_process', '--job', script(...lines))).to.deep.equal(done)
    expect(await setup('0', ...lines)).to.deep.equal(done)
    const pathFile = file('', 'paths')
    await call(`paths --token 347 --pathfile ${pathFile}`, '--job', script(...lines))
    expect(readFileSync(pathFile, 'utf8')).to.equal('DW_PERSISTENT_STRIPED_mytest=/mnt/bb/persistent/mytest/\n')
    expect(statSync(pathFile).mode & 0o777).to.equal(0o600)
  })

  it('answers every call the same way when it comes twice', async () => {
    const twice = async (act: () => Promise<unknown>) => expect(await act()).to.deep.equal(await act())
    await twice(() => create('mytest'))
    await twice(() => setup(`${pool}:1TB`, '#DW jobdw capacity=1TB'))
    await twice(() => call('data_in --token 347'))
    await twice(() => call(`pre_run --token 347 --nodehostnamefile ${file('c1\n', 'nodes')}`))
    await twice(() => call('post_run --token 347'))
    await twice(() => call('data_out --token 347'))
    expect(rig.keys('sessions/')).to.have.length(2)
  })

  it('makes one buffer when slurmctld calls setup twice at once', async () => {
    const both = await rig.run(Promise.all([begin(setupWords()), begin(setupWords())]))
    expect(both).to.deep.equal([done, done])
    expect((await json('pools'))['pools']![0]).to.include({ free: 3 })
  })

  it('lets teardown win over a setup that still runs', async () => {
    rig.agents.silence('gluster1')
    const running = begin(setupWords())
    await rig.until('the buffer to be placed', () => rig.cache.buffers.has('347'))
    const torn = begin(hurriedTeardown)
    expect(await rig.run(running)).to.deep.equal(tornDown)
    await rig.agents.report(brickReport(rig.cache.buffers.get('347')!.bricks[0]!, { state: 'absent' }))
    expect(await rig.run(torn)).to.deep.equal(done)
  })

  describe('lets teardown win over a setup that has written nothing yet', () => {
    const words = setupWords()

    it('because an earlier session of its token is in the way', async () => {
      await rig.call(...words)
      const buffer = rig.cache.buffers.get('347')!
      const brick = buffer.bricks[0]!
      rig.agents.silence(brick.host)
      const first = begin(hurriedTeardown)
      await rig.until('the first to be leaving', () => rig.cache.buffers.get('347')!.wanted === 'absent')
      const waiting = begin(words)
      await rig.quiet()
      const second = begin(hurriedTeardown)
      await rig.quiet()
      await rig.agents.report({
        ...volumeReport(buffer, { state: 'absent' }),
        ...brickReport(brick, { state: 'absent' }),
      })
      expect(await rig.run(Promise.all([first, waiting, second]))).to.deep.equal([done, tornDown, done])
      await rig.quiet()
      expect([...rig.keys('buffers/'), ...rig.keys('sessions/')]).to.deep.equal([])
    })

    it('because etcd was away when it came', async () => {
      rig.store.cut()
      const waiting = begin(words)
      await rig.quiet()
      expect(await rig.call(...hurriedTeardown)).to.deep.equal({ code: 1, text: messages.tokenNotFound('347') })
      rig.store.heal()
      expect(await rig.run(waiting, 1_000)).to.deep.equal(tornDown)
      await rig.quiet()
      expect([...rig.keys('buffers/'), ...rig.keys('sessions/')]).to.deep.equal([])
    })

    it('but loses to one that came after it, when etcd was away until then', async () => {
      await rig.call(...words)
      const { id } = rig.cache.buffers.get('347')!
      rig.store.cut()
      const late = begin(hurriedTeardown)
      await rig.quiet()
      const setUpAgain = begin(words)
      rig.store.heal()
      expect(await rig.run(Promise.all([late, setUpAgain]), 1_000)).to.deep.equal([
        { code: 1, text: messages.setUpAgain('347') },
        done,
      ])
      expect(rig.cache.buffers.get('347')).to.include({ id, wanted: 'present' })
    })

    it('and not over one that comes after it', async () => {
      await rig.call(...words)
      expect(await rig.call(...hurriedTeardown)).to.deep.equal(done)
      expect(await rig.call(...words)).to.deep.equal(done)
    })
  })

  it('tells Slurm that an unknown token is not found, before and after it was there', async () => {
    expect(await call('teardown --token 999')).to.deep.equal({ code: 1, text: messages.tokenNotFound('999') })
    await setup(`${pool}:1TB`)
    expect(await call('teardown --token 347')).to.deep.equal(done)
    await rig.quiet()
    expect((await call('teardown --token 347')).text).to.contain('token not found')
  })

  for (const line of ['data_in', 'data_out', 'pre_run', 'post_run', 'real_size', 'paths --pathfile /tmp/none']) {
    it(`tells Slurm of ${line.split(' ')[0]} that there is no matching session`, async () => {
      const reply = await call(`${line} --token 999`)
      expect(reply).to.deep.equal({ code: 1, text: noSession('999') })
    })
  }

  it('says what it still waits for when the time of the call is over, and the repeated call finds the work', async () => {
    rig.agents.silence('gluster1')
    const reply = await rig.run(begin(setupWords('2TB')), 60_000)
    expect(reply).to.deep.equal({
      code: 1,
      text: messages.timedOut(['brick nvme1n1 on gluster1']),
    })
    const again = begin(setupWords('2TB'))
    const buffer = rig.cache.buffers.get('347')!
    await rig.agents.report({ ...brickReport(buffer.bricks[0]!), ...volumeReport(buffer) })
    expect(await rig.run(again)).to.deep.equal(done)
    expect(rig.cache.buffers.get('347')).to.include({ id: buffer.id })
  })

  it('says why a buffer cannot be made, and makes it anew when it is asked again', async () => {
    rig.agents.silence('gluster1')
    rig.agents.silence('gluster2')
    const running = begin(setupWords('4TB'))
    const buffer = await rig.until('the buffer to be placed', () => rig.cache.buffers.get('347'))
    const problem = { message: 'the disk gives errors', terminal: true }
    await rig.agents.report(brickReport(buffer.bricks[0]!, { state: 'forming', problem }))
    expect(await rig.run(running))
      .to.include({ code: 1 })
      .and.to.have.property('text')
      .that.matches(/^the disk gives errors; and pool/)
  })

  describe('refuses', () => {
    for (const name of ['a/b', '..', '1st', 'x'.repeat(300)]) {
      it(`the persistent name ${name.slice(0, 12)}`, async () =>
        expect((await create(name)).text).to.equal(modelMessages.nameInvalid(name)))
    }

    it('the persistent name all', async () =>
      expect((await create('all')).text).to.equal(modelMessages.nameReserved('all')))

    it('a persistent name with a blank', async () => {
      const words = ['create_persistent', '-c', 'CLI', '-t', 'my data', '-u', '20001', '-C', `${pool}:1`]
      expect((await rig.call('--function', ...words)).text).to.equal(modelMessages.nameInvalid('my data'))
    })

    const capacities: [string, string][] = [
      ['-1', modelMessages.sizeNegative('-1')],
      ['3.5TB', modelMessages.sizeWithDecimals('3.5TB', '3500GB')],
      ['1e3', modelMessages.sizeWithExponent('1e3')],
      ['999PB', modelMessages.sizeTooLarge('999PB', '9 PB')],
      ['', modelMessages.sizeWithoutUnit('')],
      ['TB', modelMessages.sizeWithoutUnit('TB')],
    ]
    for (const [capacity, told] of capacities) {
      it(`the capacity ${JSON.stringify(capacity)}`, async () => {
        expect(await create('mytest', capacity)).to.deep.equal({ code: 1, text: told })
      })
    }

    it('no capacity for a persistent buffer', async () => {
      expect((await create('mytest', 0)).text).to.contain('a persistent buffer needs a capacity')
    })

    it('a pool that is none', async () => {
      expect(await call(`create_persistent -c CLI -t a -u ${alice.uid} -C fast:1TB`)).to.deep.equal({
        code: 1,
        text: noPool('fast', [pool]),
      })
    })

    it('more than is free, saying what is', async () => {
      expect((await create('mytest', 5 * terabyte)).text).to.equal(notEnoughFree(pool, '4 TB', '5 TB'))
    })

    it('the name of another user’s buffer', async () => {
      await create('mytest')
      expect((await create('mytest', terabyte, bob)).text).to.contain('belongs to another user')
    })

    it('a user that nobody knows, and one that is no number', async () => {
      expect((await create('mytest', terabyte, { uid: 7, gid: 7 })).text).to.equal(noUser(7))
      expect((await call(`create_persistent -t a -u alice -C ${pool}:1TB`)).text).to.equal(
        messages.notANumber('user', 'alice'),
      )
    })

    it('a token that was set up with another size', async () => {
      await setup(`${pool}:1TB`)
      expect((await setup(`${pool}:2TB`)).text).to.equal(sizeDiffers('job 347', terabyte, 2 * terabyte))
    })

    it('a script with a mistake, at job_process, in words for the user', async () => {
      const reply = await call('job_process', '--job', script('#DW jobdw capacity=3.5TB'))
      expect(reply.code).to.equal(1)
      const told = modelMessages.sizeWithDecimals('3.5TB', '3500GB')
      expect(reply.text).to.equal(scriptMessages.inLine('#DW jobdw capacity=3.5TB', told))
    })

    it('at job_process more than the whole pool and an unknown pool, and at setup a persistent buffer that is not there', async () => {
      const told = async (line: string) => (await call('job_process', '--job', script(line))).text
      expect(await told('#DW jobdw capacity=5TB')).to.contain(
        exceedsPool('capacity=', pool, 5 * terabyte, 4 * terabyte),
      )
      expect(await told('#DW jobdw capacity=1TB pool=fast')).to.contain(`: ${noPool('fast', [pool])}`)
      expect(await told('#DW persistentdw name=mytest')).to.equal('')
      expect((await setup(`${pool}:0`, '#DW persistentdw name=mytest')).text).to.equal(noPersistentBuffer('mytest'))
    })

    it('a script that cannot be read, is no file, or has too many comments', async () => {
      expect((await call('job_process --job /does/not/exist')).text).to.equal(
        messages.scriptUnreadable('/does/not/exist', 'ENOENT'),
      )
      expect((await call('job_process', '--job', directory)).text).to.equal(scriptMessages.scriptNotRegular(directory))
      expect((await call('job_process --job /dev/zero')).text).to.equal(scriptMessages.scriptNotRegular('/dev/zero'))
      expect((await call('job_process', '--job', file('#'.repeat(5_000_000)))).text).to.contain(
        scriptMessages.headTooLong(),
      )
    })

    it('a node file with something else than host names', async () => {
      await setup(`${pool}:1TB`)
      const reply = await call(`pre_run --token 347 --nodehostnamefile ${file('c1\n../c2\n', 'nodes')}`)
      expect(reply.text).to.equal(messages.invalidNode('../c2'))
    })

    it('to start a job on a node without an agent, once its agent had time to return', async () => {
      await setup(`${pool}:1TB`)
      const words = ['--function', 'pre_run', '--token', '347', '--nodehostnamefile', file('c9\n', 'nodes')]
      const reply = await rig.run(begin(words), 10_000)
      expect(reply.text).to.equal(noComputeAgent(['c9']))
    })

    const functions =
      'pools show_instances show_sessions show_configurations job_process create_persistent setup data_in real_size paths pre_run post_run data_out teardown'
    const unknown = (name: string) => messages.unknownFunction(name, functions.split(' '))
    const calls: [string, string][] = [
      ['', messages.argumentMissing('function')],
      ['unknown', unknown('unknown')],
      ['constructor', unknown('constructor')],
      ['setup', messages.argumentMissing('token', 'setup')],
      ['teardown', messages.argumentMissing('token', 'teardown')],
      ['pools --tokens 5', messages.unknownArgument('--tokens', []).trim()],
    ]
    for (const [line, told] of calls) {
      it(`the call ${JSON.stringify(line)}`, async () => {
        const reply = await call(line)
        expect(reply.code).to.equal(1)
        expect(reply.text).to.contain(told)
      })
    }
  })

  it('goes on with a call that was made while etcd is away, when it is back', async () => {
    rig.store.cut()
    const made = create('mytest')
    await rig.quiet()
    rig.clock.advance(20_000)
    await rig.quiet()
    rig.store.heal()
    rig.clock.advance(2_000)
    expect(await made).to.deep.equal({ code: 0, text: 'created\n' })
  })

  it('says so when etcd stays away for the time of a call', async () => {
    rig.store.cut()
    const { code, text } = await rig.run(begin(createWords), 1_000)
    expect([code, text]).to.deep.equal([1, messages.unavailable('cut off')])
  })

  describe('while the name service is away', () => {
    let isAway: boolean
    beforeEach(() => {
      isAway = true
      const { lookUp, groupsOf, groupId } = rig.deps
      const or = <T>(answer: Promise<T>) => (isAway ? Promise.reject(new NameServiceUnavailable('it is away')) : answer)
      Object.assign(rig.deps, {
        lookUp: (uid: number) => or(lookUp(uid)),
        groupsOf: (uid: number) => or(groupsOf(uid)),
        groupId: (name: string) => or(groupId(name)),
      })
    })
    const whenItIsBack = async (called: Promise<unknown>) => {
      await rig.quiet()
      rig.clock.advance(20_000)
      await rig.quiet()
      expect(rig.keys('sessions/')).to.deep.equal([])
      isAway = false
      rig.clock.advance(2_000)
      return called
    }

    it('create_persistent and setup wait for it', async () => {
      expect(await whenItIsBack(create('mytest'))).to.deep.equal({ code: 0, text: 'created\n' })
      isAway = true
      rig.etcd.write([], [{ delete: keys.session('mytest') }, { delete: keys.buffer('mytest') }])
      const line = '#DW jobdw type=scratch access_mode=striped capacity=1TB'
      expect(await whenItIsBack(setup(`${pool}:1TB`, line))).to.deep.equal(done)
    })

    it('a call says so when its time is over', async () => {
      const { code, text } = await rig.run(begin(createWords), 1_000)
      expect([code, text]).to.deep.equal([1, messages.unavailable('it is away')])
    })

    it('job_process does not say that there is no such group', async () => {
      const path = script(
        '#BB create_persistent name=mytest capacity=1TB access_mode=striped type=scratch group=project',
      )
      expect(await call('job_process', '--job', path)).to.deep.equal(done)
    })
  })

  it('answers in one line, and without an exception, while no scheduler leads', async () => {
    rig.fence = undefined
    const reply = await create('mytest')
    expect(reply.code).to.equal(1)
    expect(reply.text.split(messages.unavailable(''))).to.have.length(2)
    expect(reply.text).to.not.contain('\n')
    expect(await json('pools')).to.have.property('pools')
  })
})
