import { expect } from 'chai'
import { LineSplitter } from '../../../../../src/agent/host/exec/lines.js'

describe('the lines of an output', () => {
  it('are given whole, whatever pieces they come in, and the last one at the end', () => {
    const lines: string[] = []
    const splitter = new LineSplitter((line) => lines.push(line))
    for (const chunk of ['fir', 'st\n\n  \nsecond\nthi', 'rd']) splitter.push(Buffer.from(chunk))
    expect(lines).to.deep.equal(['first', 'second'])
    splitter.end()
    splitter.end()
    expect(lines).to.deep.equal(['first', 'second', 'third'])
  })
})
