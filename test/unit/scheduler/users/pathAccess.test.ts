import { expect } from 'chai'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  isAbsent,
  prefixesOf,
  type FileStat,
  systemStatPaths,
  firstUnreadablePrefix,
} from '../../../../src/scheduler/users/pathAccess.js'

const directory = (mode: number, uid = 0, gid = 0): FileStat => ({
  mode: 0o040000 | mode,
  uid,
  gid,
  sizeBytes: 0,
  isDirectory: true,
})
const file = (mode: number, uid = 0, gid = 0): FileStat => ({
  mode: 0o100000 | mode,
  uid,
  gid,
  sizeBytes: 5,
  isDirectory: false,
})
const seen = (found: Record<string, FileStat>) => new Map(Object.entries({ '/': directory(0o755), ...found }))
const alice = { uid: 1001, groups: [1001, 3000] }

describe('what the scheduler’s host sees of a source', () => {
  it('is asked for every directory on the way', () => {
    expect(prefixesOf('/a/b')).to.deep.equal(['/', '/a', '/a/b'])
    expect(prefixesOf('/')).to.deep.equal(['/'])
  })

  it('is absent only where everybody could see that', () => {
    expect(isAbsent(seen({ '/a': directory(0o755) }), '/a/b')).to.equal(true)
    expect(isAbsent(seen({ '/a': directory(0o750) }), '/a/b')).to.equal(false)
    expect(isAbsent(seen({ '/a': directory(0o755), '/a/b': file(0o600) }), '/a/b')).to.equal(false)
    expect(isAbsent(seen({ '/a': file(0o644) }), '/a/b')).to.equal(false)
  })

  it('bars a user where no bit of the mode allows it, and not where an access list may', () => {
    const bar = (found: FileStat, way = directory(0o755)) =>
      firstUnreadablePrefix(seen({ '/a': way, '/a/b': found }), '/a/b', alice)
    expect(bar(file(0o644))).to.equal(undefined)
    expect(bar(file(0o600))).to.equal('/a/b')
    expect(bar(file(0o600, alice.uid))).to.equal(undefined)
    expect(bar(file(0o044, alice.uid))).to.equal('/a/b')
    expect(bar(file(0o640, 0, 3000))).to.equal(undefined)
    expect(bar(file(0o640, 0, 4000))).to.equal(undefined)
    expect(bar(directory(0o744))).to.equal('/a/b')
    expect(bar(file(0o644), directory(0o700))).to.equal('/a')
  })

  it('is read from the file system, links followed', async () => {
    const root = mkdtempSync(join(tmpdir(), 'bb-sources-'))
    try {
      mkdirSync(join(root, 'a b'))
      writeFileSync(join(root, 'a b/f'), '12345')
      chmodSync(join(root, 'a b/f'), 0o640)
      symlinkSync('a b', join(root, 'link'))
      const found = await systemStatPaths([join(root, 'a b/f'), join(root, 'link'), join(root, 'none')])
      expect([...found!.keys()]).to.deep.equal([join(root, 'a b/f'), join(root, 'link')])
      expect(found!.get(join(root, 'a b/f'))).to.include({ sizeBytes: 5, isDirectory: false, mode: 0o100640 })
      expect(found!.get(join(root, 'link'))).to.include({ isDirectory: true })
    } finally {
      rmSync(root, { recursive: true })
    }
  })
})
