import { expect } from 'chai'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { DesiredTransfer } from '../../../src/model/documents/transfer.js'
import { endTagged } from '../../../src/agent/host/exec/taggedProcesses.js'
import { changedMeanwhile } from '../../../src/agent/host/staging/messages.js'
import { needsRoot } from '../../support/loopDevices.js'
import { someone, StagingRig } from '../../support/stagingRig.js'
import { randomOf } from '../../support/random.js'

const MB = 1024 ** 2

describe('a large file, copied in ranges by several hosts (root)', function () {
  this.timeout(300_000)
  let rig: StagingRig

  before(function () {
    needsRoot(this)
  })

  beforeEach(() => (rig = new StagingRig({ smallestRange: MB })))
  afterEach(() => rig.close())

  const share = { index: 0, of: 3 }
  const into = (parts: Partial<DesiredTransfer> = {}) => ({
    outside: join(rig.lustre, 'tree'),
    inside: 'data',
    ranges: true as const,
    share,
    ...parts,
  })
  const from = (parts: Partial<DesiredTransfer> = {}) => into({ direction: 'out', ...parts })
  const notes = () => join(rig.volume, `.burstbuffer-${rig.session.id}.1/1`)
  const copied = () => readdirSync(notes()).filter((name) => /^share-\d+\.\d+\.done$/.test(name))

  /** Data, a hole, data that does not end at a whole block, and a hole at the end. */
  const make = (at: string) =>
    rig.as(
      someone,
      `mkdir -p ${at}/'sub dir' && cd ${at}/'sub dir'
      head -c 5000000 /dev/urandom >$'large\\xff'; truncate -s 9000000 $'large\\xff'
      head -c 3000001 /dev/urandom | dd of=$'large\\xff' oflag=append conv=notrunc status=none; truncate -s 20000000 $'large\\xff'
      head -c 7000000 /dev/urandom >whole; setfattr -n user.colour -v blue whole 2>/dev/null || true
      setfacl -m u:9:r whole; echo small >../small; chmod 640 whole
      touch -d '2001-02-03 04:05:06.123456789' whole $'large\\xff' . ..`,
    )

  /** Every file with its sum, size, mode, attributes, time, and whether it has holes. */
  function picture(root: string): string {
    const show = `find . -mindepth 1 -printf '%m %s %T@ %P\\n' | sort; find . -type f -exec md5sum {} + | sort
      find . -type f -print0 | sort -z | xargs -0 getfattr -dh -m '^user'
      find . -type f -print0 | sort -z | xargs -0 getfacl -n
      find . -type f -printf '%P %s %b\\n' | sort | awk '{ print $1, ($NF * 512 < $(NF - 1)) }'`
    return execFileSync('bash', ['-c', show], { cwd: root, encoding: 'latin1' })
  }

  const dropCaches = () => {
    execFileSync('sync')
    writeFileSync('/proc/sys/vm/drop_caches', '3')
  }

  it('is the same byte by byte, with its holes and attributes, in and out', async () => {
    make('tree')
    const before = picture(join(rig.lustre, 'tree'))
    const { counts, failures } = await rig.all(into())
    expect(failures).to.deep.equal([])
    expect(counts).to.include({ files: 3, bytes: 27_000_006, failed: 0 })
    expect(copied().length, 'batches').to.be.greaterThan(6)
    await rig.end(into())
    dropCaches()
    expect(picture(join(rig.volume, 'data'))).to.equal(before)
    rig.as(someone, 'mv tree before')
    const back = await rig.all(from({ verify: true }))
    expect(back).to.deep.include({ failures: [] })
    await rig.end(from())
    dropCaches()
    expect(picture(join(rig.lustre, 'tree'))).to.equal(before)
  })

  it('never looks complete before all its ranges are copied', async () => {
    make('tree')
    const transfer = rig.transfer(into())
    await rig.part({ ...transfer, part: 'plan' })
    const file = join(rig.volume, 'data/sub dir/whole')
    const source = statSync(join(rig.lustre, 'tree/sub dir/whole'))
    for (const index of [0, 1, 2]) {
      expect(statSync(file).mtimeMs).to.not.equal(source.mtimeMs)
      await rig.part({ ...transfer, part: 'copy', share: { index, of: 3 } })
    }
    expect(statSync(file).mtimeMs).to.not.equal(source.mtimeMs)
    await rig.part({ ...transfer, part: 'finish' })
    expect(statSync(file).mtimeMs).to.equal(source.mtimeMs)
    await rig.end(into())
    rig.as(someone, 'mv tree before')
    const out = rig.transfer(from())
    await rig.part({ ...out, part: 'plan' })
    for (const index of [0, 1, 2]) await rig.part({ ...out, part: 'copy', share: { index, of: 3 } })
    expect(existsSync(join(rig.lustre, 'tree/sub dir/whole'))).to.equal(false)
    await rig.part({ ...out, part: 'finish' })
    expect(existsSync(join(rig.lustre, 'tree/sub dir/whole'))).to.equal(true)
  })

  it('is no file of a time that a draft has, or that cannot be counted: such a one is copied whole', async () => {
    rig.as(
      someone,
      `mkdir tree && cd tree
      for name in @0.5 @-86400 @17000000000; do head -c 7000000 /dev/urandom >"$name"; touch -d "$name" "$name"; done`,
    )
    const before = picture(join(rig.lustre, 'tree'))
    const transfer = rig.transfer(into())
    // As when the agent dies before it has noted what it has scanned.
    await rig.part({ ...transfer, part: 'plan' })
    rmSync(join(notes(), 'plan.json'))
    const { counts, failures } = await rig.all(into())
    expect(failures).to.deep.equal([])
    expect(counts).to.include({ files: 3, bytes: 21_000_000, failed: 0 })
    await rig.end(into())
    expect(picture(join(rig.volume, 'data'))).to.equal(before)
  })

  it('may be finished twice, though it is read-only then', async () => {
    make('tree')
    rig.as(someone, `chmod 400 tree/'sub dir'/*`)
    const before = picture(join(rig.lustre, 'tree'))
    expect(await rig.all(into())).to.deep.include({ failures: [] })
    rmSync(join(notes(), 'finish.done'))
    expect(await rig.all(into())).to.deep.include({ failures: [] })
    await rig.end(into())
    expect(picture(join(rig.volume, 'data'))).to.equal(before)
  })

  it('is a single file, under another name too', async () => {
    make('tree')
    const outside = join(rig.lustre, 'tree/sub dir/whole')
    const { counts } = await rig.all(into({ type: 'file', outside, inside: 'data/named' }))
    expect(counts).to.include({ files: 1, bytes: 7_000_000, failed: 0 })
    execFileSync('cmp', [outside, join(rig.volume, 'data/named')])
    expect(statSync(join(rig.volume, 'data/named')).mtimeMs).to.equal(statSync(outside).mtimeMs)
    expect(copied().length).to.be.greaterThan(3)
  })

  it('fails when it changes between its ranges, and is not taken for complete', async () => {
    make('tree')
    const transfer = rig.transfer(into())
    await rig.part({ ...transfer, part: 'plan' })
    await rig.part({ ...transfer, part: 'copy' })
    const file = join(rig.lustre, 'tree/sub dir/whole')
    rig.as(someone, `echo more | dd of='tree/sub dir/whole' conv=notrunc status=none`)
    for (const index of [1, 2]) await rig.part({ ...transfer, part: 'copy', share: { index, of: 3 } })
    const { counts, failures } = await rig.part({ ...transfer, part: 'finish' })
    expect(failures).to.deep.equal([changedMeanwhile('sub dir/whole')])
    expect(counts).to.include({ files: 2, failed: 1 })
    expect(statSync(join(rig.volume, 'data/sub dir/whole')).mtimeMs).to.not.equal(statSync(file).mtimeMs)
  })

  it('fails when it changes after its last range', async () => {
    make('tree')
    const transfer = rig.transfer(from({ inside: '', outside: join(rig.lustre, 'back') }))
    rig.as(someone, 'head -c 4000000 /dev/urandom >whole', rig.volume)
    await rig.part({ ...transfer, part: 'plan' })
    for (const index of [0, 1, 2]) await rig.part({ ...transfer, part: 'copy', share: { index, of: 3 } })
    utimesSync(join(rig.volume, 'whole'), 1, 1)
    const { failures } = await rig.part({ ...transfer, part: 'finish' })
    expect(failures).to.deep.equal([changedMeanwhile('whole')])
    expect(existsSync(join(rig.lustre, 'back/whole'))).to.equal(false)
  })

  it('is not copied again when it is there, and replaces whatever else is there', async () => {
    make('tree')
    await rig.all(into())
    await rig.end(into())
    await rig.all(into())
    expect(readFileSync(join(notes(), 'share-0.json'), 'latin1')).to.not.contain('"range"')
    await rig.end(into())
    rig.as(someone, `cd 'data/sub dir' && rm whole && ln -s ../../away whole && echo kept >../../away`, rig.volume)
    const { counts } = await rig.all(into())
    expect(counts.failed).to.equal(0)
    execFileSync('cmp', [join(rig.lustre, 'tree/sub dir/whole'), join(rig.volume, 'data/sub dir/whole')])
    expect(readFileSync(join(rig.volume, 'away'), 'utf8')).to.equal('kept\n')
  })

  it('goes on range by range when agents are killed at random moments: what is noted is not copied again', async () => {
    make('tree')
    const random = randomOf(7)
    const before = picture(join(rig.lustre, 'tree'))
    const transfer = rig.transfer(into())
    await rig.part({ ...transfer, part: 'plan' })
    const noted = new Map<string, number>()
    for (let round = 0; round < 8; round++) {
      const agent = rig.spawnAgent({ ...transfer, part: 'copy', share: { index: round % 3, of: 3 } })
      const ended = once(agent, 'exit')
      const count = copied().length
      // Killed when it has noted one more, and then at a random moment within the next ones.
      while (agent.exitCode === null && copied().length === count) await Promise.race([ended, pause(2)])
      await pause(random.below(60))
      agent.kill('SIGKILL')
      await ended
      await endTagged(rig.mark, someone.uid)
      for (const name of copied()) {
        const { mtimeMs } = statSync(join(notes(), name))
        expect(noted.get(name) ?? mtimeMs, name).to.equal(mtimeMs)
        noted.set(name, mtimeMs)
      }
    }
    for (const index of [0, 1, 2]) await rig.part({ ...transfer, part: 'copy', share: { index, of: 3 } })
    for (const [name, at] of noted) expect(statSync(join(notes(), name)).mtimeMs, name).to.equal(at)
    const { counts, failures } = await rig.part({ ...transfer, part: 'finish' })
    expect(failures).to.deep.equal([])
    expect(counts).to.include({ files: 3, failed: 0 })
    await rig.end(into())
    dropCaches()
    expect(picture(join(rig.volume, 'data'))).to.equal(before)
  })
})
