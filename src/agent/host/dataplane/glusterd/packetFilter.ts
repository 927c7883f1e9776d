import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Clock } from '../../../../daemon/clock.js'
import type { Log } from '../../../../daemon/log.js'
import { CommandError, type Run, runOk } from '../../exec/run.js'

/*
 * GlusterFS lets everybody in who reaches its ports: glusterd hands out a volume's password to any process, and a brick takes
 * the client's own word for its uid. So on a compute node only root, whose processes the mounts are, may connect to these
 * ports. nftables does it, in one table of our own; no other is looked at.
 *
 *   management ports   to anybody: nothing else uses them, and a storage host may have addresses that this one never heard of
 *   brick ports        to storage hosts alone: they lie among the ports that any program listens on
 *
 * INVARIANT: the table is exchanged in one transaction, so that there is no moment without its rules.
 */
export const filterTable = 'burstbuffer'
const managementPorts = '24007-24008'
const brickPorts = '49152-60999'
const nftMs = 10_000
const checkEveryMs = 10_000

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
  private readonly addresses = new Map<string, string[]>()
  /** What was installed, and how nft lists it: another listing means that somebody has changed it. */
  private installed: { rules: string; listing: string } | undefined
  private problem: string | undefined
  private working: Promise<void> | undefined
  private again = false
  private closed = false
  private cancelCheck: () => void = () => {}

  constructor(private readonly options: PacketFilterOptions) {
    this.names = new Set(options.storageHosts)
  }

  /** Installs or removes it; looks again every few seconds. Problems are told, never thrown. */
  async start(): Promise<void> {
    await this.look()
    if (this.options.enabled) this.scheduleCheck()
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
    this.closed = true
    this.cancelCheck()
  }

  private scheduleCheck(): void {
    this.cancelCheck = this.options.clock.after(checkEveryMs, () => {
      void this.look().then(() => {
        if (!this.closed) this.scheduleCheck()
      })
    })
  }

  /** One look at a time; what comes meanwhile is looked at once more. */
  private look(): Promise<void> {
    this.again = true
    this.working ??= this.work().finally(() => (this.working = undefined))
    return this.working
  }

  private async work(): Promise<void> {
    while (this.again) {
      this.again = false
      try {
        const unresolved = this.options.enabled ? await this.install() : await this.remove()
        this.tell(unresolved)
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        this.tell(
          this.options.enabled
            ? `any user of this host can read and write buffers: the packet filter cannot be installed: ${reason}`
            : undefined,
        )
      }
    }
  }

  private async install(): Promise<string | undefined> {
    const unresolved = await this.resolve()
    const rules = rulesFor([...this.addresses.values()].flat())
    if (this.installed?.rules !== rules || (await this.listing()) !== this.installed.listing) {
      await runOk(this.options.run, ['nft', '-f', '-'], { timeoutMs: nftMs, stdin: rules })
      const listing = await this.listing()
      if (listing === undefined) throw new Error('nft has taken the rules and does not list them')
      this.options.log.info('packet filter installed', { storageHosts: [...this.names], wasThere: !!this.installed })
      this.installed = { rules, listing }
    }
    return unresolved.length > 0
      ? `the packet filter does not know the addresses of ${unresolved.join(', ')}: the name is not found`
      : undefined
  }

  private async remove(): Promise<undefined> {
    const { run, log } = this.options
    if ((await this.listing()) === undefined) return
    await runOk(run, ['nft', 'delete', 'table', 'inet', filterTable], { timeoutMs: nftMs })
    log.info('packet filter removed')
  }

  /** Our table, as nft prints it; undefined when there is none. */
  private async listing(): Promise<string | undefined> {
    const argv = ['nft', '--numeric', 'list', 'table', 'inet', filterTable] as const
    const result = await this.options.run(argv, { timeoutMs: nftMs })
    if (result.code === 0) return result.stdout
    if (result.stderr.includes('No such file or directory')) return undefined
    throw new CommandError(argv, { ...result, signal: null, timedOut: false })
  }

  /** Names may come to mean other addresses; one that is not found keeps what it meant. Gives the names that mean nothing yet. */
  private async resolve(): Promise<string[]> {
    await Promise.all(
      [...this.names].map(async (name) => {
        if (isIP(name.split('/')[0]!)) return this.addresses.set(name, [name])
        const found = await lookup(name, { all: true }).catch(() => [])
        const addresses = [...new Set(found.map(({ address }) => address))].sort()
        return addresses.length > 0 && this.addresses.set(name, addresses)
      }),
    )
    return [...this.names].filter((name) => !this.addresses.has(name))
  }

  private tell(problem: string | undefined): void {
    if (problem === this.problem) return
    this.problem = problem
    if (problem !== undefined) this.options.log.error('packet filter', { problem })
    this.options.onProblem(problem)
  }
}

/** A table that replaces the one that is there. nft is given no word from outside but addresses. */
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
    `table inet ${filterTable}`,
    `delete table inet ${filterTable}`,
    `table inet ${filterTable} {`,
    ...set('storage4', 'ipv4_addr', of(4)),
    ...set('storage6', 'ipv6_addr', of(6)),
    '  chain output {',
    '    type filter hook output priority filter; policy accept;',
    `    tcp dport ${managementPorts} ${reject}`,
    `    ip daddr @storage4 tcp dport ${brickPorts} ${reject}`,
    `    ip6 daddr @storage6 tcp dport ${brickPorts} ${reject}`,
    '  }',
    '}',
    '',
  ].join('\n')
}
