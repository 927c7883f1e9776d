import { expect } from 'chai'
import { PassThrough } from 'node:stream'
import { Bodies } from '../../../../src/scheduler/http/bodies.js'

describe('the bodies of requests', () => {
  const whole = (text: string) => new PassThrough().end(text)

  it('are limited each, and together while they are read', async () => {
    const bodies = new Bodies(10)
    expect(await bodies.read(whole('12345'), 5)).to.deep.equal({ text: '12345' })
    expect(await bodies.read(whole('123456'), 5)).to.equal('too large')
    const slow = new PassThrough()
    const first = bodies.read(slow, 10)
    slow.write('12345678')
    await new Promise((resolve) => setImmediate(resolve))
    expect(await bodies.read(whole('123'), 10)).to.equal('too many')
    slow.end()
    expect(await first).to.deep.equal({ text: '12345678' })
    expect(await bodies.read(whole('123'), 10)).to.deep.equal({ text: '123' })
  })
})
