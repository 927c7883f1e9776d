import { expect } from 'chai'
import { readBoot, startOf } from '../../../../../src/agent/host/exec/bootId.js'

describe('the boot of a host', () => {
  it('tells when its first process began, whatever that is called', () => {
    const fields = Array.from({ length: 50 }, (_, index) => String(index + 3))
    expect(startOf(`1 (a ) b (c) ${fields.join(' ')}`)).to.equal('22')
  })

  it('is the same as long as nothing was restarted', async function () {
    const boot = await readBoot()
    if (boot === undefined) this.skip()
    expect(boot).to.match(/^[0-9a-f-]{36}\.[0-9]+$/)
    expect(await readBoot()).to.equal(boot)
  })
})
