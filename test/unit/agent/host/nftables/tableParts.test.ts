import { expect } from 'chai'
import {
  changesOf,
  isSameTable,
  type Part,
  type Table,
  wholeTable,
} from '../../../../../src/agent/host/nftables/tableParts.js'

const addresses = (...lines: string[]): Part => ({ kind: 'set', type: 'type ipv4_addr', lines })
const chain = (...lines: string[]): Part => ({ kind: 'chain', type: '', lines })
const verdicts = (...lines: string[]): Part => ({ kind: 'map', type: 'type inet_service : verdict', lines })
const table = (parts: Record<string, Part>): Table => new Map(Object.entries(parts))

describe('what changes in a table of nftables', () => {
  const one = {
    a: addresses('10.0.0.1', '10.0.0.2'),
    to: chain('ip saddr @a accept', 'reject'),
    ports: verdicts('1 : goto to'),
  }

  it('is nothing where elements are the same in another order', () => {
    const other = table({ ...one, a: addresses('10.0.0.2', '10.0.0.1') })
    expect(changesOf('t', table(one), other)).to.equal('')
    expect(isSameTable(table(one), other)).to.equal(true)
    expect(isSameTable(table(one), table({ ...one, b: addresses() }))).to.equal(false)
  })

  it('is named by elements', () => {
    const other = table({ ...one, a: addresses('10.0.0.2', '10.0.0.3') })
    expect(changesOf('t', table(one), other)).to.equal(
      'delete element inet t a { 10.0.0.1 }\nadd element inet t a { 10.0.0.3 }\n',
    )
  })

  it('is made before elements lead to it, and removed when none does any more', () => {
    const other = table({ b: addresses(), to_b: chain('ip saddr @b accept'), ports: verdicts('1 : goto to_b') })
    const commands = changesOf('t', table(one), other)!.split('\n')
    const at = (line: string) => commands.indexOf(line)
    const order = [
      '  chain to_b {',
      'delete element inet t ports { 1 : goto to }',
      'add element inet t ports { 1 : goto to_b }',
      'delete chain inet t to',
      'delete set inet t a',
    ].map(at)
    expect(order).to.not.include(-1)
    expect(order).to.deep.equal([...order].sort((a, b) => a - b))
  })

  it('cannot be said where rules or a type change', () => {
    expect(changesOf('t', table(one), table({ ...one, to: chain('reject') }))).to.equal(undefined)
    const ofPorts: Part = { kind: 'set', type: 'type inet_service', lines: [] }
    expect(changesOf('t', table(one), table({ ...one, a: ofPorts }))).to.equal(undefined)
  })

  it('is all of it where it is made anew', () => {
    expect(wholeTable('t', table({ a: addresses('10.0.0.1'), to: chain('accept') }))).to.equal(
      [
        'table inet t',
        'delete table inet t',
        'table inet t {',
        '  set a {',
        '    type ipv4_addr',
        '    elements = { 10.0.0.1 }',
        '  }',
        '  chain to {',
        '    accept',
        '  }',
        '}',
        '',
      ].join('\n'),
    )
  })
})
