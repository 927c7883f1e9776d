import { isIP, SocketAddress } from 'node:net'
import { z } from 'zod'
import type { Admission } from './fenceType.js'
import * as messages from './messages.js'

/*
 * The table of the fence, as nft reads it and as nft lists it. Each volume has its clients once, however many ports it has: 4,000
 * clients of 64 ports are 4,000 elements, which nft takes in 30 ms; 256,000 pairs of port and address took it 1.3 s.
 *
 *   to a brick's port       from its clients alone; from this host itself, root alone
 *   from a brick's port     to its clients and to this host alone, so that nothing more reaches a client that is taken out, and
 *                           the brick's own end of its connection is cut
 *
 * Every packet is looked at, not only the first of a connection.
 */

/** By the volume's name; clients are addresses. */
export type Admissions = ReadonlyMap<string, Admission>

/** The body of the table. nft is given no word from outside but names of volumes, ports and addresses. */
export function rulesFor(admissions: Admissions): string {
  const volumes = [...admissions].sort(([a], [b]) => (a < b ? -1 : 1))
  const ports = volumes.flatMap(([name, { ports }]) => ports.map((port) => [port, name] as const))
  ports.sort(([a], [b]) => a - b)
  const verdicts = (chain: string) => ports.map(([port, name]) => `${port} : goto ${chain}_${name}`)
  return [
    ...volumes.flatMap(([name, { clients }]) => volumeRules(name, clients)),
    ...elements(
      'set ports',
      'inet_service',
      ports.map(([port]) => String(port)),
    ),
    ...elements('map to_ports', 'inet_service : verdict', verdicts('to')),
    ...elements('map from_ports', 'inet_service : verdict', verdicts('from')),
    '  chain input {',
    '    type filter hook input priority filter; policy accept;',
    '    iifname "lo" accept',
    '    tcp dport vmap @to_ports',
    '  }',
    '  chain output {',
    '    type filter hook output priority filter; policy accept;',
    '    oifname "lo" tcp dport @ports meta skuid != 0 reject with tcp reset',
    '    oifname "lo" accept',
    // A refusal is such a packet, and carries nothing.
    '    tcp flags & rst == rst accept',
    '    tcp sport vmap @from_ports',
    '  }',
    '',
  ].join('\n')
}

function volumeRules(name: string, clients: readonly string[]): string[] {
  const of = (version: number) => clients.filter((address) => isIP(address) === version)
  const chain = (direction: string, field: string) => [
    `  chain ${direction}_${name} {`,
    `    ip ${field} @ip_${name} accept`,
    `    ip6 ${field} @ip6_${name} accept`,
    '    reject with tcp reset',
    '  }',
  ]
  return [
    ...elements(`set ip_${name}`, 'ipv4_addr', of(4)),
    ...elements(`set ip6_${name}`, 'ipv6_addr', of(6)),
    ...chain('to', 'saddr'),
    ...chain('from', 'daddr'),
  ]
}

function elements(what: string, type: string, list: readonly string[]): string[] {
  return [
    `  ${what} {`,
    `    type ${type}`,
    ...(list.length > 0 ? [`    elements = { ${list.join(', ')} }`] : []),
    '  }',
  ]
}

const listing = z.object({
  nftables: z.array(
    z.object({
      set: z.object({ name: z.string(), elem: z.array(z.unknown()).default([]) }).optional(),
      map: z.object({ name: z.string(), elem: z.array(z.unknown()).default([]) }).optional(),
    }),
  ),
})
const verdict = z.tuple([z.int(), z.object({ goto: z.object({ target: z.string().regex(/^to_./) }) })])

/**
 * What such a table admits, of nft's listing in JSON. What is not as we write it admits nobody: a port that is in the map
 * stays closed until it is written again. Throws when it is no listing.
 */
export function admissionsIn(json: string): Map<string, Admission> {
  const { nftables } = listing.parse(JSON.parse(json))
  const sets = new Map(nftables.flatMap(({ set }) => (set ? [[set.name, set.elem] as const] : [])))
  const found = new Map<string, { ports: number[]; clients: string[] }>()
  for (const element of nftables.find(({ map }) => map?.name === 'to_ports')?.map?.elem ?? []) {
    const parsed = verdict.safeParse(element)
    if (!parsed.success) continue
    const [port, { goto }] = parsed.data
    const name = goto.target.slice('to_'.length)
    const clients = [...(sets.get(`ip_${name}`) ?? []), ...(sets.get(`ip6_${name}`) ?? [])].filter(isAddress)
    const admission = found.get(name) ?? { ports: [], clients }
    admission.ports.push(port)
    found.set(name, admission)
  }
  return found
}

function isAddress(element: unknown): element is string {
  return typeof element === 'string' && isIP(element) !== 0
}

/** In order, each once, and as nft prints addresses. Throws Error for what is not an address. */
export function canonicalAddresses(addresses: readonly string[]): string[] {
  return [...new Set(addresses.map(canonical))].sort()
}

function canonical(address: string): string {
  const version = isIP(address)
  if (version === 0 || address.includes('%')) throw new Error(messages.notAnAddress(address))
  if (version === 4) return address
  const printed = new SocketAddress({ address, family: 'ipv6' }).address
  // The packets of such a client are of IPv4.
  const mapped = /^::ffff:([0-9.]+)$/.exec(printed)?.[1]
  return mapped ?? printed
}
