import { expect } from 'chai'
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { cannotBeStaged, leavesBuffer } from '../../../src/agent/host/staging/messages.js'
import { ofNode } from '../../../src/agent/host/staging/noteFormats.js'
import { transferRoot } from '../../../src/model/cluster.js'
import { needsRoot } from '../../support/loopDevices.js'
import { someone, StagingRig } from '../../support/stagingRig.js'

describe('staging of the nodes’ own namespaces (root)', function () {
  this.timeout(300_000)
  let rig: StagingRig
  const nodes = { variable: 'DW_JOB_PRIVATE', directory: '/private', nodes: ['c1', 'c2', 'c3'] }

  before(function () {
    needsRoot(this)
  })

  beforeEach(() => {
    rig = new StagingRig()
    chownSync(rig.volume, 0, 0)
    chmodSync(rig.volume, 0o711)
    mkdirSync(join(rig.volume, 'private'), { mode: 0o711 })
    for (const own of ['template', ...nodes.nodes.map((node) => `private/${node}`)]) {
      mkdirSync(join(rig.volume, own), { mode: 0o700 })
      chownSync(join(rig.volume, own), someone.uid, someone.gid)
    }
  })
  afterEach(() => rig.close())

  const inNode = (node: string, ...path: string[]) => join(rig.volume, 'private', node, ...path)
  const read = (...path: string[]) => readFileSync(join(...path), 'utf8')

  it('fills every node’s from the template, with links, modes and times, and leaves no notes', async () => {
    rig.as(
      someone,
      `mkdir -p a/deep; for i in $(seq 50); do echo $i >a/deep/$i; done
      ln a/deep/1 a/linked; ln -s deep/2 a/link; chmod 640 a/deep/3; chmod 750 a/deep; touch -d '2001-02-03' a/deep/4 a/deep`,
      join(rig.volume, 'template'),
    )
    const fill = { ...nodes, direction: 'fill', template: '/template', share: { index: 0, of: 2 } } as const
    const { counts, failures } = await rig.all(fill)
    expect(failures).to.deep.equal([])
    expect(counts).to.deep.include({ files: 156, totalFiles: 156, failed: 0 })
    await rig.end(fill)
    for (const node of nodes.nodes) {
      expect(read(inNode(node, 'a/link'))).to.equal('2\n')
      expect(statSync(inNode(node, 'a/linked')).ino).to.equal(statSync(inNode(node, 'a/deep/1')).ino)
      expect(statSync(inNode(node, 'a/deep/3')).mode & 0o777).to.equal(0o640)
      expect(statSync(inNode(node, 'a/deep')).mode & 0o777).to.equal(0o750)
      expect(statSync(inNode(node, 'a/deep')).mtime.getFullYear()).to.equal(2001)
      expect(statSync(inNode(node)).mode & 0o777).to.equal(0o700)
      expect(readdirSync(inNode(node))).to.deep.equal(['a'])
    }
    expect(statSync(inNode('c1', 'a/linked')).ino).not.to.equal(statSync(inNode('c2', 'a/linked')).ino)
    expect(readdirSync(join(rig.volume, 'template'))).to.deep.equal(['a'])
  })

  it('goes on with a fill that an agent has left, without copying again what has arrived', async () => {
    rig.as(someone, 'for i in $(seq 20); do echo $i >$i; done', join(rig.volume, 'template'))
    const fill = rig.transfer({ ...nodes, direction: 'fill', template: '/template' })
    await rig.part({ ...fill, part: 'plan' })
    await rig.part({ ...fill, part: 'copy' })
    const before = statSync(inNode('c2', '7')).ctimeMs
    await rig.host.close()
    rig.host = rig.agent()
    const { counts } = await rig.part({ ...fill, part: 'finish' })
    expect(counts).to.deep.include({ files: 60, failed: 0 })
    expect(statSync(inNode('c2', '7')).ctimeMs).to.equal(before)
  })

  it('gathers a directory out of each in a directory of the node’s name', async () => {
    for (const node of nodes.nodes) rig.as(someone, `mkdir -p out/sub; echo ${node} >out/sub/mine`, inNode(node))
    const outside = join(rig.lustre, 'results')
    const out = { ...nodes, direction: 'out', inside: 'out', outside, share: { index: 0, of: 2 } } as const
    const { counts } = await rig.all(out)
    expect(counts).to.deep.include({ files: 3, totalFiles: 3, failed: 0 })
    await rig.end(out)
    expect(readdirSync(outside)).to.deep.equal(['c1', 'c2', 'c3'])
    for (const node of nodes.nodes) expect(read(outside, node, 'sub/mine')).to.equal(`${node}\n`)
  })

  it('gathers a file under the name that it shall have, and names the node that has none', async () => {
    for (const node of ['c1', 'c3']) rig.as(someone, `echo ${node} >result`, inNode(node))
    const outside = join(rig.lustre, 'run/named')
    const { counts, failures } = await rig.all({ ...nodes, direction: 'out', type: 'file', inside: 'result', outside })
    expect(counts).to.deep.include({ files: 2, failed: 1 })
    const missing = cannotBeStaged('"$DW_JOB_PRIVATE/result"', 'No such file or directory')
    expect(failures).to.deep.equal([ofNode('c2', missing)])
    expect([read(rig.lustre, 'run/c1/named'), read(rig.lustre, 'run/c3/named')]).to.deep.equal(['c1\n', 'c3\n'])
    expect(existsSync(join(rig.lustre, 'run/c2'))).to.equal(false)
  })

  it('gathers what each node’s own list says', async () => {
    for (const node of nodes.nodes) {
      rig.as(someone, `echo ${node} >x; echo ${node} >y; echo '$DW_JOB_PRIVATE/x' >list`, inNode(node))
    }
    rig.as(someone, `echo '$DW_JOB_PRIVATE/y ${join(rig.lustre, 'listed/y.dat')}' >>list`, inNode('c2'))
    const outside = join(rig.lustre, 'plain')
    const of = { ...nodes, direction: 'out', type: 'list', list: { side: 'inside', path: 'list' } } as const
    const { counts, failures } = await rig.all({ ...of, outside })
    expect(failures).to.deep.equal([])
    expect(counts).to.deep.include({ files: 4, failed: 0 })
    for (const node of nodes.nodes) expect(read(outside, node, 'x')).to.equal(`${node}\n`)
    expect(read(rig.lustre, 'listed/c2/y.dat')).to.equal('c2\n')
  })

  it('follows no link of one node’s into another’s, nor out of the buffer', async () => {
    rig.as(someone, 'echo c1 >x', inNode('c1'))
    rig.as(someone, 'ln -s ../c1/x x', inNode('c2'))
    rig.as(someone, 'ln -s /etc/passwd x', inNode('c3'))
    const outside = join(rig.lustre, 'out/x')
    const { counts, failures } = await rig.all({ ...nodes, direction: 'out', type: 'file', inside: 'x', outside })
    expect(counts).to.deep.include({ files: 1, failed: 2 })
    const leaves = (real: string) => leavesBuffer('"$DW_JOB_PRIVATE/x"', real)
    expect(failures).to.deep.equal([
      ofNode('c2', leaves(join(transferRoot, `${rig.session.id}.1`, 'private/c1/x'))),
      ofNode('c3', leaves('/etc/passwd')),
    ])
  })
})
