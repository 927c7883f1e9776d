import { expect } from 'chai'
import { notAnAddress } from '../../../../../src/agent/host/nftables/messages.js'
import { canonicalAddresses } from '../../../../../src/agent/host/nftables/networks.js'

describe('addresses and networks', () => {
  const cases: [string[], string[]][] = [
    [
      ['2001:DB8:0::1', '10.0.0.2', '10.0.0.2', '::ffff:10.0.0.1', '2001:db8::1'],
      ['10.0.0.1', '10.0.0.2', '2001:db8::1'],
    ],
    [
      ['10.1.2.3/16', '10.1.0.0/16', '10.2.3.4/32', '2001:DB8:1::7/32', 'fd00::5/128'],
      ['10.1.0.0/16', '10.2.3.4', '2001:db8::/32', 'fd00::5'],
    ],
    [
      ['10.1.2.3', '10.1.2.0/24', '10.1.0.0/16', '10.2.0.1', 'fd00::1', 'fd00::/8', 'fe00::1'],
      ['10.1.0.0/16', '10.2.0.1', 'fd00::/8', 'fe00::1'],
    ],
    [
      ['10.128.0.0/9', '10.0.0.0/9'],
      ['10.0.0.0/9', '10.128.0.0/9'],
    ],
    [
      ['0.0.0.0/0', '10.0.0.1', 'fd00::1', '64:ff9b::1.2.3.4'],
      ['0.0.0.0/0', '64:ff9b::102:304', 'fd00::1'],
    ],
    [
      ['10.0.0.7/30', '10.0.0.3', '10.0.0.4'],
      ['10.0.0.3', '10.0.0.4/30'],
    ],
  ]
  for (const [written, canonical] of cases) {
    it(`are written as nft prints them, each once, none in another: ${written.join()}`, () => {
      expect(canonicalAddresses(written)).to.deep.equal(canonical)
      expect(canonicalAddresses(canonical)).to.deep.equal(canonical)
    })
  }

  const wrong = ['', 'c1', '10.0.0', '10.0.0.256', '010.0.0.1', 'fe80::1%eth0', '10.0.0.1, 0/0 }']
  for (const text of [...wrong, '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0.0/-1', 'fd00::/129', '/8']) {
    it(`are refused when one is ${JSON.stringify(text)}`, () => {
      expect(() => canonicalAddresses(['10.0.0.1', text])).to.throw(notAnAddress(text))
    })
  }
})
