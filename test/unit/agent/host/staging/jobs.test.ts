import { expect } from 'chai'
import { Jobs } from '../../../../../src/agent/host/staging/jobs.js'
import { Refusal } from '../../../../../src/agent/port/host.js'

describe('work that a step begins', () => {
  const ended: string[] = []
  const jobs = new Jobs((key) => ended.push(key))

  async function endWith(key: string, what: string, error?: Error): Promise<void> {
    jobs.begin(key, what, () => (error ? Promise.reject(error) : Promise.resolve()))
    await jobs.get(key)?.ended
  }

  it('tells its failure when it is begun again, once', async () => {
    await endWith('a', 'copy 1', new Error('no mount'))
    expect(() => jobs.begin('a', 'copy 1', () => Promise.resolve())).to.throw('no mount')
    await endWith('a', 'copy 1')
    expect(ended).to.deep.equal(['a', 'a'])
  })

  it('tells a refusal again and again, until something else is wanted', async () => {
    await endWith('b', 'plan 1', new Refusal('no such file'))
    for (let times = 0; times < 2; times++) {
      expect(() => jobs.begin('b', 'plan 1', () => Promise.resolve())).to.throw(Refusal, 'no such file')
    }
    await endWith('b', 'plan 2')
  })

  it('has not failed when it was stopped', async () => {
    jobs.begin('c', 'copy 1', ({ abort }) => {
      return new Promise((_, reject) => abort.signal.addEventListener('abort', () => reject(new Error('ended'))))
    })
    await jobs.stop('c')
    expect(jobs.get('c')).to.equal(undefined)
    await endWith('c', 'copy 1')
  })

  it('is not begun twice', async () => {
    let times = 0
    for (let at = 0; at < 2; at++) jobs.begin('d', 'copy 1', () => Promise.resolve(void times++))
    await jobs.get('d')?.ended
    expect(times).to.equal(1)
  })
})
