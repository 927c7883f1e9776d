import { expect } from 'chai'
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tokenNotFound, unknownFunction } from '../../src/scheduler/slurm/functions/messages.js'
import { howToStop, noEtcd } from '../../src/standalone/messages.js'
import type { BufferDetail, StatusView } from '../../src/model/api.js'

/** `npm run standalone` as its users run it, called through the compiled shim: every function of Slurm's table. */
describe('npm run standalone', function () {
  this.timeout(60_000)
  const directory = mkdtempSync(join(tmpdir(), 'standalone-test-'))
  let child: ChildProcess
  let socket: string

  before(async function () {
    if (!has('etcd') || !has('gcc')) return this.skip()
    execFileSync('gcc', ['-O2', '-o', join(directory, 'dw_wlm_cli'), 'src/cli/shim.c'])
    for (const name of ['fakewarp', 'dwstat']) symlinkSync('dw_wlm_cli', join(directory, name))
    child = spawn('npm', ['run', '--silent', 'standalone'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    socket = /^socket (.*)$/m.exec(await untilSaid(child, howToStop()))![1]!
  })

  after(async () => {
    if (child) {
      const ended = new Promise((resolve) => child.on('close', resolve))
      process.kill(-child.pid!, 'SIGINT')
      await ended
    }
    rmSync(directory, { recursive: true })
  })

  it('shows the twenty devices of its hosts as a pool', async () => {
    const { code, text } = await untilFree(20)
    expect(code).to.equal(0)
    expect(JSON.parse(text)).to.deep.equal({
      pools: [{ id: 'dedicated_nvme', units: 'bytes', granularity: 1e12, quantity: 20, free: 20 }],
    })
  })

  it('makes a persistent buffer, lists it, and removes it', async () => {
    await untilFree(20)
    const created = await call(
      'create_persistent',
      '-c CLI -t mytest -u 1001 -C dedicated_nvme:2TB -a striped -T scratch',
    )
    expect(created).to.deep.equal({ code: 0, text: 'created\n' })
    const { sessions } = (await json('show_sessions')) as { sessions: { id: number; token: string; owner: number }[] }
    expect(sessions.map(({ token, owner }) => ({ token, owner }))).to.deep.equal([{ token: 'mytest', owner: 1001 }])
    const { instances } = (await json('show_instances')) as { instances: { id: number; capacity: object }[] }
    expect(instances[0]!.capacity).to.deep.equal({ bytes: 2e12, nodes: 2 })
    const { configurations } = (await json('show_configurations')) as { configurations: { links: object }[] }
    expect(configurations[0]!.links).to.deep.equal({ instance: instances[0]!.id })
    expect((await run('dwstat', ['instances'])).text).to.match(/mytest/)
    expect(await call('teardown', '--token mytest --hurry')).to.deep.equal({ code: 0, text: '' })
    expect(await call('teardown', '--token mytest')).to.deep.equal({ code: 1, text: tokenNotFound('mytest') })
  })

  it('takes a job through all of its calls', async () => {
    await untilFree(20)
    const script = join(directory, 'job')
    const nodes = join(directory, 'nodes')
    const pathFile = join(directory, 'paths')
    writeFileSync(script, '#!/bin/sh\n#DW jobdw capacity=3TB access_mode=striped type=scratch\nhostname\n')
    writeFileSync(nodes, 'c1\nc2\n')
    const job = `--token 347 --job ${script}`
    const done = { code: 0, text: '' }
    expect(await call('job_process', `--job ${script}`)).to.deep.equal(done)
    const setup = `${job} --caller SLURM --user 1001 --groupid 1001 --capacity dedicated_nvme:3TB`
    expect(await call('setup', setup)).to.deep.equal(done)
    expect(await call('data_in', job)).to.deep.equal(done)
    expect(await json('real_size', '--token 347')).to.deep.equal({ token: '347', capacity: 3e12, units: 'bytes' })
    expect(await call('paths', `${job} --pathfile ${pathFile}`)).to.deep.equal(done)
    expect(readFileSync(pathFile, 'utf8')).to.match(/^DW_JOB_STRIPED=\/mnt\/burstbuffer\/347\.[0-9]+\/striped\/\n$/)
    expect(await call('pre_run', `${job} --nodehostnamefile ${nodes}`)).to.deep.equal(done)
    const mounted = await bbctl<BufferDetail>('show', '347')
    expect(mounted.mounts.map(({ host, state }) => `${host} ${state}`)).to.deep.equal(['c1 mounted', 'c2 mounted'])
    expect(new Set(mounted.brickList.map(({ host }) => host)).size).to.equal(3)
    expect(await call('post_run', job)).to.deep.equal(done)
    expect(await call('data_out', job)).to.deep.equal(done)
    expect(await call('teardown', job)).to.deep.equal(done)
    await untilFree(20)
  })

  it('answers bbctl', async () => {
    const { hosts } = await bbctl<StatusView>('status')
    expect(hosts).to.deep.equal({ alive: 5, lost: [], cordoned: [] })
  })

  it('refuses what it does not know, naming what it does', async () => {
    const { code, text } = await call('make_coffee', '')
    expect(code).to.equal(1)
    expect(text).to.contain(unknownFunction('make_coffee', []).trim())
  })

  it('says in one line that etcd is missing', async () => {
    const tsx = createRequire(import.meta.url).resolve('tsx')
    const argv = ['--import', `file://${tsx}`, 'src/standalone/main.ts']
    const { code, text } = await execute(process.execPath, argv, { PATH: directory })
    expect(code).to.equal(1)
    expect(text).to.equal(`${noEtcd()}\n`)
  })

  function call(name: string, words: string) {
    return run('dw_wlm_cli', ['--function', name, ...words.split(' ').filter((word) => word !== '')])
  }

  async function json(name: string, words = ''): Promise<unknown> {
    return JSON.parse((await call(name, words)).text)
  }

  async function bbctl<T>(...words: string[]): Promise<T> {
    const argv = ['--import', 'tsx', 'src/cli/bbctl.ts', '--json', ...words]
    return JSON.parse((await execute(process.execPath, argv, { BURSTBUFFER_SOCKET: socket })).text) as T
  }

  /** Devices come with their hosts' agents, and come back when they have been wiped. */
  async function untilFree(count: number): Promise<{ code: number; text: string }> {
    for (;;) {
      const reply = await run('fakewarp', ['--function', 'pools'])
      if (reply.text.includes(`"free":${count}}`)) return reply
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  function run(program: string, words: string[]) {
    return execute(join(directory, program), words, { BURSTBUFFER_SOCKET: socket })
  }
})

/** Both streams as one, as slurmctld reads them. */
function execute(program: string, argv: string[], environment: object): Promise<{ code: number; text: string }> {
  return new Promise((resolve) => {
    execFile(program, argv, { env: { ...process.env, ...environment } }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, text: stdout + stderr })
    })
  })
}

function untilSaid(child: ChildProcess, words: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    const take = (chunk: Buffer) => {
      said += chunk.toString()
      if (said.includes(words)) resolve(said)
    }
    child.stdout!.on('data', take)
    child.stderr!.on('data', take)
    child.on('close', () => reject(new Error(`it ended: ${said}`)))
  })
}

function has(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
