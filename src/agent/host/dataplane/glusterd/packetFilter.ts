import type { Clock } from '../../../../daemon/clock.js'
import type { Log } from '../../../../daemon/log.js'
import { coalesce } from '../../exec/coalesce.js'
import type { Run } from '../../exec/run.js'
import { Addresses } from '../../nftables/addresses.js'
import { KeptTable } from '../../nftables/keptTable.js'
import { lookAgain } from '../../exec/lookAgain.js'
import { canonicalAddresses, ipVersion } from '../../nftables/networks.js'
import type { Part, Table } from '../../nftables/tableParts.js'
import * as messages from './messages.js'

/*
 * GlusterFS lets everybody in who reaches its ports: glusterd hands out a volume's password to any process, and a brick takes
 * the client's own word for its uid. So on a compute node only root, whose processes the mounts are, may connect to these
 * ports. nftables does it, in one table of our own.
 *
 *   management ports   to anybody: nothing else uses them, and a storage host may have addresses that this one never heard of
 *   brick ports        to storage hosts alone: they lie among the ports that any program listens on
 *
 * It is the same for bricks that agents serve: whoever of the node has the password of a job's buffer is still not let in.
 */
export const filterTable = 'burstbuffer'
const managementPorts = '24007-24008'
/** glusterd's choice. */
const brickPorts: PortRange = { first: 49_152, last: 60_999 }

export interface PacketFilterOptions {
  /** False: what an earlier agent has installed is removed. */
  enabled: boolean
  /** Names, addresses and networks of storage hosts, beside those that mounts name. */
  storageHosts: readonly string[]
  /** Ports of bricks that agents serve, beside those that mounts name. */
  ownBrickPorts: PortRange
  run: Run
  clock: Clock
  log: Log
  /** Calls back with what is wrong, or with nothing when all is well again. */
  onProblem(problem: string | undefined): void
}

export interface PortRange {
  first: number
  last: number
}

/** What this host mounts from. */
export interface Servers {
  hosts: readonly string[]
  /** Where bricks listen whose ports glusterd has not chosen. */
  ports: readonly number[]
}

/** This host's packet filter for GlusterFS, kept as it should be until it is closed. */
export class PacketFilter {
  private readonly names: Set<string>
  private readonly ports: PortRange[]
  private readonly addresses = new Addresses()
  private readonly table: KeptTable
  private readonly look = coalesce(() => this.work())
  private problem: string | undefined
  private stopLooking: () => void = () => {}

  constructor(private readonly options: PacketFilterOptions) {
    this.names = new Set(options.storageHosts)
    this.ports = [brickPorts, options.ownBrickPorts]
    this.table = new KeptTable(filterTable, options.run)
  }

  /** Installs or removes it; looks again every few seconds. Problems are told, never thrown. */
  async start(): Promise<void> {
    await this.look()
    if (this.options.enabled) this.stopLooking = lookAgain(this.options.clock, this.look)
  }

  /**
   * These are storage hosts too, and ports of bricks: those that this host mounts from. Resolves when the rules have them;
   * problems are told, never thrown.
   */
  async learn({ hosts, ports }: Servers): Promise<void> {
    const names = hosts.filter((host) => !this.names.has(host))
    const more = ports.filter((port) => !this.ports.some(({ first, last }) => first <= port && port <= last))
    if (!this.options.enabled || names.length + more.length === 0) return
    for (const name of names) this.names.add(name)
    this.ports.push(...more.map((port) => ({ first: port, last: port })))
    await this.look()
  }

  /** The rules stay, as mounts do. */
  close(): void {
    this.stopLooking()
  }

  private async work(): Promise<void> {
    const { enabled, log } = this.options
    try {
      if (enabled) return this.tell(await this.install())
      if (await this.table.remove()) log.info('packet filter removed')
      this.tell(undefined)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.tell(enabled ? messages.filterNotInstalled(reason) : undefined)
    }
  }

  private async install(): Promise<string | undefined> {
    await this.addresses.learn(this.names, { onlyNew: false })
    const isWritten = await this.table.keep(rulesFor(this.addresses.of(this.names), this.ports))
    if (isWritten) this.options.log.info('packet filter installed', { storageHosts: [...this.names] })
    const unresolved = this.addresses.unknown(this.names)
    return unresolved.length > 0 ? messages.filterNotKnown(unresolved) : undefined
  }

  private tell(problem: string | undefined): void {
    if (problem === this.problem) return
    this.problem = problem
    if (problem !== undefined) this.options.log.error('packet filter', { problem })
    this.options.onProblem(problem)
  }
}

/** nft is given no word from outside but addresses and ports. */
export function rulesFor(storageHosts: readonly string[], ports: readonly PortRange[]): Table {
  const addresses = canonicalAddresses(storageHosts)
  const of = (version: number) => addresses.filter((address) => ipVersion(address) === version)
  const set = (type: string, lines: readonly string[]): Part => ({
    kind: 'set',
    type: `type ${type}; flags interval`,
    lines,
  })
  const reject = 'meta skuid != 0 reject with tcp reset'
  return new Map<string, Part>([
    ['storage4', set('ipv4_addr', of(4))],
    ['storage6', set('ipv6_addr', of(6))],
    ['brick_ports', set('inet_service', merged(ports))],
    [
      'output',
      {
        kind: 'chain',
        type: 'type filter hook output priority filter; policy accept;',
        lines: [
          `tcp dport ${managementPorts} ${reject}`,
          `ip daddr @storage4 tcp dport @brick_ports ${reject}`,
          `ip6 daddr @storage6 tcp dport @brick_ports ${reject}`,
        ],
      },
    ],
  ])
}

/** nft takes no ranges that overlap. */
function merged(ranges: readonly PortRange[]): string[] {
  const all: PortRange[] = []
  for (const { first, last } of [...ranges].sort((a, b) => a.first - b.first)) {
    const before = all.at(-1)
    if (before && first <= before.last + 1) before.last = Math.max(before.last, last)
    else all.push({ first, last })
  }
  return all.map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`))
}
