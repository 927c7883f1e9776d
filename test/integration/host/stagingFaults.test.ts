import { expect } from 'chai'
import { execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { getPriority } from 'node:os'
import { join } from 'node:path'
import { stalled } from '../../../src/agent/host/exec/messages.js'
import { taggedProcesses } from '../../../src/agent/host/exec/taggedProcesses.js'
import { transferRoot } from '../../../src/model/cluster.js'
import type { StagingPriority } from '../../../src/agent/host/staging/priority.js'
import {
  cannotBeStaged,
  contentDiffers,
  fileTooLong,
  inLine,
  leavesBuffer,
  lineTooLong,
  notADirectory,
  notAFile,
  notBelowStagePaths,
  noteForged,
  notesUnprotected,
  notOwnDirectory,
  partTooLong,
  pathTooLong,
  reportCounts,
  rootMayNotStage,
  sizeDiffers,
  stagesNothing,
  unknownUser,
} from '../../../src/agent/host/staging/messages.js'
import { asUser } from '../../../src/agent/host/staging/user.js'
import { escaped, quote } from '../../../src/model/names.js'
import { Refusal } from '../../../src/agent/port/host.js'
import { until } from '../../../lab/common/until.js'
import { LoopDevices, needsRoot } from '../../support/loopDevices.js'
import { another, someone, StagingRig } from '../../support/stagingRig.js'

describe('staging that goes wrong (root)', function () {
  this.timeout(300_000)
  let rig: StagingRig

  before(function () {
    needsRoot(this)
  })

  beforeEach(() => (rig = new StagingRig()))
  afterEach(() => rig.close())

  const running = () => taggedProcesses(rig.mark, someone.uid)

  async function refusal(act: Promise<unknown>): Promise<string> {
    const error: unknown = await act.then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(error, 'it was not refused').to.be.instanceOf(Refusal)
    return (error as Error).message
  }

  describe('because of what is copied', () => {
    it('names the files and directories that the user may not read, and copies the others', async () => {
      rig.as(someone, 'mkdir closed; touch closed/x a b secret; chmod 0 secret closed')
      const { counts, failures } = await rig.all()
      expect(counts).to.deep.include({ files: 2, failed: 2 })
      expect(failures.join('\n'))
        .to.match(/closed.*Permission denied/)
        .and.to.match(/secret.*Permission denied/)
      expect(readdirSync(rig.volume)).to.include.members(['a', 'b'])
    })

    it("does not read what is another user's", async () => {
      chmodSync(rig.lustre, 0o777)
      rig.as(another, 'echo mine >theirs; chmod 600 theirs')
      const { counts, failures } = await rig.all()
      expect(counts.failed).to.equal(1)
      expect(failures[0]).to.match(/theirs.*Permission denied/)
    })

    it('refuses a source that is not there, or a file where a directory is meant', async () => {
      const nowhere = join(rig.lustre, 'nowhere')
      const missing = cannotBeStaged(quote(nowhere), 'No such file or directory')
      expect(await refusal(rig.all({ outside: nowhere }))).to.equal(missing)
      rig.as(someone, 'touch file')
      const outside = join(rig.lustre, 'file')
      const noDirectory = notADirectory(quote(outside), 'regular empty file')
      expect(await refusal(rig.all({ attempt: 2, outside }))).to.equal(noDirectory)
      expect(await refusal(rig.all({ attempt: 3, type: 'file' }))).to.equal(notAFile(quote(rig.lustre), 'directory'))
    })

    it('keeps saying so until something else is wanted', async () => {
      const outside = join(rig.lustre, 'late')
      await refusal(rig.all({ outside }))
      rig.as(someone, 'mkdir late')
      await refusal(rig.all({ outside }))
      expect((await rig.all({ outside, attempt: 2 })).counts.failed).to.equal(0)
    })

    it('refuses a list that is too long to be read whole', async () => {
      rig.as(
        someone,
        `touch a b; (echo ${rig.lustre}/a; head -c 9M /dev/zero | tr '\\0' ' '; echo; echo ${rig.lustre}/b) >list`,
      )
      const list = { side: 'outside', path: join(rig.lustre, 'list') } as const
      const transfer = rig.transfer({ type: 'list', list, outside: undefined } as never)
      expect(await refusal(rig.all(transfer))).to.equal(fileTooLong(list.path, 8 * 1024 * 1024))
    })

    it('notices a file that has vanished since it was found', async () => {
      rig.as(someone, 'touch a b')
      await rig.part(rig.transfer({ part: 'plan' }))
      rig.as(someone, 'rm b')
      await rig.part(rig.transfer({ part: 'copy' }))
      const { counts, failures } = await rig.part(rig.transfer({ part: 'finish' }))
      expect(counts).to.deep.include({ files: 1, failed: 1 })
      expect(failures[0]).to.match(/b.*No such file/)
    })

    it('notices a file that has changed since it was found', async () => {
      rig.as(someone, 'echo a >a; echo b >b')
      await rig.part(rig.transfer({ part: 'plan' }))
      rig.as(someone, 'echo more >>b')
      await rig.part(rig.transfer({ part: 'copy' }))
      const { counts, failures } = await rig.part(rig.transfer({ part: 'finish' }))
      expect(counts.failed).to.equal(1)
      expect(failures[0]).to.equal(sizeDiffers('./b', 2, 7))
    })

    it('finds contents that differ when it is told to, and mends them at the next attempt', async () => {
      const time = "touch -d '2001-02-03' a"
      rig.as(someone, `echo right >a; ${time}`)
      rig.as(someone, `echo wrong >a; ${time}`, rig.volume)
      expect((await rig.all()).counts.failed).to.equal(0)
      const { counts, failures } = await rig.all({ attempt: 2, verify: true, session: rig.session })
      expect(counts.failed).to.equal(0)
      expect(failures).to.deep.equal([])
      expect(readFileSync(join(rig.volume, 'a'), 'utf8')).to.equal('right\n')
      rig.as(someone, `echo wrong >a; ${time}`, rig.volume)
      await rig.end()
      const again = await rig.all({ verify: true })
      expect(again.counts.failed).to.equal(1)
      expect(again.failures[0]).to.equal(contentDiffers('a'))
    })

    it('refuses a destination that the user may not reach at once, by its name', async () => {
      chmodSync(rig.lustre, 0o777)
      rig.as(another, 'mkdir theirs; chmod 700 theirs')
      const outside = join(rig.lustre, 'theirs/no/id')
      for (const type of ['directory', 'file'] as const) {
        const attempt = type === 'directory' ? 1 : 2
        rig.as(someone, 'echo a >a', rig.volume)
        const out = { type, attempt, direction: 'out', inside: type === 'file' ? 'a' : '', outside } as const
        expect(await refusal(rig.all(out))).to.match(/theirs.*Permission denied/)
        await rig.end(out)
      }
      // Closed while it is copied: the notes cannot be read any more.
      rig.as(another, 'chmod 777 theirs')
      await rig.part(rig.transfer({ attempt: 3, direction: 'out', outside, part: 'plan' }))
      rig.as(another, 'chmod 700 theirs')
      const copy = rig.transfer({ attempt: 3, direction: 'out', outside, part: 'copy' })
      expect(await refusal(rig.part(copy))).to.match(/theirs.*Permission denied/)
    })

    it('refuses lines of a list that are longer than any path', async () => {
      const list = { side: 'outside', path: join(rig.lustre, 'list') } as const
      const long = { [`${'x'.repeat(200)}/`]: 1000, 'y/': 3_000, [`${'z'.repeat(300)}`]: 1 }
      const problems = [lineTooLong(8_300), pathTooLong(4_096), partTooLong(255)]
      for (const [index, [text, times]] of Object.entries(long).entries()) {
        writeFileSync(list.path, `${rig.lustre}/${text.repeat(times)}\n`)
        const transfer = rig.transfer({ attempt: index + 1, type: 'list', list, outside: undefined } as never)
        expect(await refusal(rig.all(transfer))).to.equal(inLine(1, quote(list.path), problems[index]!))
      }
    })

    it('refuses to run as root, whatever a document says', async () => {
      expect(await refusal(rig.all({ uid: 0, gid: 0 }))).to.equal(rootMayNotStage())
    })

    it("escapes what is in names before it reaches anybody's terminal", async () => {
      rig.as(someone, "touch a $'b\\n\\e[31mred'")
      await rig.part(rig.transfer({ part: 'plan' }))
      rig.as(someone, "echo more >$'b\\n\\e[31mred'")
      await rig.part(rig.transfer({ part: 'copy' }))
      const { failures } = await rig.part(rig.transfer({ part: 'finish' }))
      const text = sizeDiffers('./b\n\u001b[31mred', 0, 5)
      expect(failures).to.deep.equal([escaped(text)])
      // eslint-disable-next-line no-control-regex
      expect(failures.join('')).not.to.match(/[\u0000-\u001f]/)
    })

    it("copies what merely has the name of a transfer's notes", async () => {
      rig.as(
        someone,
        'mkdir -p .burstbuffer-5.1 deep/.burstbuffer-5.1; echo a >.burstbuffer-5.1/a; echo b >deep/.burstbuffer-5.1/b',
      )
      const { counts } = await rig.all()
      expect(counts).to.deep.include({ files: 2, failed: 0 })
      await rig.end()
      const out = { direction: 'out', outside: join(rig.lustre, 'out') } as const
      expect((await rig.all(out)).counts).to.deep.include({ files: 2, failed: 0 })
      await rig.end(out)
      expect(readdirSync(join(rig.lustre, 'out'))).to.deep.equal(['.burstbuffer-5.1', 'deep'])
    })

    it('passes over the notes of other transfers in the same buffer, which come and go', async () => {
      chmodSync(rig.volume, 0o777)
      rig.as(someone, 'mkdir in; echo a >in/a')
      const others = [someone, another].map((user, index) => ({
        ...user,
        session: { id: 2_000_000 + index * 1_000_000 + (process.pid % 1_000_000), token: '4' },
        outside: join(rig.lustre, 'in'),
        inside: `other${index}`,
      }))
      for (const other of others) await rig.all(other)
      const out = { direction: 'out', outside: join(rig.lustre, 'out') } as const
      expect((await rig.all(out)).counts).to.deep.include({ files: 2, failed: 0 })
      await rig.end(out)
      for (const other of others) await rig.end(other)
      expect(readdirSync(join(rig.lustre, 'out'))).to.deep.equal(['other0', 'other1'])
    })

    it('refuses a user whom this host does not know', async () => {
      expect(await refusal(rig.all({ uid: 29_999 }))).to.equal(unknownUser(29_999))
    })

    it('refuses everything on a host without stage paths', async () => {
      rig.host = rig.agent({ stagePaths: [] })
      await rig.round(rig.transfer()).then(
        () => expect.fail('it was not refused'),
        (error: Error) => expect(error.message).to.equal(stagesNothing()),
      )
      await rig.end()
    })

    it('writes a report for the user, and takes it away when all is well', async () => {
      const report = join(rig.lustre, 'report.txt')
      rig.as(someone, 'mkdir in; touch in/a in/secret; chmod 0 in/secret')
      const parts = { outside: join(rig.lustre, 'in'), report }
      await rig.all(parts)
      expect(readFileSync(report, 'utf8'))
        .to.contain(reportCounts(1, 1))
        .and.to.match(/secret.*Permission denied/)
      expect(statSync(report).uid).to.equal(someone.uid)
      rig.as(someone, 'chmod 600 in/secret')
      expect((await rig.all({ ...parts, attempt: 2 })).counts).to.deep.include({ files: 2, failed: 0 })
      expect(existsSync(report)).to.equal(false)
    })
  })

  describe('because somebody leads it astray', () => {
    it('shows nobody what is in a closed directory, nor its own notes, before its modes are set', async () => {
      rig.as(
        someone,
        'mkdir -p results/private/deep; echo SECRET | tee results/private/data >results/private/deep/data',
        rig.volume,
      )
      rig.as(someone, 'chmod 700 results/private', rig.volume)
      const out = { direction: 'out', inside: 'results', outside: join(rig.lustre, 'out') } as const
      const seen = () =>
        rig.as(another, `find out/private out/.burstbuffer-* 2>&1 || true; cat out/private/data 2>&1 || true`)
      for (const part of ['plan', 'copy'] as const) {
        await rig.part(rig.transfer({ ...out, part }))
        expect(statSync(join(rig.lustre, 'out/private')).mode & 0o777).to.equal(0o700)
        expect(seen()).not.to.contain('SECRET').and.not.to.contain('plan.json')
      }
      await rig.part(rig.transfer({ ...out, part: 'finish' }))
      expect(statSync(join(rig.lustre, 'out/private/deep')).mode & 0o777).to.equal(0o755)
      expect(seen()).not.to.contain('SECRET')
    })

    it('stages only below the stage paths, wherever links lead', async () => {
      const etc = notBelowStagePaths(quote('/etc'), undefined, [rig.lustre])
      expect(await refusal(rig.all({ outside: '/etc' }))).to.equal(etc)
      symlinkSync('/etc', join(rig.lustre, 'link'))
      const leads = (path: string, real: string) => notBelowStagePaths(quote(path), real, [rig.lustre])
      const link = join(rig.lustre, 'link')
      expect(await refusal(rig.all({ attempt: 2, outside: link }))).to.equal(leads(link, '/etc'))
      const outside = join(link, 'new')
      expect(await refusal(rig.all({ attempt: 3, direction: 'out', outside }))).to.equal(leads(outside, '/etc/new'))
    })

    it('does not follow a link out of the buffer', async () => {
      mkdirSync(join(rig.directory, 'victim'))
      chmodSync(join(rig.directory, 'victim'), 0o777)
      symlinkSync(join(rig.directory, 'victim'), join(rig.volume, 'data'))
      rig.as(someone, 'touch a')
      const victim = join(rig.directory, 'victim')
      const leaves = (path: string) => leavesBuffer(quote(`$DW_JOB_STRIPED/data${path}`), victim + path)
      expect(await refusal(rig.all({ inside: 'data/x' }))).to.equal(leaves('/x'))
      expect(await refusal(rig.all({ attempt: 2, direction: 'out', inside: 'data' }))).to.equal(leaves(''))
      expect(readdirSync(join(rig.directory, 'victim'))).to.deep.equal([])
    })

    it("uses only the user's rights where a link is planted between its looks", async () => {
      const victim = join(rig.directory, 'victim')
      mkdirSync(victim)
      writeFileSync(join(victim, 'file'), 'precious')
      rig.as(someone, 'mkdir -p sub; echo bad >sub/file')
      await rig.part(rig.transfer({ part: 'plan' }))
      // The directory that the plan has made becomes a link to one that is root's.
      rig.as(someone, `rmdir sub; ln -s ${victim} sub`, rig.volume)
      await rig.part(rig.transfer({ part: 'copy' }))
      const { counts } = await rig.part(rig.transfer({ part: 'finish' }))
      expect(counts.failed).to.be.greaterThan(0)
      expect(readFileSync(join(victim, 'file'), 'utf8')).to.equal('precious')
      expect(readdirSync(victim)).to.deep.equal(['file'])
      await rig.end()
      expect(readdirSync(victim)).to.deep.equal(['file'])
    })

    it("uses only the user's rights while directories and links take each other's place all the time", async () => {
      const victim = join(rig.directory, 'victim')
      mkdirSync(victim)
      const names = Array.from({ length: 500 }, (_, index) => String(index + 1))
      for (const name of names) writeFileSync(join(victim, name), 'precious', { mode: 0o600 })
      rig.as(someone, 'mkdir sub; for i in $(seq 500); do echo mine >sub/$i; done')
      const swap = `while :; do mv sub away && ln -s ${victim} sub && rm sub && mv away sub || sleep 0.01; done 2>/dev/null`
      const swappers = [rig.lustre, rig.volume].map((cwd) => rig.spawnAs(someone, swap, cwd))
      try {
        for (const attempt of [1, 2]) await rig.all({ attempt }).catch(() => {})
      } finally {
        for (const { pid } of swappers) process.kill(-pid!, 'SIGKILL')
      }
      await rig.end({ attempt: 2 })
      expect(names.filter((name) => readFileSync(join(victim, name), 'utf8') !== 'precious')).to.deep.equal([])
      expect(readdirSync(victim)).to.have.lengthOf(names.length)
      const stolen = `grep --recursive --files-with-matches precious ${rig.volume} ${rig.lustre} || true`
      expect(execFileSync('sh', ['-c', stolen], { encoding: 'utf8' })).to.equal('')
    })

    it("leaves root's and other users' files alone when its work directory is a planted link", async () => {
      const victim = join(rig.directory, 'victim')
      mkdirSync(join(victim, '1'), { recursive: true })
      writeFileSync(join(victim, '1/plan.json'), 'precious')
      const works = join(rig.volume, `.burstbuffer-${rig.session.id}.1`)
      rig.as(someone, `ln -s ${victim} ${works}; touch ${rig.lustre}/a`)
      await rig.part(rig.transfer({ part: 'plan' })).catch(() => {})
      rig.as(someone, `rm -rf ${works}; ln -s ${victim} ${works}`)
      await rig.part(rig.transfer({ part: 'copy' })).catch(() => {})
      await rig.end()
      expect(readFileSync(join(victim, '1/plan.json'), 'utf8')).to.equal('precious')
      expect(readdirSync(victim)).to.deep.equal(['1'])
    })

    describe('in a folder that others may write in too', () => {
      /** Another user of the group that the folder is shared with. */
      const attacker = { uid: another.uid, gid: someone.gid }
      const id = () => `${rig.session.id}.1`
      const inWork = (name: string) => join(transferRoot, id(), `.burstbuffer-${id()}/1`, name)
      const share = (batch: object) =>
        JSON.stringify({ batches: [{ name: 'share-0.0', files: 1, bytes: 1, ...batch }] })
      const plan = JSON.stringify({
        ...{ files: 1, bytes: 1, failed: 0, failures: [], of: 1, largestBytes: 1 },
        shares: [{ files: 1, bytes: 1 }],
      })

      beforeEach(() => {
        rig.as(someone, 'mkdir -p home/.ssh project data; chmod 700 home; umask 077; echo KEY >home/.ssh/id_rsa')
        rig.as(someone, 'echo mine >home/.bashrc; echo a >data/a; chmod 2770 project')
        chmodSync(rig.volume, 0o2770)
      })

      /** Puts a work directory of the attacker's in the place of the transfer's. */
      function forge(folder: string, notes: Record<string, string>): void {
        const work = join(folder, `.burstbuffer-${id()}`)
        rig.as(attacker, `mv ${work} ${work}-away; mkdir -p ${work}/1; chmod -R 777 ${work}`)
        for (const [name, text] of Object.entries({ 'plan.json': plan, ...notes })) {
          rig.as(attacker, `printf '%s' '${text}' >${work}/1/${name}; chmod 666 ${work}/1/${name}`)
        }
      }

      it("does not copy what a forged note says: a user's private file into a file of the attacker's", async () => {
        await rig.part(rig.transfer({ outside: join(rig.lustre, 'data'), part: 'plan' }))
        rig.as(attacker, 'touch stolen; chmod 666 stolen', rig.volume)
        const pair = {
          from: join(rig.lustre, 'home/.ssh/id_rsa'),
          to: join(transferRoot, id(), 'stolen'),
          bytes: 4,
          node: 'c9',
        }
        forge(rig.volume, { 'share-0.json': share({ pairs: [pair] }) })
        const copy = rig.transfer({ outside: join(rig.lustre, 'data'), part: 'copy' })
        const root = join(transferRoot, id(), `.burstbuffer-${id()}`)
        expect(await refusal(rig.part(copy))).to.equal(notOwnDirectory(root))
        expect(rig.as(attacker, 'cat stolen', rig.volume)).to.equal('')
      })

      it("does not write what a forged note says: over a user's own file outside", async () => {
        const out = { direction: 'out', outside: join(rig.lustre, 'project') } as const
        rig.as(someone, 'echo result >result', rig.volume)
        await rig.part(rig.transfer({ ...out, part: 'plan' }))
        rig.as(attacker, 'echo OWNED >evil; chmod 644 evil', rig.volume)
        const pair = {
          from: join(transferRoot, id(), 'evil'),
          to: join(rig.lustre, 'home/.bashrc'),
          bytes: 6,
          node: 'c9',
        }
        forge(out.outside, { 'share-0.json': share({ pairs: [pair] }) })
        await refusal(rig.part(rig.transfer({ ...out, part: 'copy' })))
        expect(readFileSync(join(rig.lustre, 'home/.bashrc'), 'utf8')).to.equal('mine\n')
      })

      it("believes nothing in a directory of the user's own either that the user did not write for this attempt", async () => {
        const transfer = rig.transfer({ outside: join(rig.lustre, 'data') })
        await rig.part({ ...transfer, part: 'plan' })
        const work = `.burstbuffer-${id()}/1`
        const forgeries: Record<string, string> = {
          'without a code': `cd ${work}; printf '%s' '${share({ pairs: [] })}' >share-0.json`,
          'with the code of another note': `cd ${work}; cp plan.json share-0.json`,
          'a pipe, which is not waited for': `cd ${work}; rm share-0.json; mkfifo share-0.json`,
        }
        rig.as(someone, `cp ${work}/share-0.json ../lustre/kept`, rig.volume)
        for (const [what, script] of Object.entries(forgeries)) {
          rig.host = rig.agent()
          rig.as(someone, script, rig.volume)
          expect(await refusal(rig.part({ ...transfer, part: 'copy' })), what).to.equal(
            noteForged(inWork('share-0.json')),
          )
        }
        rig.host = rig.agent()
        rig.as(
          someone,
          `rm ${work}/share-0.json; mv ../lustre/kept ${work}/share-0.json; chmod 755 ${work}`,
          rig.volume,
        )
        expect(await refusal(rig.part({ ...transfer, part: 'copy' }))).to.equal(notOwnDirectory(inWork('')))
      })

      it('refuses lists of names that were changed', async () => {
        const transfer = rig.transfer({ outside: join(rig.lustre, 'data') })
        await rig.part({ ...transfer, part: 'plan' })
        rig.as(someone, `cd .burstbuffer-${id()}/1; sed -i 's,./a,./b,' share-0.0`, rig.volume)
        expect(await refusal(rig.part({ ...transfer, part: 'copy' }))).to.equal(noteForged(inWork('share-0.0')))
      })

      it('writes into no file that somebody else has put there', async () => {
        rig.as(someone, 'chmod 600 data/a')
        rig.as(attacker, 'touch a; chmod 666 a', rig.volume)
        const planted = statSync(join(rig.volume, 'a')).ino
        expect((await rig.all({ outside: join(rig.lustre, 'data') })).counts).to.deep.include({ files: 1, failed: 0 })
        const { ino, uid, mode } = statSync(join(rig.volume, 'a'))
        expect(ino).not.to.equal(planted)
        expect([uid, mode & 0o777]).to.deep.equal([someone.uid, 0o600])
      })

      it('without a key believes notes only where nobody else may put anything in their place', async () => {
        const unkeyed = { outside: join(rig.lustre, 'data'), noteKey: undefined } as never
        const error: unknown = await rig.all(unkeyed).catch((error: unknown) => error)
        expect((error as Error).message).to.equal(notesUnprotected(join(transferRoot, id())))
        chmodSync(rig.volume, 0o700)
        expect((await rig.all(unkeyed)).counts).to.deep.include({ files: 1, failed: 0 })
      })
    })

    it('writes its report neither through a link nor into a pipe, nor outside of the stage paths', async () => {
      const elsewhere = join(rig.directory, 'elsewhere')
      mkdirSync(elsewhere, { mode: 0o777 })
      chmodSync(elsewhere, 0o777)
      rig.as(
        someone,
        `mkdir in; touch in/secret; chmod 0 in/secret; mkfifo pipe; ln -s ${elsewhere} away; ln -s ${elsewhere}/x link`,
      )
      for (const [index, report] of ['pipe', 'link', 'away/report'].entries()) {
        const parts = { outside: join(rig.lustre, 'in'), report: join(rig.lustre, report), attempt: index + 1 }
        expect((await rig.all(parts)).counts.failed).to.equal(1)
      }
      expect(readdirSync(elsewhere)).to.deep.equal([])
    })
  })

  describe('because something dies or is full', () => {
    const many = 'mkdir many; cd many; for i in $(seq 6000); do echo $i >$i; done'

    /** Until some files have been copied, and not all. */
    async function midCopy(): Promise<void> {
      await until({ what: 'the copy is under way' }, async () => {
        const { state, counts } = await rig.round(rig.transfer({ part: 'copy' }))
        return state === 'working' && counts.files > 0 && (await running()).length > 0
      })
    }

    it('finds nothing, and does not end, while a brick is away: its files are silently missing', async () => {
      rig.as(someone, 'echo a >a')
      let online = 0
      const away = new Error('every brick must be online')
      /** For so many looks, from now on. */
      const onlineFor = (looks: number) => {
        online = looks
        rig.host = rig.agent({
          requireAllBricksOnline: () => (online-- > 0 ? Promise.resolve() : Promise.reject(away)),
        })
      }
      const failure = (part: 'plan' | 'finish') => rig.part(rig.transfer({ part })).catch((error: unknown) => error)
      for (const looks of [0, 1]) {
        onlineFor(looks)
        expect(await failure('plan'), `a plan with ${looks} looks that were well`).to.equal(away)
      }
      onlineFor(2)
      expect((await rig.part(rig.transfer({ part: 'plan' }))).counts.totalFiles).to.equal(1)
      await rig.part(rig.transfer({ part: 'copy' }))
      expect(await failure('finish')).to.equal(away)
      onlineFor(1)
      expect((await rig.part(rig.transfer({ part: 'finish' }))).counts).to.deep.include({ files: 1, failed: 0 })
    })

    it('goes on file by file when its copiers were killed', async () => {
      rig.as(someone, many)
      await rig.part(rig.transfer({ part: 'plan' }))
      await midCopy()
      const copied = () => Promise.resolve(readdirSync(join(rig.volume, 'many'))[0])
      const first = await until({ what: 'a file is copied' }, copied)
      for (const pid of await running()) process.kill(pid, 'SIGKILL')
      const before = statSync(join(rig.volume, 'many', first)).ctimeMs
      // The failure is told once, and then it is begun again.
      const error: unknown = await rig.part(rig.transfer({ part: 'copy' })).catch((error: unknown) => error)
      if (error instanceof Error) await rig.part(rig.transfer({ part: 'copy' }))
      const { counts } = await rig.part(rig.transfer({ part: 'finish' }))
      expect(counts).to.deep.include({ files: 6000, failed: 0 })
      expect(statSync(join(rig.volume, 'many', first)).ctimeMs).to.equal(before)
    })

    it('goes on file by file when the agent itself was killed: no process is left, and nothing is copied twice', async () => {
      rig.as(someone, many)
      await rig.part(rig.transfer({ part: 'plan' }))
      const agent = rig.spawnAgent(rig.transfer({ part: 'copy' }))
      const copies = join(rig.volume, 'many')
      await until({ what: 'files are copied' }, () => Promise.resolve(readdirSync(copies).length > 0))
      const died = new Promise((resolve) => agent.on('exit', resolve))
      agent.kill('SIGKILL')
      await died
      await until({ what: 'no copier is left' }, async () => (await running()).length === 0)
      const changedAt = (name: string) => statSync(join(copies, name)).ctimeMs
      const whole = readdirSync(copies).filter((name) => {
        const [copy, source] = [statSync(join(copies, name)), statSync(join(rig.lustre, 'many', name))]
        return copy.size === source.size && Math.abs(copy.mtimeMs - source.mtimeMs) < 1
      })
      expect(whole.length).to.be.within(1, 5999)
      const before = whole.map(changedAt)
      await rig.part(rig.transfer({ part: 'copy' }))
      const { counts } = await rig.part(rig.transfer({ part: 'finish' }))
      expect(counts).to.deep.include({ files: 6000, failed: 0 })
      expect(whole.map(changedAt)).to.deep.equal(before)
      expect(execFileSync('diff', ['-r', copies, join(rig.lustre, 'many')], { encoding: 'utf8' })).to.equal('')
    })

    it('is ended at once when it is not wanted any more, and leaves nothing but what was copied', async () => {
      rig.as(someone, many)
      await rig.part(rig.transfer({ part: 'plan' }))
      await midCopy()
      await rig.end()
      expect(await running()).to.deep.equal([])
      expect(readdirSync(rig.volume)).to.deep.equal(['many'])
      expect(existsSync(join(transferRoot, `${rig.session.id}.1`))).to.equal(false)
    })

    it('ends what an agent that died has left, before it begins', async () => {
      rig.as(someone, 'touch a')
      const [name, value] = rig.mark.split('=') as [string, string]
      const stray = spawn('sleep', ['1000'], { env: { PATH: process.env['PATH']!, [name]: value } })
      const ended = new Promise((resolve) => stray.on('exit', resolve))
      await until({ what: 'a stray process' }, async () => (await running()).length === 1)
      await rig.part(rig.transfer({ part: 'plan' }))
      await ended
    })

    it('ends a copier that says nothing for long, and begins it again', async () => {
      rig.host = rig.agent({ stallMs: 8_000 })
      rig.as(someone, many)
      await rig.part(rig.transfer({ part: 'plan' }))
      await midCopy()
      for (const pid of await running()) process.kill(pid, 'SIGSTOP')
      const error: unknown = await rig.part(rig.transfer({ part: 'copy' })).catch((error: unknown) => error)
      expect(String(error)).to.contain(stalled(8))
      rig.host = rig.agent()
      await rig.part(rig.transfer({ part: 'copy' }))
      expect((await rig.part(rig.transfer({ part: 'finish' }))).counts.files).to.equal(6000)
    })

    it('takes CPU and disks after what serves buffers, as the settings say', async () => {
      const mark = rig.mark
      const said = async (priority: StagingPriority) => {
        const user = asUser({ transfer: someone, mark, stallMs: 10_000, priority, sees: [] })
        const { stdout } = await user.ok(['sh', '-c', 'nice; ionice'])
        return stdout.toString().trim().split('\n')
      }
      const own = getPriority()
      expect(await said('low')).to.deep.equal([String(Math.min(19, own + 10)), 'best-effort: prio 7'])
      expect(await said('idle')).to.deep.equal(['19', 'idle'])
      expect((await said('normal'))[0]).to.equal(String(own))
    })

    describe('while another transfer has every slot and does not move', () => {
      const other = { session: { id: 2_000_000 + (process.pid % 1_000_000), token: '4' }, outside: '' }
      const small = () => ({ ...other, outside: join(rig.lustre, 'small'), inside: 'small' })

      async function holdEverySlot(): Promise<void> {
        rig.host = rig.agent({ quietMs: 2_000 })
        rig.as(someone, 'mkdir many small; echo a >small/a; cd many; seq 40000 | xargs touch')
        await rig.part(rig.transfer({ ...small(), part: 'plan' }))
        await rig.part(rig.transfer({ outside: join(rig.lustre, 'many'), inside: 'many', part: 'plan' }))
        const copy = rig.transfer({ outside: join(rig.lustre, 'many'), inside: 'many', part: 'copy' })
        await until({ what: 'four copiers' }, async () => {
          await rig.round(copy)
          return (await copiers()).length >= 4
        })
        for (const pid of await running()) process.kill(pid, 'SIGSTOP')
      }
      const copiers = async () =>
        (await running()).filter((pid) => {
          try {
            const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
            return words[0] === 'rsync' && words.some((word) => word.startsWith('--files-from='))
          } catch {
            return false
          }
        })
      afterEach(async () => {
        await rig.end(small())
        await rig.end({ outside: join(rig.lustre, 'many'), inside: 'many' })
      })

      it('is ended at once when it only waits for its turn', async () => {
        await holdEverySlot()
        await rig.round(rig.transfer({ ...small(), part: 'copy' }))
        await rig.end(small())
        expect(await copiers(), 'the others are held still').to.have.lengthOf.at.least(4)
      })

      it('gets the slot of one that has done nothing for long', async () => {
        await holdEverySlot()
        const { counts } = await rig.part(rig.transfer({ ...small(), part: 'copy' }))
        expect(counts).to.deep.include({ files: 1, failed: 0 })
        expect(await copiers(), 'the others are held still').to.have.lengthOf.at.least(4)
      })
    })

    describe('on a volume without room', () => {
      let loops: LoopDevices

      beforeEach(() => {
        loops = new LoopDevices()
        const device = loops.add('full', 320 * 1024 ** 2)
        execFileSync('mkfs.xfs', ['-q', device])
        execFileSync('mount', [device, rig.volume])
        loops.willMount(rig.volume)
        execFileSync('chown', [`${someone.uid}:${someone.gid}`, rig.volume])
      })
      afterEach(() => loops.close())

      it('says that there is no space, and can still be staged out', async () => {
        rig.as(someone, 'mkdir in; for i in 1 2 3 4; do head -c 100M /dev/zero | tr "\\\\0" x >in/$i; done')
        const full = await refusal(rig.all({ outside: join(rig.lustre, 'in') }))
        expect(full).to.match(/the destination is full: .*No space left on device/)
        await rig.end()
        rig.as(someone, 'dd if=/dev/zero of=rest bs=64k 2>/dev/null || true; echo x >tiny || true', rig.volume)
        const out = { direction: 'out', outside: join(rig.lustre, 'out') } as const
        const rescued = await rig.all(out)
        expect(rescued.failures).to.deep.equal([])
        await rig.end(out)
        expect(readdirSync(join(rig.lustre, 'out'))).to.deep.equal(readdirSync(rig.volume))
      })
    })
  })
})
