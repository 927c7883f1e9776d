import { expect } from 'chai'
import { thenAlways } from '../../../../../../src/agent/host/dataplane/glusterd/directories.js'

describe('work with a clean-up', () => {
  const fails = (words: string) => () => Promise.reject(new Error(words))
  const passes = () => Promise.resolve()
  const end = (work: () => Promise<void>, cleanUp: () => Promise<void>) =>
    thenAlways(work, cleanUp).then(
      () => 'done',
      ({ message }: Error) => message,
    )

  it('is done when both are', async () => expect(await end(passes, passes)).to.equal('done'))

  it('fails by what went wrong first', async () => {
    expect(await end(fails('no space'), fails('busy'))).to.equal('no space')
  })

  it('fails by its clean-up alone', async () => expect(await end(passes, fails('busy'))).to.equal('busy'))

  it('is cleaned up when it fails', async () => {
    let cleaned = false
    const cleanUp = () => Promise.resolve(void (cleaned = true))
    expect([await end(fails('no space'), cleanUp), cleaned]).to.deep.equal(['no space', true])
  })
})
