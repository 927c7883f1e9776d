import { expect } from 'chai'
import fc from 'fast-check'
import { parseSize, printSize, slotsFor } from '../../../src/model/capacity.js'
import * as messages from '../../../src/model/messages.js'

describe('a size', () => {
  const good: [string, number][] = [
    ['1', 1],
    ['1K', 1024],
    ['1KB', 1000],
    ['1KiB', 1024],
    ['3tb', 3e12],
    ['3TIB', 3 * 1024 ** 4],
    ['32GB', 32e9],
    ['1p', 1024 ** 5],
    ['007MB', 7e6],
  ]
  for (const [text, bytes] of good)
    it(`reads ${text} as ${bytes} bytes`, () => expect(parseSize(text)).to.deep.equal({ bytes }))

  const { sizeWithDecimals, sizeWithoutUnit } = messages
  const bad: [string, (text: string) => string][] = [
    ['3.5TB', (text) => sizeWithDecimals(text, '3500GB')],
    ['3.5TiB', (text) => sizeWithDecimals(text, '3584GiB')],
    ['0.3333TiB', (text) => sizeWithDecimals(text, '342GiB')],
    ['931.32GiB', (text) => sizeWithDecimals(text, '953672MiB')],
    ['1.5K', (text) => sizeWithDecimals(text, '2K')],
    [`1.${'9'.repeat(400)}TB`, (text) => sizeWithDecimals(text, '2000GB')],
    [`${'9'.repeat(400)}.5TB`, (text) => sizeWithDecimals(text)],
    ['1e3', messages.sizeWithExponent],
    ['-1', messages.sizeNegative],
    ['0', messages.sizeZero],
    ['0TB', messages.sizeZero],
    ['999PB', (text) => messages.sizeTooLarge(text, '9 PB')],
    [`${'9'.repeat(400)}`, (text) => messages.sizeTooLarge(text, '9 PB')],
    ['', sizeWithoutUnit],
    [' 3TB', sizeWithoutUnit],
    ['3 TB', sizeWithoutUnit],
    ['3XB', sizeWithoutUnit],
    ['3TBB', sizeWithoutUnit],
    ['3TB\n', sizeWithoutUnit],
  ]
  for (const [text, told] of bad)
    it(`refuses ${JSON.stringify(text.slice(0, 12))} and says what to write`, () =>
      expect(parseSize(text)).to.deep.equal({ refused: told(text) }))

  it('prints with the largest unit that needs no decimals', () => {
    expect([3e12, 4 * 1024 ** 3, 1500e9, 1001, 0].map(printSize)).to.deep.equal([
      '3 TB',
      '4 GiB',
      '1500 GB',
      '1001 bytes',
      '0 bytes',
    ])
  })

  it('is read back as it was printed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (bytes) => {
        expect(parseSize(printSize(bytes).replace(/ (bytes)?/, ''))).to.deep.equal({ bytes })
      }),
    )
  })

  it('fills slots whole', () => {
    expect([1, 1e12, 1e12 + 1, 3e12].map((bytes) => slotsFor(bytes, 1e12))).to.deep.equal([1, 1, 2, 3])
  })
})
