import { expect } from 'chai'
import { hostPattern, matchesHost } from '../../../src/model/hostPattern.js'

describe('a pattern of host names', () => {
  const cases: [pattern: string, matching: string[], others: string[]][] = [
    ['gluster1', ['gluster1'], ['gluster10', 'xgluster1', 'gluster', 'Gluster1']],
    ['nvme*', ['nvme', 'nvme1', 'nvme-a.site.org'], ['xnvme1', 'nvm', 'c1']],
    ['nvme?', ['nvme1'], ['nvme', 'nvme12']],
    ['*-io', ['a-io', 'io-io'], ['-io', 'a-iox']],
    ['a*b*c', ['abc', 'a1b2c', 'abbcc'], ['ab', 'acb', 'abcd']],
    ['*.io', ['a.io'], ['aXio']],
    ['a**', ['a', 'ab'], ['b']],
  ]
  for (const [pattern, matching, others] of cases) {
    it(`${pattern} is ${matching.join(', ')} as a whole and nothing else`, () => {
      expect(hostPattern.safeParse(pattern).success).to.equal(true)
      for (const host of matching) expect(matchesHost(pattern, host), host).to.equal(true)
      for (const host of others) expect(matchesHost(pattern, host), host).to.equal(false)
    })
  }

  it('may not be what names every host, brackets, or anything that no name holds', () => {
    for (const pattern of ['', '*', '?*', '*.*', 'nvme[12]', 'nvme[1-9]', 'a/b', 'a b', 'a\n', '(a)', 'a'.repeat(64)])
      expect(hostPattern.safeParse(pattern).success, pattern).to.equal(false)
  })

  it('takes bounded work for a pattern of many stars', () => {
    expect(matchesHost(`${'*a'.repeat(30)}*b`, 'a'.repeat(63))).to.equal(false)
  })
})
