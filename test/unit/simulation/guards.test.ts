import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { editsOf, mutations } from '../../simulation/guards.js'
import { edited, fileWith, markersBelow, strangeNames, syntaxErrors } from '../../simulation/markers.js'

describe('the guards that the mutations take out', () => {
  const markers = markersBelow('src')
  const sources = new Map(markers.map(({ file }) => [file, readFileSync(file, 'utf8')]))

  for (const mutation of mutations)
    it(`are marked in the source once, and can be taken out: ${mutation.guard}`, () => {
      for (const { marker, edit } of editsOf(mutation)) {
        const source = sources.get(fileWith(markers, marker))!
        const without = edited(source, marker, edit)
        expect(without).to.not.equal(source)
        expect(syntaxErrors(without)).to.deep.equal([])
      }
    })

  it('are replaced by nothing that names what is not there', () => {
    const all = [...sources.values()].join('\n')
    for (const { marker, edit } of mutations.flatMap(editsOf))
      expect(strangeNames(edit, sources.get(fileWith(markers, marker))!, all), marker).to.deep.equal([])
  })

  it('are all that is marked in the source', () => {
    const taken = mutations.flatMap(editsOf).map(({ marker }) => marker)
    expect(markers.map(({ name }) => name).filter((name) => !taken.includes(name))).to.deep.equal([])
  })
})
