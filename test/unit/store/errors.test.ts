import { expect } from 'chai'
import { classify } from '../../../src/store/errors.js'
import { outOfSpace } from '../../../src/store/messages.js'
import { Denied, OutOfSpace, StoreError, StoreUnavailable } from '../../../src/store/store.js'

describe('errors of etcd', () => {
  const of = (message: string) => classify(new Error(message))

  it('of a full database are an error of their own, which says what to do', () => {
    const { kind, error } = of('8 RESOURCE_EXHAUSTED: etcdserver: mvcc: database space exceeded')
    expect(kind).to.equal('refused')
    expect(error).to.be.instanceOf(OutOfSpace)
    expect(error.message).to.equal(outOfSpace())
  })

  for (const message of [
    'etcdserver: permission denied',
    'etcdserver: authentication failed, invalid user ID or password',
  ]) {
    it(`of missing rights are an error of their own: ${message}`, () => {
      expect(of(message).error).to.be.instanceOf(Denied)
    })
  }

  const refused = [
    ...['etcdserver: request is too large', 'etcdserver: too many operations in txn request'],
    ...['etcdserver: duplicate key given in txn request', 'etcdserver: requested lease not found'],
    'etcdserver: mvcc: required revision has been compacted',
  ]
  for (const message of refused) {
    it(`that trying again cannot mend are refusals: ${message}`, () => {
      const { kind, error } = of(message)
      expect(kind).to.equal('refused')
      expect(error).to.be.instanceOf(StoreError).and.not.instanceOf(StoreUnavailable)
    })
  }

  const unreachable = [
    ...['4 DEADLINE_EXCEEDED: Deadline exceeded after 3s', '14 UNAVAILABLE: etcdserver: request timed out'],
    ...['etcdserver: request timed out', 'etcdserver: leader changed', 'etcdserver: no leader'],
  ]
  for (const message of unreachable) {
    it(`that another endpoint may not have leave the outcome open: ${message}`, () => {
      const { kind, error } = of(message)
      expect(kind).to.equal('unreachable')
      expect(error).to.be.instanceOf(StoreUnavailable)
    })
  }

  it('say whether the connection itself is gone', () => {
    for (const message of ['14 UNAVAILABLE: No connection established', '14 UNAVAILABLE: read ECONNRESET']) {
      const { kind, error } = of(message)
      expect(kind).to.equal('disconnected')
      expect(error).to.be.instanceOf(StoreUnavailable)
    }
  })

  it('keep the client error as their cause', () => {
    const cause = new Error('etcdserver: permission denied')
    expect(classify(cause).error.cause).to.equal(cause)
  })

  it('that were sorted already stay what they are', () => {
    const denied = new Denied('no')
    expect(classify(denied)).to.deep.equal({ kind: 'refused', error: denied })
    const away = new StoreUnavailable('away')
    expect(classify(away)).to.deep.equal({ kind: 'unreachable', error: away })
  })
})
