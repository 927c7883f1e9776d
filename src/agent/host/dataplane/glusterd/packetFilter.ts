import { isIP } from 'node:net'
import type { Clock } from '../../../../daemon/clock.js'
import type { Log } from '../../../../daemon/log.js'
import { coalesce } from '../../exec/coalesce.js'
import type { Run } from '../../exec/run.js'
import { Addresses } from '../../nftables/addresses.js'
import { KeptTable } from '../../nftables/keptTable.js'
import { lookAgain } from '../../nftables/lookAgain.js'

/*
 * GlusterFS lets everybody in who reaches its ports: glusterd hands out a volume's password to any process, and a brick takes
 * the client's own word for its uid. So on a compute node only root, whose processes the mounts are, may connect to these
 * ports. nftables does it, in one table of our own.
 *
 *   management ports   to anybody: nothing else uses them, and a storage host may have addresses that this one never heard of
 *   brick ports        to storage hosts alone: they lie among the ports that any program listens on
 */
export const filterTable = 'burstbuffer'
const managementPorts = '24007-24008'
const brickPorts = '49152-60999'

export interface PacketFilterOptions {
  /** False: what an earlier agent has installed is removed. */
  enabled: boolean
  /** Names, addresses and networks of storage hosts, beside those that mounts name. */
  storageHosts: readonly string[]
  run: Run
  clock: Clock
  log: Log
  /** Calls back with what is wrong, or with nothing when all is well again. */
  onProblem(problem: string | undefined): void
}

/** This host's packet filter for GlusterFS, kept as it should be until it is closed. */
export class PacketFilter {
  private readonly names: Set<string>
  private readonly addresses = new Addresses()
  private readonly table: KeptTable
  private readonly look = coalesce(() => this.work())
  private problem: string | undefined
  private stopLooking: () => void = () => {}

  constructor(private readonly options: PacketFilterOptions) {
    this.names = new Set(options.storageHosts)
    this.table = new KeptTable(filterTable, options.run)
  }

  /** Installs or removes it; looks again every few seconds. Problems are told, never thrown. */
  async start(): Promise<void> {
    await this.look()
    if (this.options.enabled) this.stopLooking = lookAgain(this.options.clock, this.look)
  }

  /**
   * These are storage hosts too: the ones that this host mounts from. Resolves when the rules have them; problems are
   * told, never thrown.
   */
  async learn(servers: readonly string[]): Promise<void> {
    const unknown = servers.filter((server) => !this.names.has(server))
    if (!this.options.enabled || unknown.length === 0) return
    for (const server of unknown) this.names.add(server)
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
      this.tell(
        enabled
          ? `any user of this host can read and write buffers: the packet filter cannot be installed: ${reason}`
          : undefined,
      )
    }
  }

  private async install(): Promise<string | undefined> {
    await this.addresses.learn(this.names, { onlyNew: false })
    const isWritten = await this.table.keep(rulesFor(this.addresses.of(this.names)))
    if (isWritten) this.options.log.info('packet filter installed', { storageHosts: [...this.names] })
    const unresolved = this.addresses.unknown(this.names)
    return unresolved.length > 0
      ? `the packet filter does not know the addresses of ${unresolved.join(', ')}: the name is not found`
      : undefined
  }

  private tell(problem: string | undefined): void {
    if (problem === this.problem) return
    this.problem = problem
    if (problem !== undefined) this.options.log.error('packet filter', { problem })
    this.options.onProblem(problem)
  }
}

/** The body of the table. nft is given no word from outside but addresses. */
export function rulesFor(addresses: readonly string[]): string {
  const of = (version: number) => addresses.filter((address) => isIP(address.split('/')[0]!) === version)
  const set = (name: string, type: string, elements: string[]) => [
    `  set ${name} {`,
    `    type ${type}; flags interval; auto-merge`,
    ...(elements.length > 0 ? [`    elements = { ${[...new Set(elements)].sort().join(', ')} }`] : []),
    '  }',
  ]
  const reject = 'meta skuid != 0 reject with tcp reset'
  return [
    ...set('storage4', 'ipv4_addr', of(4)),
    ...set('storage6', 'ipv6_addr', of(6)),
    '  chain output {',
    '    type filter hook output priority filter; policy accept;',
    `    tcp dport ${managementPorts} ${reject}`,
    `    ip daddr @storage4 tcp dport ${brickPorts} ${reject}`,
    `    ip6 daddr @storage6 tcp dport ${brickPorts} ${reject}`,
    '  }',
    '',
  ].join('\n')
}
