import { expect } from 'chai'
import { gatheredAt, transferPathsOf, endpointsOf } from '../../../../../src/agent/host/staging/paths.js'
import { aDesiredTransfer } from '../../../../support/desired.js'

const mount = '/run/burstbuffer-transfers/20.1'
const nodes = { directory: '/private', nodes: ['c1', 'c2'], variable: 'DW_JOB_PRIVATE' }

describe('what a transfer copies', () => {
  it('is one thing, in the namespace that the volume has for it', () => {
    expect(endpointsOf(aDesiredTransfer())).to.deep.equal([{ source: '/lustre/alice/a', destination: `${mount}/a` }])
    const out = aDesiredTransfer({ direction: 'out', directory: '/striped', inside: '', outside: '/lustre/out' })
    expect(endpointsOf(out)).to.deep.equal([{ source: `${mount}/striped`, destination: '/lustre/out' }])
  })

  it('is gathered out of every node’s namespace in a directory of the node’s name', () => {
    const out = aDesiredTransfer({ ...nodes, direction: 'out', type: 'directory', inside: 'x', outside: '/lustre/out' })
    expect(endpointsOf(out)).to.deep.equal([
      { node: 'c1', source: `${mount}/private/c1/x`, destination: '/lustre/out/c1' },
      { node: 'c2', source: `${mount}/private/c2/x`, destination: '/lustre/out/c2' },
    ])
    expect(gatheredAt('/lustre/out/x', 'file', 'c1')).to.equal('/lustre/out/c1/x')
    expect(gatheredAt('/x', 'file', 'c1')).to.equal('/c1/x')
    expect(gatheredAt('/', 'directory', 'c1')).to.equal('/c1')
  })

  it('goes from the template to every node', () => {
    const fill = aDesiredTransfer({ ...nodes, direction: 'fill', inside: '', template: '/template' })
    expect(endpointsOf(fill)).to.deep.equal([
      { node: 'c1', source: `${mount}/template`, destination: `${mount}/private/c1` },
      { node: 'c2', source: `${mount}/template`, destination: `${mount}/private/c2` },
    ])
  })
})

describe('the notes of a transfer', () => {
  const works = (parts: Parameters<typeof aDesiredTransfer>[0]) => transferPathsOf(aDesiredTransfer(parts)).notesRoot

  it('lie at the destination, in a folder that is the user’s', () => {
    expect(works({})).to.equal(`${mount}/.burstbuffer-20.1`)
    expect(works({ directory: '/template' })).to.equal(`${mount}/template/.burstbuffer-20.1`)
    const outside = '/lustre/alice/out'
    expect(works({ direction: 'out', outside })).to.equal('/lustre/alice/.burstbuffer-20.1')
    expect(works({ ...nodes, direction: 'out', type: 'directory', outside })).to.equal(`${outside}/.burstbuffer-20.1`)
  })

  it('lie in the buffer where no one folder outside is named, or none gets what is copied', () => {
    const list = aDesiredTransfer({ ...nodes, direction: 'out', type: 'list' })
    delete list.outside
    expect(transferPathsOf(list).notesRoot).to.equal(`${mount}/private/c1/.burstbuffer-20.1`)
    expect(works({ ...nodes, direction: 'fill', template: '/template' })).to.equal(
      `${mount}/template/.burstbuffer-20.1`,
    )
  })
})
