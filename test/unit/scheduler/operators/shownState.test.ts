import { expect } from 'chai'
import { shownState } from '../../../../src/scheduler/operators/shownState.js'

describe('the state that users see', () => {
  it('is a word of the phases where a document has another', () => {
    expect(['forming', 'leaving', 'copy'].map(shownState)).to.deep.equal(['creating', 'deleting', 'copying'])
  })

  it("is the document's own word otherwise", () => {
    expect(['ready', 'started', 'staging-in', 'absent'].map(shownState)).to.deep.equal([
      'ready',
      'started',
      'staging-in',
      'absent',
    ])
  })
})
