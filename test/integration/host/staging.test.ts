import { expect } from 'chai'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { needsRoot } from '../../support/loopDevices.js'
import { someone, StagingRig } from '../../support/stagingRig.js'

describe('staging on real files (root)', function () {
  this.timeout(300_000)
  let rig: StagingRig

  before(function () {
    needsRoot(this)
  })

  beforeEach(() => (rig = new StagingRig()))
  afterEach(() => rig.close())

  /** Everything that has to survive, one line a thing: type, mode, links, bytes, blocks or not, time, target, name. */
  function picture(root: string): string[] {
    const format = '%y %m %n %s %TY-%Tm-%Td %TT %l %P\\0'
    const found = execFileSync('find', [root, '-mindepth', '1', '-printf', format], { encoding: 'latin1' })
    return found.split('\0').filter(Boolean).sort()
  }

  it('keeps links of both kinds, modes, times, attributes, holes, pipes, and every name that there can be', async () => {
    rig.as(
      someone,
      `mkdir -p tree/closed "tree/new
line" tree/empty tree/deep/er
      echo a >tree/a; ln tree/a tree/deep/b; ln tree/a tree/deep/er/c
      ln -s ../../nowhere tree/dangling; ln -s a tree/link
      echo x >'tree/new
line/x'; echo q >"tree/it's \\"quoted\\""; echo d >tree/-n; echo d >tree/--delete; echo h >'tree/#no comment'; echo s >'tree/;nor this'
      echo u >$'tree/\\xff\\xfe'; echo b >'tree/back\\slash'; echo st >'tree/*'
      truncate -s 100M tree/sparse; echo end >>tree/sparse
      mkfifo tree/pipe; echo r >tree/closed/r; chmod 500 tree/closed; chmod 4711 tree/a; chmod 2750 tree/deep
      setfattr -n user.colour -v red tree/a 2>/dev/null || true
      touch -hd '2001-02-03 04:05:06.789' tree/link tree/a tree/empty tree/closed tree`,
    )
    const { counts, failures } = await rig.all({ outside: join(rig.lustre, 'tree'), inside: 'data' })
    expect(failures).to.deep.equal([])
    expect(counts.failed).to.equal(0)
    expect(picture(join(rig.volume, 'data'))).to.deep.equal(picture(join(rig.lustre, 'tree')))
    const copied = (name: string) => statSync(join(rig.volume, 'data', name))
    expect(copied('deep/b').ino).to.equal(copied('deep/er/c').ino)
    expect(copied('sparse').blocks * 512).to.be.lessThan(1024 * 1024)
    expect([copied('a').uid, copied('a').gid]).to.deep.equal([someone.uid, someone.gid])
    await rig.end({ outside: join(rig.lustre, 'tree'), inside: 'data' })
    expect(readdirSync(rig.volume)).to.deep.equal(['data'])
  })

  it('copies out what was copied in, from a buffer to a directory that is made', async () => {
    rig.as(someone, 'mkdir -p a/b; for i in $(seq 300); do echo $i >a/b/$i; done', rig.volume)
    const out = {
      direction: 'out',
      inside: 'a',
      outside: join(rig.lustre, 'results/new'),
      share: { index: 0, of: 3 },
    } as const
    const { counts } = await rig.all(out)
    expect(counts).to.deep.include({ files: 300, totalFiles: 300, failed: 0 })
    await rig.end(out)
    expect(picture(join(rig.lustre, 'results/new'))).to.deep.equal(picture(join(rig.volume, 'a')))
    expect(readdirSync(rig.volume)).to.deep.equal(['a'])
  })

  it('copies one file under another name', async () => {
    rig.as(someone, 'echo data >input.dat')
    await rig.all({ type: 'file', outside: join(rig.lustre, 'input.dat'), inside: 'x/y' })
    expect(readFileSync(join(rig.volume, 'x/y'), 'utf8')).to.equal('data\n')
    await rig.all({ type: 'file', direction: 'out', inside: 'x/y', outside: join(rig.lustre, 'output.dat') })
    expect(readFileSync(join(rig.lustre, 'output.dat'), 'utf8')).to.equal('data\n')
    expect(existsSync(join(rig.lustre, 'x'))).to.equal(false)
  })
})
