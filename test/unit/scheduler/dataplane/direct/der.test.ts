import { expect } from 'chai'
import {
  bitString,
  boolean,
  explicit,
  integer,
  objectId,
  octetString,
  sequence,
  set,
  time,
  utf8String,
} from '../../../../../src/scheduler/dataplane/direct/der.js'

const hex = (value: Buffer) => value.toString('hex')
const seconds = (text: string) => Date.parse(text) / 1000

// By the examples of X.690 and of RFC 5280, and by what openssl asn1parse -genstr prints.
describe('values in DER', () => {
  for (const [what, value, wanted] of [
    ['a number', integer(Buffer.from([0, 0, 5])), '020105'],
    ['nought', integer(Buffer.from([0])), '020100'],
    ['a number whose first bit is set', integer(Buffer.from([0x80])), '02020080'],
    ['truth', boolean(true), '0101ff'],
    ['an object', objectId('1.3.101.112'), '06032b6570'],
    ['an object with large numbers', objectId('1.2.840.113549'), '06062a864886f70d'],
    ['a text', utf8String('ab'), '0c026162'],
    ['bytes', octetString(Buffer.from([1, 2])), '04020102'],
    ['bits', bitString(Buffer.from([0x04]), 2), '03020204'],
    ['a sequence', sequence(integer(Buffer.from([1])), boolean(false)), '3006020101010100'],
    ['a set', set(boolean(true)), '31030101ff'],
    ['a value of a context', explicit(3, boolean(true)), 'a3030101ff'],
    [
      'a time of this half of the century',
      time(seconds('2049-12-31T23:59:59Z')),
      `170d${hex(Buffer.from('491231235959Z'))}`,
    ],
    ['a later time', time(seconds('2050-01-01T00:00:00Z')), `180f${hex(Buffer.from('20500101000000Z'))}`],
  ] as const)
    it(`are written: ${what}`, () => {
      expect(hex(value)).to.equal(wanted)
    })

  it('have lengths of one byte, or of as many as they need', () => {
    const headOf = (length: number) => hex(octetString(Buffer.alloc(length)).subarray(0, -length))
    expect([127, 128, 255, 256, 65_536].map(headOf)).to.deep.equal([
      '047f',
      '048180',
      '0481ff',
      '04820100',
      '0483010000',
    ])
  })
})
