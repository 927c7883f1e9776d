import { expect } from 'chai'
import { readDesired, readDocument, roomSchemas } from '../../../src/store/documents.js'

const entry = (value: unknown) => ({ key: 'cordons/g1', value, createRevision: 1, modRevision: 1 })
const cordon = { v: 1, host: 'g1', kind: 'operator', why: 'disk', who: 'root', when: 5 }

describe('documents read from etcd', () => {
  it('are given as they are when they match the schema', () => {
    expect(readDocument(entry(cordon), roomSchemas.cordons)).to.deep.equal({ document: cordon })
  })

  it('of another schema version are refused', () => {
    expect(readDocument(entry({ ...cordon, v: 2 }), roomSchemas.cordons)).to.have.property('invalid')
  })

  it('are refused with the key and the place of what is wrong', () => {
    const read = readDocument(entry({ ...cordon, when: 'now' }), roomSchemas.cordons)
    expect(read)
      .to.have.property('invalid')
      .that.matches(/^cordons\/g1: when: /)
  })

  it('with a field that nobody knows are refused, never half-read', () => {
    expect(readDocument(entry({ ...cordon, more: 1 }), roomSchemas.cordons)).to.have.property('invalid')
  })

  it('that are text where a document should be are refused', () => {
    const read = readDocument(entry('text'), roomSchemas.cordons)
    expect(read)
      .to.have.property('invalid')
      .that.matches(/^cordons\/g1: document: /)
  })

  it('of a desired kind are checked against that kind', () => {
    expect(readDesired(entry(cordon), { kind: 'brick' })).to.have.property('invalid')
  })
})
