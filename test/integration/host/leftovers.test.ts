import { expect } from 'chai'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, chownSync, closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { mountInIt, processInIt } from '../../../src/agent/host/client/messages.js'
import { until } from '../../../lab/common/until.js'
import { realHost } from '../../../src/agent/host/index.js'
import { usersOfMounts } from '../../../src/agent/host/client/mountUsers.js'
import { mountedAt, mountTable } from '../../../src/agent/host/exec/mounts.js'
import { runCommand } from '../../../src/agent/host/exec/run.js'
import { Refusal } from '../../../src/agent/port/host.js'
import { planMount } from '../../../src/agent/plan/mount.js'
import { silentLog } from '../../../src/daemon/log.js'
import { aDesiredMount } from '../../support/desired.js'
import { mountGlusterOver } from '../../support/glusterMount.js'
import { HandClock } from '../../support/handClock.js'
import { LoopDevices, needsRoot } from '../../support/loopDevices.js'

const user = 65_534

/** A real GlusterFS client's mount, and real processes in it. */
describe('what a job leaves in its mount (root)', function () {
  this.timeout(120_000)
  let loops: LoopDevices
  let path: string
  let clock: HandClock
  let started: ChildProcess[]

  before(function () {
    needsRoot(this)
  })
  beforeEach(async () => {
    loops = new LoopDevices()
    path = await mountGlusterOver(loops, '/3', 400 * 1024 ** 2)
    chmodSync(loops.directory, 0o755)
    chmodSync(path, 0o777)
    clock = new HandClock()
    started = []
  })
  afterEach(async () => {
    for (const child of started) child.kill('SIGKILL')
    for (const child of started) await ended(child)
    loops.close()
  })

  const ended = (child: ChildProcess) =>
    until({ what: `the end of process ${child.pid}`, deadlineMs: 10_000 }, () =>
      Promise.resolve(child.exitCode !== null || child.signalCode !== null),
    )

  /** A process in a session of its own that does not mind being told to end; resolves when it is at work. */
  async function start(script: string, uid = user, cwd = '/'): Promise<ChildProcess> {
    const argv = ['-c', `trap '' TERM; ${script}; echo at work; while :; do sleep 1; done`]
    const child = spawn('sh', argv, { cwd, uid, gid: uid, detached: true, stdio: ['ignore', 'pipe', 'ignore'] })
    started.push(child)
    await new Promise((resolve) => child.stdout!.once('data', resolve))
    return child
  }

  let host: ReturnType<typeof realHost>
  const mount = () => aDesiredMount({ path, volume: '3', wanted: 'absent' })
  const begin = () => {
    const leftovers = { graceMs: 30_000, killMs: 10_000, giveUpMs: 60_000 }
    host = realHost({ name: 'c1', pools: {}, mountRoot: loops.directory, leftovers, clock, log: silentLog })
  }
  /** One round of the reconciler: what it would do now, done; the error of the unmount. */
  async function round(wanted: 'absent' | 'present' = 'absent'): Promise<Error | undefined> {
    const document = { ...mount(), wanted }
    const { steps } = planMount(document, await host.observe.mount(document))
    for (const step of steps) {
      const error = await (host.effects[step.kind] as (args: unknown) => Promise<void>)(step).then(
        () => undefined,
        (failed: Error) => failed,
      )
      if (error) return error
    }
    return undefined
  }
  const isMounted = async () => mountedAt(await mountTable(), path) !== undefined
  const isThere = (child: ChildProcess) => child.exitCode === null && child.signalCode === null

  for (const [what, script] of [
    ['a working directory', ':'],
    ['an open file', 'exec 3>"$PWD/open"; cd /'],
    ['a working directory that was renamed and removed', 'mkdir a; cd a; mv ../a ../b; rmdir ../b'],
  ] as const) {
    it(`is told to end after the grace, and then killed: a process with ${what} in it, which ignores TERM`, async () => {
      const child = await start(script, user, path)
      begin()
      const said = String(await round())
      expect(said).to.match(/cannot be unmounted: .*busy/)
      expect(said).to.contain(processInIt(child.pid!, 'sh', user))
      clock.advance(29_000)
      expect(await round()).to.be.instanceOf(Error)
      clock.advance(2_000)
      expect(await round()).to.be.instanceOf(Error)
      expect(isThere(child)).to.equal(true)
      clock.advance(10_000)
      expect(await round()).to.equal(undefined)
      await ended(child)
      expect([child.signalCode, await isMounted()]).to.deep.equal(['SIGKILL', false])
    })
  }

  it('is found by memory of a file alone, by its program, through a bind mount, and in a mount namespace of its own', async () => {
    execFileSync('cp', ['/bin/sleep', join(path, 'program')])
    const program = spawn(join(path, 'program'), ['600'], { cwd: '/', uid: user, gid: user, detached: true })
    started.push(program)
    execFileSync('truncate', ['--size=4096', join(path, 'file')])
    chmodSync(join(path, 'file'), 0o666)
    const code = `import mmap,time;f=open('${path}/file','r+b');m=mmap.mmap(f.fileno(),4096);f.close();print('at work',flush=True);time.sleep(600)`
    const as = { cwd: '/', uid: user, gid: user }
    const mapped = spawn('python3', ['-c', code], { ...as, stdio: ['ignore', 'pipe', 'inherit'] })
    started.push(mapped)
    const elsewhere = join(loops.directory, 'elsewhere')
    mkdirSync(elsewhere)
    const inside = `mount --bind ${path} ${elsewhere}; exec setpriv --reuid=${user} --clear-groups sh -c 'cd ${elsewhere}; echo at work; exec sleep 600'`
    const apart = spawn('unshare', ['--mount', 'sh', '-c', inside], { cwd: '/', stdio: ['ignore', 'pipe', 'ignore'] })
    started.push(apart)
    for (const child of [mapped, apart]) await new Promise((resolve) => child.stdout!.once('data', resolve))
    const { device } = mountedAt(await mountTable(), path)!
    const pids = (await usersOfMounts(new Set([device]), runCommand)).map(({ pid }) => pid)
    expect(pids).to.include.members([program.pid, mapped.pid, apart.pid])
  })

  it('is left alone elsewhere, and where a uid of it is root’s; then the host says that it cannot, naming it', async () => {
    mkdirSync(join(loops.directory, 'mnt-beside'))
    const beside = await start(':', user, join(loops.directory, 'mnt-beside'))
    const root = await start(':', 0, path)
    const argv = [`--ruid=${user}`, 'sh', '-p', '-c', "trap '' TERM; echo at work; while :; do sleep 1; done"]
    const half = spawn('setpriv', argv, { cwd: path, detached: true, stdio: ['ignore', 'pipe', 'ignore'] })
    started.push(half)
    await new Promise((resolve) => half.stdout!.once('data', resolve))
    begin()
    await round()
    clock.advance(50_000)
    expect(await round())
      .to.be.instanceOf(Error)
      .and.not.instanceOf(Refusal)
    clock.advance(60_000)
    const error = await round()
    expect(error).to.be.instanceOf(Refusal)
    expect(String(error)).to.contain(processInIt(root.pid!, 'sh', 0))
    expect([beside, root, half].map(isThere)).to.deep.equal([true, true, true])
    for (const child of [root, half]) {
      process.kill(-child.pid!, 'SIGKILL')
      await ended(child)
    }
    await until({ what: 'the unmount' }, async () => (await round()) === undefined || undefined)
  })

  it('stays while the mount is wanted, and a mount that was wanted again has its grace anew', async () => {
    const child = await start(':', user, path)
    begin()
    await round()
    clock.advance(100_000)
    await round('present')
    expect([isThere(child), await isMounted()]).to.deep.equal([true, true])
    expect(await round()).to.be.instanceOf(Error)
    expect(isThere(child)).to.equal(true)
  })

  it('is taken off below it as its user: a FUSE mount of the user’s, and no other', async () => {
    for (const name of ['users', 'roots']) mkdirSync(join(path, name))
    chownSync(join(path, 'users'), user, user)
    const fuse = openSync('/dev/fuse', 'r+')
    const options = `fd=${fuse},rootmode=40000,user_id=${user},group_id=${user}`
    const stdio = Array.from({ length: fuse + 1 }, (_, index) => (index === fuse ? fuse : ('ignore' as const)))
    execFileSync('mount', ['--internal-only', '-t', 'fuse', '-o', options, 'theirs', join(path, 'users')], { stdio })
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', join(path, 'roots')])
    loops.willMount(join(path, 'roots'))
    begin()
    await round()
    clock.advance(110_000)
    const error = await round()
    expect(error).to.be.instanceOf(Refusal)
    expect(String(error)).to.contain(mountInIt(join(path, 'roots'), 'tmpfs'))
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).to.not.contain(join(path, 'users'))
    closeSync(fuse)
    execFileSync('umount', [join(path, 'roots')])
    expect(await round()).to.equal(undefined)
  })
})
