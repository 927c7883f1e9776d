import { listedIn } from '../../nftables/listing.js'
import { ipVersion, isNetwork } from '../../nftables/networks.js'
import type { Part, Table } from '../../nftables/tableParts.js'
import type { Admission } from './fenceType.js'

/*
 * The table of the fence, as nft reads it and as nft lists it. Each volume has its clients once, however many ports it has: 4,000
 * clients of 64 ports are 4,000 elements, which nft takes in 30 ms; 256,000 pairs of port and address took it 1.3 s.
 *
 *   to a brick's port       from its clients alone; from this host itself, root alone
 *   from a brick's port     to its clients and to this host alone, so that nothing more reaches a client that is taken out, and
 *                           the brick's own end of its connection is cut
 *
 *   a connection is begun   by root's programs alone: a user's program that listens on a brick's port while the brick is away
 *   or answered from it      answers nobody, so that no client tells it a login
 *
 * Every packet is looked at, not only the first of a connection.
 */

/** By the volume's name; clients are addresses and networks, none in another. */
export type Admissions = ReadonlyMap<string, Admission>

/** nft is given no word from outside but names of volumes, ports, addresses and networks. */
export function rulesFor(admissions: Admissions): Table {
  const volumes = [...admissions].sort(([a], [b]) => (a < b ? -1 : 1))
  const ports = volumes.flatMap(([name, { ports }]) => ports.map((port) => [port, name] as const))
  ports.sort(([a], [b]) => a - b)
  const verdicts = (direction: string) => ports.map(([port, name]) => `${port} : goto ${direction}_${name}`)
  return new Map<string, Part>([
    ...volumes.flatMap(([name, admission]) => rulesOf(name, admission)),
    [
      'ports',
      set(
        'inet_service',
        ports.map(([port]) => String(port)),
      ),
    ],
    ['to_ports', { kind: 'map', type: 'type inet_service : verdict', lines: verdicts('to') }],
    ['from_ports', { kind: 'map', type: 'type inet_service : verdict', lines: verdicts('from') }],
    // What no socket of root's sends, and what no socket that is known sends, is not sent.
    ['begins', { kind: 'chain', type: '', lines: ['meta skuid 0 return', 'drop'] }],
    ['input', hook('input', ['iifname "lo" accept', 'tcp dport vmap @to_ports'])],
    [
      'output',
      hook('output', [
        'tcp sport @ports tcp flags & syn == syn jump begins',
        'oifname "lo" tcp dport @ports meta skuid != 0 reject with tcp reset',
        'oifname "lo" accept',
        // A refusal is such a packet, and carries nothing.
        'tcp flags & rst == rst accept',
        'tcp sport vmap @from_ports',
      ]),
    ],
  ])
}

/** The parts of many thousand clients are compared by what they are, and not by what is in them. */
const known = new WeakMap<Admission, { name: string; rules: [string, Part][] }>()

function rulesOf(name: string, admission: Admission): [string, Part][] {
  const before = known.get(admission)
  if (before?.name === name) return before.rules
  const rules = volumeRules(name, admission.clients)
  known.set(admission, { name, rules })
  return rules
}

/** Addresses are in a set whose elements nft finds without reading them all; networks, of which there are few, in another. */
const setsOf = (name: string) => [
  { set: `ip_${name}`, type: 'ipv4_addr', field: 'ip', version: 4, ofNetworks: false },
  { set: `ip6_${name}`, type: 'ipv6_addr', field: 'ip6', version: 6, ofNetworks: false },
  { set: `net_${name}`, type: 'ipv4_addr; flags interval', field: 'ip', version: 4, ofNetworks: true },
  { set: `net6_${name}`, type: 'ipv6_addr; flags interval', field: 'ip6', version: 6, ofNetworks: true },
]

function volumeRules(name: string, clients: readonly string[]): [string, Part][] {
  const sets = setsOf(name).map((each) => ({
    ...each,
    elements: clients.filter((text) => ipVersion(text) === each.version && isNetwork(text) === each.ofNetworks),
  }))
  const used = sets.filter(({ ofNetworks, elements }) => !ofNetworks || elements.length > 0)
  const chain = (end: string): Part => ({
    kind: 'chain',
    type: '',
    lines: [...used.map(({ field, set }) => `${field} ${end} @${set} accept`), 'reject with tcp reset'],
  })
  return [
    ...used.map(({ set: setName, type, elements }): [string, Part] => [setName, set(type, elements)]),
    [`to_${name}`, chain('saddr')],
    [`from_${name}`, chain('daddr')],
  ]
}

function set(type: string, lines: readonly string[]): Part {
  return { kind: 'set', type: `type ${type}`, lines }
}

function hook(name: string, lines: readonly string[]): Part {
  return { kind: 'chain', type: `type filter hook ${name} priority filter; policy accept;`, lines }
}

/**
 * What such a table admits, of nft's listing in JSON. What is not as we write it admits nobody: a port that is in the map
 * stays closed until it is written again. Throws when it is no listing.
 */
export function admissionsIn(json: string): Map<string, Admission> {
  const { elements } = listedIn(json)
  const found = new Map<string, { ports: number[]; clients: string[] }>()
  for (const element of elements.get('to_ports') ?? []) {
    const [, port, name] = /^([0-9]+) : goto to_(.+)$/.exec(element) ?? []
    if (port === undefined || name === undefined) continue
    const admission = found.get(name) ?? { ports: [], clients: clientsIn(elements, name) }
    admission.ports.push(Number(port))
    found.set(name, admission)
  }
  return found
}

function clientsIn(elements: ReadonlyMap<string, readonly string[]>, name: string): string[] {
  return setsOf(name).flatMap(({ set }) => (elements.get(set) ?? []).filter((text) => ipVersion(text) !== 0))
}
