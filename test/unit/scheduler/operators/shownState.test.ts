import { expect } from 'chai'
import { shownStage, shownState } from '../../../../src/scheduler/operators/shownState.js'

describe('the state that users see', () => {
  it('is a word of the phases where a document has another', () => {
    expect(['forming', 'leaving', 'copy'].map(shownState)).to.deep.equal(['creating', 'deleting', 'copying'])
  })

  it("is the document's own word otherwise", () => {
    expect(['ready', 'started', 'absent'].map(shownState)).to.deep.equal(['ready', 'started', 'absent'])
  })
})

describe('the stage that operators see', () => {
  it('is a word of Slurm, where a document has another', () => {
    expect((['setup', 'ran', 'leaving'] as const).map(shownStage)).to.deep.equal(['allocated', 'post-run', 'teardown'])
  })
})
