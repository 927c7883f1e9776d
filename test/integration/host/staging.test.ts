import { expect } from 'chai'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { LoopDevices, needsRoot } from '../../support/loopDevices.js'
import { another, someone, StagingRig } from '../../support/stagingRig.js'

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

  it('sets times to the nanosecond, also where another of the same second stands', async () => {
    const make = 'mkdir -p tree/empty; ln -s nowhere tree/link; mkfifo tree/pipe; echo a >tree/file; ls tree/*'
    const times = (of: string) => `touch -hd '2001-02-03 04:05:06.${of}' tree/empty tree/link tree/pipe tree/file`
    rig.as(someone, `${make}; ${times('987654321')}`)
    rig.as(someone, `${make}; ${times('1')}`, rig.volume)
    const { counts } = await rig.all({ outside: join(rig.lustre, 'tree'), inside: 'tree' })
    expect(counts.failed).to.equal(0)
    expect(picture(join(rig.volume, 'tree'))).to.deep.equal(picture(join(rig.lustre, 'tree')))
  })

  describe('on XFS, as bricks are', () => {
    let loops: LoopDevices

    beforeEach(() => {
      loops = new LoopDevices()
      const device = loops.add('brick', 320 * 1024 ** 2)
      execFileSync('mkfs.xfs', ['-q', device])
      execFileSync('mount', [device, rig.volume])
      loops.willMount(rig.volume)
      execFileSync('chown', [`${someone.uid}:${someone.gid}`, rig.volume])
    })
    afterEach(async () => {
      await rig.host.close()
      loops.close()
    })

    /** Attributes and access lists of all that is below, links not followed. */
    function attributes(root: string): string[] {
      const show = `find . -mindepth 1 -print0 | sort -z | xargs -0 sh -c 'getfattr -dh -m "^user" -- "$@"; getfacl -Pn -- "$@"' sh`
      return execFileSync('bash', ['-euc', show], { cwd: root, encoding: 'utf8', stdio: 'pipe' }).split('\n')
    }

    it('keeps extended attributes and access lists of files and directories, in and out', async () => {
      rig.as(
        someone,
        `mkdir -p tree/dir tree/inherits; echo a >tree/a; echo b >tree/readonly; ln tree/a tree/dir/hard; ln -s ../a tree/dir/link
        setfattr -n user.colour -v red tree/a; setfattr -n user.empty tree/a; setfattr -n user.binary -v 0x00ff0a tree/readonly
        setfattr -n user.of -v 'a directory' tree/dir; setfacl -m u:${another.uid}:rw,g:${another.gid}:r,m::rw tree/a
        setfacl -m u:${another.uid}:r tree/readonly; chmod 440 tree/readonly
        setfacl -m d:u:${another.uid}:rwx,d:m::rx,u:${another.uid}:rx tree/inherits; touch tree/inherits/x
        touch -hd '2001-02-03 04:05:06' tree/dir/link tree/a tree/readonly tree/inherits/x tree/dir tree/inherits`,
      )
      const [source, back] = [join(rig.lustre, 'tree'), join(rig.lustre, 'back')]
      const attributed = attributes(source)
      expect(attributed).to.include.members(['user.colour="red"', 'user.of="a directory"', `user:${another.uid}:rw-`])
      expect((await rig.all({ outside: source, inside: 'data' })).failures).to.deep.equal([])
      expect(attributes(join(rig.volume, 'data'))).to.deep.equal(attributed)
      await rig.end({ outside: source, inside: 'data' })
      const out = { direction: 'out', inside: 'data', outside: back } as const
      expect((await rig.all(out)).failures).to.deep.equal([])
      await rig.end(out)
      expect(attributes(back)).to.deep.equal(attributed)
      expect(picture(back)).to.deep.equal(picture(source))
    })

    it('writes no holes: a sparse file takes no more room than its data', async () => {
      rig.as(someone, 'truncate -s 1G sparse; echo middle | dd of=sparse conv=notrunc bs=1M seek=500 status=none')
      expect((await rig.all({ inside: 'data' })).failures).to.deep.equal([])
      const copied = statSync(join(rig.volume, 'data/sparse'))
      expect(copied.size).to.equal(1024 ** 3)
      expect(copied.blocks * 512).to.be.lessThan(1024 ** 2)
    })

    it('replaces a file that may not be written, when what is copied over it is newer', async () => {
      rig.as(someone, 'echo old >a; chmod 400 a')
      await rig.all({ inside: 'data' })
      await rig.end({ inside: 'data' })
      rig.as(someone, 'chmod 600 a; echo newer >a; chmod 400 a')
      expect((await rig.all({ inside: 'data' })).failures).to.deep.equal([])
      expect(readFileSync(join(rig.volume, 'data/a'), 'utf8')).to.equal('newer\n')
    })
  })

  it('links names again, however many files have several and however far apart they are', async () => {
    const make =
      'mkdir first; for i in $(seq 2500); do echo $i >first/$i; done; cp -al first second; cp -al first third'
    rig.as(someone, `mkdir tree; cd tree; ${make}`)
    const { counts } = await rig.all({ outside: join(rig.lustre, 'tree'), share: { index: 0, of: 2 } })
    expect(counts).to.deep.include({ files: 7_500, failed: 0 })
    // A large directory's size tells in which order it was filled.
    const files = (root: string) =>
      picture(root).filter((line) => line.startsWith('f ') && !line.includes('.burstbuffer-'))
    expect(files(rig.volume)).to.deep.equal(files(join(rig.lustre, 'tree')))
    const inode = (folder: string) => statSync(join(rig.volume, folder, '77')).ino
    expect([inode('second'), inode('third')]).to.deep.equal([inode('first'), inode('first')])
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
