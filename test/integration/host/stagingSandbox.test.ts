import { expect } from 'chai'
import { execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { taggedProcesses } from '../../../src/agent/host/exec/taggedProcesses.js'
import { notArrived, notBelowStagePaths, notStarted } from '../../../src/agent/host/staging/messages.js'
import { sandboxed, sandboxRoot } from '../../../src/agent/host/staging/sandbox.js'
import { writeReport } from '../../../src/agent/host/staging/report.js'
import { type AsUser, asUser } from '../../../src/agent/host/staging/user.js'
import { quote } from '../../../src/model/names.js'
import { Refusal } from '../../../src/agent/port/host.js'
import { until } from '../../../lab/common/until.js'
import { LoopDevices, needsRoot } from '../../support/loopDevices.js'
import { someone, StagingRig } from '../../support/stagingRig.js'

describe('the sandbox of staging (root)', function () {
  this.timeout(120_000)
  let rig: StagingRig

  before(function () {
    needsRoot(this)
    mkdirSync(sandboxRoot, { recursive: true, mode: 0o700 })
  })

  beforeEach(() => (rig = new StagingRig()))
  afterEach(() => rig.close())

  const userThat = (...sees: string[]) =>
    asUser({ transfer: someone, mark: rig.mark, stallMs: 10_000, priority: 'normal', sees })

  async function said(words: string, ...sees: string[]): Promise<string> {
    const { code, stdout, stderr } = await userThat(...sees).run(['sh', '-c', words])
    return `${stdout.toString()}${stderr}${code === 0 ? '' : `\nexit code ${code}`}`
  }

  /** The copier of that file is stopped in the middle of it: what comes after it in its batch was looked at before. */
  async function whileCopying(name: string, copy: ReturnType<StagingRig['transfer']>, act: () => void): Promise<void> {
    const copiers = async () => (await taggedProcesses(rig.mark, someone.uid)).filter((pid) => isCopying(pid, name))
    await until({ what: `${name} is copied` }, async () => {
      await rig.round(copy)
      return (await copiers()).length > 0
    })
    const stopped = await copiers()
    for (const pid of stopped) process.kill(pid, 'SIGSTOP')
    act()
    for (const pid of stopped) process.kill(pid, 'SIGCONT')
  }

  it('gives a user’s programs the usual umask, whatever the agent’s is', async () => {
    const own = process.umask(0o077)
    try {
      expect(await said('umask')).to.equal('0022\n')
    } finally {
      process.umask(own)
    }
  })

  it('copies nothing of the host through a link that takes the place of a directory while others are copied', async () => {
    rig.as(
      someone,
      'mkdir d; echo mine >d/passwd; truncate -s 64K d/passwd; truncate -s 2G big; printf "$PWD/%s\\n" big d/passwd >list',
    )
    const list = { side: 'outside', path: join(rig.lustre, 'list') } as const
    const line = { type: 'list', list } as const
    await rig.part(rig.transfer({ ...line, part: 'plan' }))
    const copy = rig.transfer({ ...line, part: 'copy' })
    await whileCopying('big', copy, () => rig.as(someone, 'mv d away; ln -s /etc d'))
    const { counts, failures } = await rig.part(copy)
    expect(counts).to.deep.include({ files: 1, failed: 1 })
    const passwd = quote(join(rig.lustre, 'd/passwd'))
    expect(failures[0]).to.equal(notBelowStagePaths(passwd, '/etc/passwd', [rig.lustre]))
    expect(failures[1]).to.match(/passwd.*No such file or directory/)
    const arrived = execFileSync('find', [rig.volume, '-name', 'passwd', '-size', '+0'], { encoding: 'utf8' })
    expect(arrived).to.equal('')
  })

  it('says where a destination leads to that has become a link while others are copied', async () => {
    rig.as(someone, 'mkdir d')
    rig.as(someone, 'echo small >small; fallocate -l 2G big', rig.volume)
    const lines = ['big', 'small'].map((name) => `$DW_JOB_STRIPED/${name} ${rig.lustre}/d/${name}\n`)
    rig.as(someone, `printf '${lines.join('')}' >list`)
    const list = { side: 'outside', path: join(rig.lustre, 'list') } as const
    const line = { type: 'list', list, direction: 'out', outside: rig.lustre } as const
    await rig.part(rig.transfer({ ...line, part: 'plan' }))
    const copy = rig.transfer({ ...line, part: 'copy' })
    await whileCopying('big', copy, () => rig.as(someone, 'mv d away; ln -s /var/tmp d'))
    const error: unknown = await rig.part(copy).catch((error: unknown) => error)
    expect(error).to.be.instanceOf(Refusal)
    const leads = ['big', 'small'].map((name) =>
      notBelowStagePaths(quote(join(rig.lustre, 'd', name)), join('/var/tmp', name), [rig.lustre]),
    )
    expect(leads).to.include((error as Error).message)
  })

  it('writes no report where its folder leads to when that becomes a link between the looks', async () => {
    const victim = join(rig.directory, 'victim')
    mkdirSync(victim)
    chmodSync(victim, 0o777)
    rig.as(someone, 'mkdir d')
    const user = userThat(rig.lustre)
    const between: AsUser = {
      ...user,
      run: async (argv, options) => {
        if (argv[0] === 'dd') rig.as(someone, `rmdir d; ln -s ${victim} d`)
        return user.run(argv, options)
      },
    }
    const transfer = rig.transfer({ report: join(rig.lustre, 'd/report') })
    const sum = { files: 0, bytes: 0, failed: 1, failures: [notArrived('a')] }
    await writeReport({ transfer, user: between, stagePaths: { answering: [rig.lustre], silent: [] } }, sum)
    expect(lstatSync(join(rig.lustre, 'd')).isSymbolicLink()).to.equal(true)
    expect(readdirSync(victim)).to.deep.equal([])
  })

  it('takes no word of what starts a program for a word of the program’s', async () => {
    const user = userThat(rig.lustre)
    for (const running of [user.run(['no-such-program']), user.ok(['no-such-program'])]) {
      const error: unknown = await running.catch((error: unknown) => error)
      expect(error).to.be.instanceOf(Error).and.not.instanceOf(Refusal)
      expect((error as Error).message).to.contain('no-such-program was not started')
    }
  })

  describe('over a file system of its own', () => {
    let loops: LoopDevices
    let device: string

    beforeEach(() => {
      loops = new LoopDevices()
      device = loops.add('volume', 320 * 1024 ** 2)
      execFileSync('mkfs.xfs', ['-q', device])
      execFileSync('mount', [device, rig.volume])
      loops.willMount(rig.volume)
      execFileSync('chown', [`${someone.uid}:${someone.gid}`, rig.volume])
    })
    afterEach(async () => {
      await rig.host.close()
      loops.close()
    })

    /** Mounted in no namespace any more. */
    function isFree(): boolean {
      try {
        closeSync(openSync(device, constants.O_RDONLY | constants.O_EXCL))
        return true
      } catch {
        return false
      }
    }

    it('leaves nothing of itself, and the mount to be taken off, when its agent is killed while it copies', async () => {
      rig.as(someone, 'mkdir in; fallocate -l 200M in/big; cd in; seq 2000 | xargs touch')
      const of = { outside: join(rig.lustre, 'in') }
      await rig.part(rig.transfer({ ...of, part: 'plan' }))
      const agent = rig.spawnAgent(rig.transfer({ ...of, part: 'copy' }))
      await until({ what: 'a copier' }, async () => (await taggedProcesses(rig.mark, someone.uid)).length > 0)
      agent.kill('SIGKILL')
      await rig.end(of)
      expect(await taggedProcesses(rig.mark, someone.uid)).to.deep.equal([])
      expect(isFree(), 'before').to.equal(false)
      execFileSync('umount', [rig.volume])
      expect(isFree()).to.equal(true)
    })

    it('lets another mount of the host go while a program runs, whatever its path is named', async () => {
      const other = join(rig.directory, 'o ther\\mount')
      mkdirSync(other)
      execFileSync('mount', ['--move', rig.volume, other])
      const [program, ...words] = sandboxed([rig.lustre], ['sh', '-c', 'echo ready; read line'])
      const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'] })
      try {
        await new Promise((resolve) => child.stdout.once('data', resolve))
        execFileSync('umount', [other])
        expect(isFree()).to.equal(true)
      } finally {
        child.stdin.end()
        await new Promise((resolve) => child.once('close', resolve))
      }
    })
  })

  it('shows a program the system’s own, what it is given, and nothing else', async () => {
    const systems = ['bin', 'dev', 'etc', 'lib', 'lib32', 'lib64', 'libx32', 'sbin', 'usr']
    const seen = (await said('ls -A /', rig.lustre)).trim().split('\n')
    expect(seen.filter((name) => !systems.includes(name))).to.deep.equal(['copyrange', 'tmp'])
    expect((await said('ls -A /tmp', rig.lustre)).trim()).to.equal(rig.directory.split('/').at(-1))
    expect((await said(`ls -A ${rig.directory}`, rig.lustre)).trim()).to.equal('lustre')
    expect((await said('ls -A /dev /etc', rig.lustre)).split('\n').filter((line) => /^[^/]/.test(line))).to.deep.equal([
      'null',
      'ld.so.cache',
    ])
    expect(await said('cat /etc/passwd', rig.lustre)).to.contain('No such file')
    expect(await said(`cd ${rig.lustre}; cat ../../../etc/passwd`, rig.lustre)).to.contain('No such file')
  })

  it('can be written to only where the user may outside of it', async () => {
    for (const place of ['/x', '/dev/x', '/usr/x', '/etc/x', `${rig.directory}/x`])
      expect(await said(`touch ${place}`, rig.lustre), place).to.match(/Read-only file system|Permission denied/)
    // Of all that root itself may write to, nothing else is there.
    const asRoot = ['/x', '/usr/x', `${rig.directory}/x`].map((path) => `! touch ${path} 2>/dev/null`).join(' && ')
    const [program, ...words] = sandboxed([rig.lustre], ['sh', '-c', asRoot])
    execFileSync(program, words)
    expect(await said(`umask; echo a >${rig.lustre}/a; cat ${rig.lustre}/a`, rig.lustre)).to.equal('0022\na\n')
  })

  it('has the user’s groups, also where the name service is not there', async () => {
    const groups = execFileSync('setpriv', ['--reuid=5', '--regid=60', '--init-groups', 'id', '--groups'], {
      encoding: 'utf8',
    })
    expect((await said('id --groups', rig.lustre)).split(/\s+/).sort()).to.deep.equal(groups.split(/\s+/).sort())
  })

  it('finds a stage path that is a link, that lies within another, and one with a blank in its name', async () => {
    const blank = join(rig.lustre, 'a blank')
    const link = join(rig.directory, 'alias')
    mkdirSync(join(blank, 'within'), { recursive: true })
    writeFileSync(join(blank, 'within/file'), 'here')
    symlinkSync(blank, link)
    const paths = [join(blank, 'within'), link, join(rig.directory, 'not-there')]
    expect(await said(`cat "${link}/within/file"`, ...paths)).to.equal('here')
    expect(await said(`cat "${blank}/within/file"`, ...paths)).to.equal('here')
    expect(await said(`ls "${rig.lustre}"`, ...paths)).to.equal('a blank\n')
  })

  it('keeps no other mount of the host busy while a program runs', async () => {
    const other = join(rig.directory, 'other')
    mkdirSync(other)
    execFileSync('mount', ['-t', 'tmpfs', 'other', other])
    const [program, ...words] = sandboxed([rig.lustre], ['sh', '-c', 'echo ready; read line'])
    const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'] })
    try {
      await new Promise((resolve) => child.stdout.once('data', resolve))
      const places = readFileSync(`/proc/${child.pid}/mountinfo`, 'utf8')
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[4]!)
      expect(places).to.include(rig.lustre).and.not.to.include(other)
      expect(
        places.filter((place) => !/^\/($|usr$|lib|bin$|sbin$|copyrange$|dev\/null$|etc\/ld)/.test(place)),
      ).to.deep.equal([rig.lustre])
    } finally {
      child.stdin.end()
      await new Promise((resolve) => child.once('close', resolve))
      execFileSync('umount', [other])
    }
  })

  it('runs nothing without a sandbox', async () => {
    const failing = async (...sees: string[]) => {
      const error: unknown = await userThat(...sees)
        .run(['touch', join(rig.lustre, 'ran')])
        .catch((error: unknown) => error)
      return (error as Error).message
    }
    expect(await failing(rig.lustre, '/')).to.contain(
      notStarted('touch', 'sandbox: cannot give a program the whole host: /'),
    )
    rmSync(sandboxRoot, { recursive: true })
    expect(await failing(rig.lustre)).to.contain(notStarted('touch', 'sandbox: cannot mount'))
    mkdirSync(sandboxRoot, { mode: 0o700 })
    expect(execFileSync('ls', [rig.lustre], { encoding: 'utf8' })).to.equal('')
  })
})

function isCopying(pid: number, name: string): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    return words[0] === 'rsync' && words.some((word) => word.endsWith(`/${name}`))
  } catch {
    return false
  }
}
