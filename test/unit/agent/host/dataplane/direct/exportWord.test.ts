import { expect } from 'chai'
import { exportWord } from '../../../../../../src/agent/host/dataplane/direct/exportWord.js'

describe('the word for an export in a volfile', () => {
  it('has no dot, and no two exports have the same', () => {
    const names = ['private-c1.x', 'private-c1_x', 'private-c1_dx', 'private-c1_ux', 'private-c1x', 'striped']
    const words = names.map(exportWord)
    expect(new Set(words).size).to.equal(names.length)
    for (const word of words) expect(word).to.match(/^[A-Za-z0-9_-]+$/)
  })
})
