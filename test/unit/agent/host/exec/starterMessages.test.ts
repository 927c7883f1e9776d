import { expect } from 'chai'
import { message, Messages, startMessage, type Told } from '../../../../../src/agent/host/exec/starterMessages.js'

const numbers = (...values: number[]) => {
  const bytes = Buffer.alloc(4 * values.length)
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, 4 * index)
  return bytes
}

describe("the starter's messages", () => {
  const all = Buffer.concat([
    message(1, 'p', numbers(4242)),
    message(2, 'n', numbers(2)),
    message(1, 'o', Buffer.from('out')),
    message(1, 'r', Buffer.from('err')),
    message(1, 'x', numbers(0, 9)),
    message(1, '?'),
  ])
  const told = [
    [1, { kind: 'runs', pid: 4242 }],
    [2, { kind: 'notStarted', errno: 2 }],
    [1, { kind: 'output', output: 'stdout', bytes: Buffer.from('out') }],
    [1, { kind: 'output', output: 'stderr', bytes: Buffer.from('err') }],
    [1, { kind: 'ended', code: 0, signal: 9 }],
    [1, { kind: 'unknown' }],
  ]

  for (const size of [1, 7, all.length]) {
    it(`are put together from pieces of ${size} bytes`, () => {
      const heard: [number, Told][] = []
      const messages = new Messages((id, each) => heard.push([id, each]))
      for (let at = 0; at < all.length; at += size) messages.push(all.subarray(at, at + size))
      expect(heard).to.deep.equal(told)
    })
  }

  it('to it have each argument and each variable once, ended by a zero', () => {
    const start = { env: { B: 'c', D: undefined }, hasInput: true, limitBytes: 1, untilClosed: true }
    const text = startMessage(1, { argv: ['a', ''], ...start }).toString('latin1')
    expect(text.slice(9 + 13)).to.equal('a\0\0B=c\0')
  })
})
