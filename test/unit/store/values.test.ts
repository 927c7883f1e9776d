import { expect } from 'chai'
import fc from 'fast-check'
import { decodeEntry, encodeValue, rangeEnd } from '../../../src/store/values.js'

const kv = (value: Buffer | string) =>
  ({
    key: Buffer.from('/burstbuffer/buffers/a'),
    value: Buffer.from(value),
    create_revision: '9007199254740991',
    mod_revision: '12',
  }) as unknown as Parameters<typeof decodeEntry>[0]
const decode = (value: Buffer | string) => decodeEntry(kv(value), '/burstbuffer/')

describe('store values', () => {
  it('carry the operation id of their write beside the document, and give it back apart', () => {
    const entry = decode(encodeValue({ v: 1, name: 'a' }, 'op-1'))
    expect(entry.value).to.deep.equal({ v: 1, name: 'a' })
    expect(entry.op).to.equal('op-1')
  })

  it('give the key without the prefix, and the revisions as numbers', () => {
    expect(decode('text')).to.include({ key: 'buffers/a', createRevision: 9007199254740991, modRevision: 12 })
  })

  for (const text of ['mount -t glusterfs g1:/a', '', '{broken', '[1]', '3']) {
    it(`that are no JSON object come as the text they are: '${text}'`, () => {
      expect(decode(encodeValue(text, 'op-1'))).to.include({ value: text, op: undefined })
    })
  }

  it('that carry an operation id which is no text have none', () => {
    expect(decode('{"v":1,"op":3}').op).to.equal(undefined)
  })

  it('come back as they went, whatever the document', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-n]{1,5}$/), fc.oneof(fc.string(), fc.integer())), (document) => {
        expect(decode(encodeValue({ ...document }, 'op-1')).value).to.deep.equal({ ...document })
      }),
    )
  })

  it('the range of a prefix holds what begins with it and nothing else', () => {
    const inRange = (key: string, prefix: string) =>
      Buffer.compare(Buffer.from(key), Buffer.from(prefix)) >= 0 &&
      Buffer.compare(Buffer.from(key), rangeEnd(prefix)) < 0
    const ascii = fc.stringMatching(/^[ -~]{1,8}$/)
    fc.assert(
      fc.property(ascii, ascii, (key, prefix) => {
        expect(inRange(key, prefix)).to.equal(key.startsWith(prefix))
        expect(inRange(prefix + key, prefix)).to.equal(true)
      }),
    )
  })
})
