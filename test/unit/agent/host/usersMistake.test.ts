import { expect } from 'chai'
import { whatUsersMend } from '../../../../src/agent/host/transfer/user.js'

describe('what a program said when it failed for a user', () => {
  it('is the user’s to mend where no second try would help', () => {
    const told = "mkdir: cannot create directory '/home/alice/locked/x': Permission denied"
    expect(whatUsersMend(`some warning\n${told}\n`)).to.equal(told)
    expect(whatUsersMend('dd: error writing a: No space left on device')).to.contain('No space')
    expect(whatUsersMend('dd: error writing a: Disk quota exceeded')).to.contain('quota')
  })

  it('is tried again where the volume was away, or nothing is known', () => {
    for (const told of ['', 'stat: a: Transport endpoint is not connected', 'stat: a: Input/output error']) {
      expect(whatUsersMend(told)).to.equal(undefined)
    }
  })
})
