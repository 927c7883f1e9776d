import { expect } from 'chai'
import {
  callRecord,
  dictionary,
  Malformed,
  maxReplyBytes,
  opaque,
  Reader,
  recordIn,
  replyIn,
  textsIn,
} from '../../../../../../src/agent/host/dataplane/direct/rpc.js'
import { randomOf } from '../../../../../support/random.js'

function words(...values: number[]): Buffer {
  return Buffer.concat(values.map((value) => Buffer.from(value.toString(16).padStart(8, '0'), 'hex')))
}

const accepted = [7, 1, 0, 0, 0, 0]

describe('a call', () => {
  it('is one record without credentials', () => {
    const record = callRecord(7, [14398633, 2, 1], Buffer.from('abcd'))
    expect(record).to.deep.equal(
      Buffer.concat([words(0x8000002c, 7, 0, 2, 14398633, 2, 1, 0, 0, 0, 0), Buffer.from('abcd')]),
    )
  })

  it('has its dictionary in whole words', () => {
    const bytes = dictionary({ a: 'xy', bc: '' })
    const [first, second] = [Buffer.from('a\0xy\0'), Buffer.from('bc\0\0')]
    expect(bytes).to.deep.equal(Buffer.concat([words(2, 1, 3), first, words(2, 1), second]))
    expect(opaque(bytes)).to.deep.equal(Buffer.concat([words(bytes.length), bytes, Buffer.alloc(3)]))
    expect([...textsIn(bytes)]).to.deep.equal([
      ['a', 'xy'],
      ['bc', ''],
    ])
  })
})

describe('a reply', () => {
  it('is waited for until it is whole', () => {
    const whole = Buffer.concat([words(0x80000008), Buffer.from('12345678')])
    for (let length = 0; length < whole.length; length++)
      expect(recordIn(whole.subarray(0, length))).to.equal(undefined)
    expect(recordIn(Buffer.concat([whole, Buffer.from('more')]))!.toString()).to.equal('12345678')
  })

  it('is refused as soon as its length is too large, or it is in fragments', () => {
    expect(() => recordIn(words((0x80000000 | (maxReplyBytes + 1)) >>> 0))).to.throw(Malformed)
    expect(() => recordIn(words(4))).to.throw(Malformed)
  })

  it('gives what stands behind its head', () => {
    expect(replyIn(Buffer.concat([words(...accepted), words(0xffffffff)]), 7).signedWord()).to.equal(-1)
  })

  for (const [what, head] of Object.entries({
    'to another call': [8, 1, 0, 0, 0, 0],
    'a call itself': [7, 0, 0, 0, 0, 0],
    'a rejection': [7, 1, 1, 0, 0, 0],
    'of a program that is not there': [7, 1, 0, 0, 0, 1],
    'with a proof longer than itself': [7, 1, 0, 0, 0xffffffff, 0],
    'cut short': [7, 1, 0],
  }))
    it(`is refused when it is ${what}`, () => {
      expect(() => replyIn(words(...head), 7)).to.throw(Malformed)
    })

  it('has no dictionary of more than it holds', () => {
    for (const bytes of [words(1), words(1001), words(1, 0xffffffff, 1), words(1, 1, 0xffffffff), Buffer.from('x')])
      expect(() => textsIn(bytes)).to.throw(Malformed)
    expect(textsIn(Buffer.alloc(0)).size).to.equal(0)
  })

  it('of random bytes is refused, and never read beyond its end', () => {
    const { below } = randomOf(1)
    for (let round = 0; round < 2000; round++) {
      const bytes = Buffer.from(Array.from({ length: below(80) }, () => below(4)))
      for (const read of [textsIn, recordIn, (b: Buffer) => replyIn(b, 0), (b: Buffer) => new Reader(b).opaque()]) {
        try {
          read(bytes)
        } catch (error) {
          expect(error).to.be.instanceOf(Malformed)
        }
      }
    }
  })
})
