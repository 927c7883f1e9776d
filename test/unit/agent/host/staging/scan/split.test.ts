import { expect } from 'chai'
import { type FullBatch, type Listed, splitter } from '../../../../../../src/agent/host/staging/scan/split.js'

const file = (name: string, bytes = 1, parts: Partial<Listed> = {}): Listed => ({
  name,
  bytes,
  inode: name,
  ...parts,
})
const limits = { files: 3, bytes: 1e9 }

function split(of: number, files: Listed[]): FullBatch[] {
  const split = splitter(of, limits)
  return [...files.flatMap((file) => split.add(file) ?? []), ...split.end()]
}

describe('a list of files cut into shares', () => {
  it('gives each share as many small files, in batches that are not too long', () => {
    const batches = split(
      2,
      Array.from({ length: 20 }, (_, index) => file(`f${index}`)),
    )
    const filesOf = (share: number) => batches.filter((batch) => batch.share === share).flatMap(({ names }) => names)
    expect([filesOf(0).length, filesOf(1).length]).to.deep.equal([10, 10])
    expect(Math.max(...batches.map(({ names }) => names.length))).to.equal(3)
    expect([...filesOf(0), ...filesOf(1)].sort()).to.deep.equal(Array.from({ length: 20 }, (_, i) => `f${i}`).sort())
  })

  it('gives a share with a large file no small ones while others have less to do', () => {
    const batches = split(2, [file('large', 1e8), ...Array.from({ length: 9 }, (_, index) => file(`f${index}`))])
    expect(batches.filter(({ share }) => share === 0).flatMap(({ names }) => names)).to.deep.equal(['large'])
  })

  it('ends a batch at a file that fills it, however large that is', () => {
    const batches = split(1, [file('huge', 1e12), file('b')])
    expect(batches.map(({ names, bytes }) => ({ names, bytes }))).to.deep.equal([
      { names: ['huge'], bytes: 1e12 },
      { names: ['b'], bytes: 1 },
    ])
  })

  it('puts all names of one inode into one batch, however full that is, and counts its bytes once', () => {
    const linked = (name: string, inode: string) => file(name, 100, { inode, isLinked: true })
    const names = ['a', 'b', 'c', 'd', 'e']
    const batches = split(2, [file('x'), ...names.map((name) => linked(name, '1:7')), linked('f', '1:8'), file('y')])
    const found = batches.find(({ names }) => names.includes('a'))!
    expect(found.names).to.deep.equal(names)
    expect(found.sizes).to.deep.equal([100, 100, 100, 100, 100])
    expect(found.bytes).to.equal(100)
  })

  it('goes on with new batches, and the shares as they were, when what was open was taken', () => {
    const cut = splitter(2, limits)
    cut.add(file('a', 1e8))
    cut.add(file('half', 100, { isLinked: true, inode: '1:7' }))
    expect(cut.end().map(({ share, names }) => `${share}: ${names.join()}`)).to.deep.equal(['0: a', '1: half'])
    cut.add(file('b'))
    cut.add(file('other', 100, { isLinked: true, inode: '1:7' }))
    expect(cut.end().map(({ share, names, bytes }) => `${share}: ${names.join()} ${bytes}`)).to.deep.equal([
      '1: b,other 101',
    ])
  })

  it('keeps files with holes apart from those without, on the shares that all of them fill', () => {
    const batches = split(2, [file('a', 1e8), file('holes', 1e6, { isSparse: true }), file('b'), file('c', 1e8)])
    expect(batches.map(({ share, isSparse, names }) => [share, isSparse, names.join()])).to.deep.equal([
      [0, false, 'a'],
      [1, false, 'b,c'],
      [1, true, 'holes'],
    ])
  })

  it('sums up each share', () => {
    const cut = splitter(1, limits)
    for (const size of [5, 6, 7]) cut.add(file(`f${size}`, size))
    expect(cut.shares).to.deep.equal([{ files: 3, bytes: 18 }])
  })
})
