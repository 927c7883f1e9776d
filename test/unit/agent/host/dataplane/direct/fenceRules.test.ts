import { expect } from 'chai'
import type { Admission } from '../../../../../../src/agent/host/dataplane/direct/fenceType.js'
import { admissionsIn, rulesFor } from '../../../../../../src/agent/host/dataplane/direct/fenceRules.js'
import { wholeTable } from '../../../../../../src/agent/host/nftables/tableParts.js'

const seven: [string, Admission] = ['7', { ports: [50_002, 50_001], clients: ['10.0.0.2', '2001:db8::1', '10.0.0.1'] }]
const eight: [string, Admission] = ['8-2', { ports: [50_003], clients: [] }]
const rulesOf = (...admissions: [string, Admission][]) => wholeTable('t', rulesFor(new Map(admissions)))
const has = (rules: string, line: string) => expect(rules.split('\n').map((found) => found.trim())).to.include(line)

describe('the rules of the fence', () => {
  const rules = rulesOf(eight, seven)

  it('name the clients of a volume once, by the version of their addresses, however many ports it has', () => {
    expect(rules.match(/10\.0\.0\.1/g)).to.have.length(1)
    has(rules, 'elements = { 10.0.0.2, 10.0.0.1 }')
    has(rules, 'elements = { 2001:db8::1 }')
  })

  it('say for each port which volume’s clients it is for, in both directions', () => {
    has(rules, 'elements = { 50001 : goto to_7, 50002 : goto to_7, 50003 : goto to_8-2 }')
    has(rules, 'elements = { 50001 : goto from_7, 50002 : goto from_7, 50003 : goto from_8-2 }')
  })

  it('reject what is of nobody else, also where a volume has no clients', () => {
    for (const chain of ['to_7', 'from_7', 'to_8-2', 'from_8-2'])
      expect(rules).to.match(new RegExp(`chain ${chain} \\{\\n( +ip6? .*accept\\n){2} +reject with tcp reset\\n`))
  })

  it('let only root of this host itself connect', () => {
    has(rules, 'oifname "lo" tcp dport @ports meta skuid != 0 reject with tcp reset')
  })

  it('let no program but root’s begin or answer a connection from a brick’s port, also on this host', () => {
    const output = /chain output \{\n.*\n +(.*)\n/.exec(rules)?.[1]
    expect(output).to.equal('tcp sport @ports tcp flags & syn == syn jump begins')
    expect(rules).to.match(/chain begins \{\n +meta skuid 0 return\n +drop\n/)
  })

  it('have networks in sets of their own, where there are any', () => {
    expect(rules).to.not.match(/set net/)
    const nine = rulesOf(['9', { ports: [50_004], clients: ['10.0.0.1', '10.1.0.0/16', '2001:db8::/32'] }])
    has(nine, 'elements = { 10.0.0.1 }')
    has(nine, 'elements = { 10.1.0.0/16 }')
    has(nine, 'elements = { 2001:db8::/32 }')
    for (const rule of ['ip saddr @net_9 accept', 'ip6 saddr @net6_9 accept', 'ip daddr @net_9 accept']) has(nine, rule)
  })

  it('ask for no state of connections: one that stands is looked at like a new one', () => {
    expect(rules).to.not.match(/\bct\b|established/)
  })

  it('are the same for the same admissions in another order', () => {
    expect(rulesOf(seven, eight)).to.equal(rules)
  })
})

describe('a listing of the fence', () => {
  /** Printed by nft 1.0.6 for such rules; parts that nothing reads are left out. */
  const printed = (elements: unknown[]) =>
    JSON.stringify({
      nftables: [
        { metainfo: { version: '1.0.6', json_schema_version: 1 } },
        { table: { family: 'inet', name: 'burstbuffer_bricks', handle: 1 } },
        { set: { family: 'inet', name: 'ip_7', type: 'ipv4_addr', handle: 4, elem: ['10.0.0.1', '10.0.0.2'] } },
        { set: { family: 'inet', name: 'ip6_7', type: 'ipv6_addr', handle: 5, elem: ['2001:db8::1'] } },
        { set: { family: 'inet', name: 'ip_8-2', type: 'ipv4_addr', handle: 6 } },
        { set: { family: 'inet', name: 'net_8-2', handle: 7, elem: [{ prefix: { addr: '10.1.0.0', len: 16 } }] } },
        { map: { family: 'inet', name: 'to_ports', type: 'inet_service', map: 'verdict', elem: elements } },
        { chain: { family: 'inet', name: 'to_7', handle: 1 } },
      ],
    })

  it('tells what is admitted', () => {
    const elements = [
      [50_001, { goto: { target: 'to_7' } }],
      [50_002, { goto: { target: 'to_7' } }],
      [50_003, { goto: { target: 'to_8-2' } }],
    ]
    expect([...admissionsIn(printed(elements))]).to.deep.equal([
      ['7', { ports: [50_001, 50_002], clients: ['10.0.0.1', '10.0.0.2', '2001:db8::1'] }],
      ['8-2', { ports: [50_003], clients: ['10.1.0.0/16'] }],
    ])
  })

  it('keeps a port closed whose clients it does not tell, and passes over what is not ours', () => {
    const elements = [[50_001, { goto: { target: 'to_9' } }], [50_002, { accept: null }], 50_003, [{ range: [1, 9] }]]
    expect([...admissionsIn(printed(elements))]).to.deep.equal([['9', { ports: [50_001], clients: [] }]])
  })

  it('admits nobody where there is no map, and is refused when it is cut short', () => {
    expect(admissionsIn('{"nftables": [{"table": {"name": "burstbuffer_bricks"}}]}').size).to.equal(0)
    const whole = printed([])
    expect(() => admissionsIn(whole.slice(0, -20))).to.throw(SyntaxError)
    expect(() => admissionsIn('{}')).to.throw()
  })
})
