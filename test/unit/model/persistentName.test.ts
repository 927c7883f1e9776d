import { expect } from 'chai'
import fc from 'fast-check'
import { nameInvalid, nameReserved } from '../../../src/model/messages.js'
import { archivedName, documentName, isJobToken } from '../../../src/model/names.js'
import { problemWithPersistentName } from '../../../src/model/persistentName.js'

describe("a persistent buffer's name", () => {
  for (const name of ['a', 'mytestbuffer', 'My_data-2', 'test35.1', `a${'b'.repeat(63)}`]) {
    it(`may be ${name.slice(0, 20)}`, () => expect(problemWithPersistentName(name)).to.equal(undefined))
  }

  const bad = [
    '',
    'a/b',
    '..',
    '../etc',
    'my data',
    '1st',
    '-rf',
    '_x',
    '.a',
    'a\n',
    'a\0',
    'größe',
    'a=b',
    "a'b",
    'a~1',
  ]
  for (const name of [...bad, 'x'.repeat(300)]) {
    it(`may not be ${JSON.stringify(name.slice(0, 20))}`, () =>
      expect(problemWithPersistentName(name)).to.equal(nameInvalid(name)))
  }

  for (const name of ['all', 'ALL', 'help']) {
    it(`may not be ${name}, which GlusterFS keeps for itself`, () =>
      expect(problemWithPersistentName(name)).to.equal(nameReserved(name)))
  }

  it('is one part of a path and of a key, whatever is accepted', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 70 }), (name) => {
        if (problemWithPersistentName(name) !== undefined) return
        expect(name).to.match(/^[A-Za-z][A-Za-z0-9_-]*$/)
        expect(documentName.safeParse(name).success).to.equal(true)
        expect(isJobToken(name)).to.equal(false)
      }),
    )
  })

  it('is never that of a buffer archived, which still is a name in etcd', () => {
    expect(problemWithPersistentName(archivedName('mytest', 7))).to.be.a('string')
    expect(documentName.parse(archivedName('x'.repeat(64), Number.MAX_SAFE_INTEGER))).to.be.a('string')
  })
})
