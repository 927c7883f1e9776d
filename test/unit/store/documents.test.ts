import { expect } from 'chai'
import { readDesired, readDocument, collectionSchemas } from '../../../src/store/documents.js'

const entry = (value: unknown) => ({ key: 'cordons/g1', value, createRevision: 1, modRevision: 1 })
const cordon = { v: 1, host: 'g1', kind: 'operator', why: 'disk', who: 'root', when: 5 }

describe('documents read from etcd', () => {
  it('are given as they are when they match the schema', () => {
    expect(readDocument(entry(cordon), collectionSchemas.cordons)).to.deep.equal({ document: cordon })
  })

  it('of another schema version are refused', () => {
    expect(readDocument(entry({ ...cordon, v: 2 }), collectionSchemas.cordons)).to.have.property('invalid')
  })

  it('are refused with the key and the place of what is wrong', () => {
    const read = readDocument(entry({ ...cordon, when: 'now' }), collectionSchemas.cordons)
    expect(read)
      .to.have.property('invalid')
      .that.matches(/^cordons\/g1: when: /)
  })

  it('keep a field that this release does not know, so that it is written back', () => {
    const later = { ...cordon, more: { of: [1] } }
    expect(readDocument(entry(later), collectionSchemas.cordons)).to.deep.equal({ document: later })
  })

  it('are refused with a field of no size that a release of ours would write', () => {
    const more = 'x'.repeat(10_000)
    expect(readDocument(entry({ ...cordon, more }), collectionSchemas.cordons)).to.have.property('invalid')
  })

  it('that are text where a document should be are refused', () => {
    const read = readDocument(entry('text'), collectionSchemas.cordons)
    expect(read)
      .to.have.property('invalid')
      .that.matches(/^cordons\/g1: document: /)
  })

  it('of a desired kind are checked against that kind', () => {
    expect(readDesired(entry(cordon), { kind: 'brick' })).to.have.property('invalid')
  })
})
