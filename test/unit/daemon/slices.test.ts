import { expect } from 'chai'
import fc from 'fast-check'
import { atOnce, each, eachDocument, inSlices, sorted } from '../../../src/daemon/slices.js'
import { compareNames } from '../../../src/model/names.js'
import { HandClock } from '../../support/handClock.js'

describe('work in slices', () => {
  it('lets others have their turn when a slice is used up, and not before', async () => {
    const clock = new HandClock()
    const seen: number[] = []
    const work = inSlices(
      clock,
      each([1, 2, 3, 4], (item) => {
        seen.push(item)
        clock.advance(15)
        return 2 * item
      }),
    )
    expect(seen).to.deep.equal([1, 2])
    clock.advance(0)
    await new Promise((resolve) => setImmediate(resolve))
    expect(seen).to.deep.equal([1, 2, 3, 4])
    clock.advance(0)
    expect(await work).to.deep.equal([2, 4, 6, 8])
  })

  it('leaves out documents that went before their turn, and those that came meanwhile', () => {
    const documents = new Map([
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ])
    const found = atOnce(
      eachDocument(documents, (document, key) => {
        documents.delete('b')
        documents.set('d', 4)
        return `${key}${document}`
      }),
    )
    expect(found).to.deep.equal(['a1', 'c3'])
  })

  it('sorts as sort does', () => {
    const item = fc.record({ name: fc.integer({ min: 0, max: 300 }).map(String), at: fc.nat() })
    const compare = (a: { name: string }, b: { name: string }) => compareNames(a.name, b.name)
    fc.assert(
      fc.property(fc.array(item, { maxLength: 2_600, size: 'max' }), (items) => {
        expect(atOnce(sorted(items, compare))).to.deep.equal([...items].sort(compare))
      }),
      { numRuns: 20 },
    )
  })
})
