import { expect } from 'chai'
import { checkTransition } from '../../../src/store/transitions.js'

describe('a transition between states', () => {
  const table = { open: ['closed'], closed: [] } as const

  it('is one that the table has', () => {
    expect(() => checkTransition('the door', table, 'open', 'closed')).to.not.throw()
  })

  it('is refused otherwise', () => {
    expect(() => checkTransition('the door', table, 'closed', 'open')).to.throw(
      'the door cannot go from closed to open',
    )
    expect(() => checkTransition('the door', table, 'open', 'open')).to.throw('from open to open')
  })
})
