import type { Clock } from '../../../../daemon/clock.js'
import type { Log } from '../../../../daemon/log.js'
import { coalesce } from '../../exec/coalesce.js'
import { type Run, runOk } from '../../exec/run.js'
import { Addresses } from '../../nftables/addresses.js'
import { KeptTable } from '../../nftables/keptTable.js'
import { lookAgain } from '../../exec/lookAgain.js'
import { canonicalAddresses } from '../../nftables/networks.js'
import { admissionsIn, rulesFor } from './fenceRules.js'
import type { Admission, BrickFence } from './fenceType.js'
import { portsListenedOn } from './listening.js'
import * as messages from './messages.js'

/*
 * Who may connect to the bricks of this storage host at all: for each volume its ports and its clients, in a table of nftables
 * of our own (fenceRules.ts says what it looks like).
 *
 * What an earlier agent has admitted stands until the volume is admitted or released again: it is read from nft, not from
 * a note. The table is looked at every few seconds, and written again when somebody has changed it.
 *
 * INVARIANTS: a port is in the table before its brick listens (the caller admits first), and leaves it only when nobody listens on
 * it (asked here). The table is changed in one transaction.
 */
export const fenceTable = 'burstbuffer_bricks'
const ssMs = 5_000
/** A table that was seen so lately counts as it was seen: each look costs a process, and it is looked at every ten seconds anyway. */
const trustedMs = 2_000

export interface FenceOptions {
  /** False: what an earlier agent has installed is removed, everything counts as admitted, and that is told as a problem. */
  enabled: boolean
  run: Run
  /** The ports that some program listens on, of this network namespace by default. */
  listening?(): Promise<Pick<ReadonlyMap<number, unknown>, 'has'>>
  clock: Clock
  log: Log
  /** Calls back with what is wrong, or with nothing when all is well again. */
  onProblem(problem: string | undefined): void
}

/** For so long after its start an agent believes an earlier one in what names mean. */
const beforeMs = 600_000

/** An admission, and whom an earlier agent had admitted: they stay while some name of a client means nothing to this one yet. */
interface Standing extends Admission {
  before?: readonly string[]
}

/** What the names of an admission mean, as long as no name means something else. */
interface Meaning {
  revision: number
  /** By addresses and networks. */
  resolved: Admission
  /** Clients that are neither. */
  names: readonly string[]
}

export class Fence implements BrickFence {
  private readonly table: KeptTable
  private readonly addresses = new Addresses()
  /** Undefined until it was read what an earlier agent has left. */
  private wanted: Map<string, Standing> | undefined
  /** What an earlier agent has left cannot be read: it stays until the first volume is admitted, which replaces it. */
  private isUnreadable = false
  private readonly meanings = new WeakMap<Admission, Meaning>()
  private readonly read = coalesce(() => this.readStanding())
  private readonly look = coalesce(() => this.work())
  private readonly isKept = coalesce(() => this.isTableKept())
  /** What is in the table. */
  private written: ReadonlyMap<string, Admission> = new Map()
  /** When it was read what an earlier agent has left. */
  private readMs = -Infinity
  /** When the table was seen last as it should be. */
  private keptMs = -Infinity
  private problem: string | undefined
  private stopLooking: () => void = () => {}

  constructor(private readonly options: FenceOptions) {
    this.table = new KeptTable(fenceTable, options.run)
  }

  /** Keeps what stands, or removes it where the fence is off. Problems are told, never thrown. */
  async start(): Promise<void> {
    const { enabled, log, clock } = this.options
    if (!enabled) {
      if (await this.table.remove().catch(() => false)) log.info('fence removed')
      return this.tell(messages.fenceIsOff())
    }
    // A host without nftables has no table, and may never need one.
    await this.look().catch(() => {})
    this.stopLooking = lookAgain(clock, async () => {
      await this.addresses.learn(this.names(), { onlyNew: false })
      await this.look()
    })
  }

  /**
   * Only these clients may connect to these ports, from when it resolves; whoever else is connected is cut off. Ports that
   * the volume had before leave it. Throws Error for a wrong port, name or address, while somebody listens on a port that
   * leaves, and when nft refuses: then the ports are what they were, and it is tried again.
   */
  async admit(volume: string, { ports, clients }: Admission): Promise<void> {
    if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,199}$/.test(volume)) throw new Error(messages.notAVolume(volume))
    const wrong = ports.find((port) => !Number.isInteger(port) || port < 1 || port > 65_535)
    if (wrong !== undefined) throw new Error(messages.notAPort(wrong))
    if (!this.options.enabled) return
    const wanted = await this.read()
    await this.addresses.learn(clients, { onlyNew: true })
    canonicalAddresses(this.addresses.of(clients))
    await this.requireEnded(leavingPorts(wanted, volume, ports))
    // An agent that starts while names are not answered would cut off the clients of jobs that run.
    const before = this.addresses.unknown(clients).length > 0 ? wanted.get(volume)?.before : undefined
    takePorts(wanted, volume, ports)
    const admitted: Standing = { ports: sortedPorts(ports), clients: [...new Set(clients)].sort() }
    if (ports.length > 0) wanted.set(volume, before === undefined ? admitted : { ...admitted, before })
    await this.look()
  }

  /** These clients alone may connect to the volume's ports, which are these, as nft says. Throws when it cannot be asked. */
  async isAdmitted(volume: string, { ports, clients }: Admission): Promise<boolean> {
    if (!this.options.enabled) return true
    const stands = (await this.read()).get(volume)
    if (stands === undefined) return ports.length === 0
    const isSame =
      stands.ports.join() === sortedPorts(ports).join() && stands.clients.join() === [...new Set(clients)].sort().join()
    // What nft has refused is wanted and not written.
    return isSame && this.written.get(volume) === stands && this.isKept()
  }

  /** What is in the table, by volume. Throws when nft cannot be asked. */
  async admitted(): Promise<ReadonlyMap<string, Admission>> {
    return this.options.enabled ? this.read() : new Map()
  }

  /** Some port of the volume is still in the table. Throws when nft cannot be asked. */
  async isLeft(volume: string): Promise<boolean> {
    return this.options.enabled && (await this.read()).has(volume)
  }

  /** Its ports leave the table. Throws Error while somebody listens on one of them, and when nft refuses. */
  async release(volume: string): Promise<void> {
    await this.admit(volume, { ports: [], clients: [] })
  }

  /** The rules stay, as bricks do. */
  close(): void {
    this.stopLooking()
  }

  private async readStanding(): Promise<Map<string, Standing>> {
    if (!this.wanted) {
      const listing = await this.table.list()
      this.wanted = listing === undefined ? new Map() : this.standingIn(listing)
      this.readMs = this.options.clock.monotonicMs()
    }
    return this.wanted
  }

  private standingIn(listing: string): Map<string, Standing> {
    try {
      const found = [...admissionsIn(listing)]
      return new Map(found.map(([volume, each]) => [volume, { ...each, before: each.clients }]))
    } catch (error) {
      this.options.log.warn('fence cannot be read: it is replaced when a volume is admitted', { reason: String(error) })
      this.isUnreadable = true
      return new Map()
    }
  }

  private async work(): Promise<void> {
    try {
      const wanted = new Map(await this.read())
      const resolved = () => new Map([...wanted].map(([volume, each]) => [volume, this.meaningOf(each).resolved]))
      if (wanted.size === 0) {
        if (!this.isUnreadable && (await this.table.remove())) this.options.log.info('fence removed')
      } else if (await this.table.keep(rulesFor(resolved()))) {
        const ports = [...wanted.values()].reduce((sum, { ports }) => sum + ports.length, 0)
        this.options.log.info('fence written', { volumes: wanted.size, ports })
        this.isUnreadable = false
      }
      this.written = wanted
      this.keptMs = this.options.clock.monotonicMs()
      const unknown = this.addresses.unknown(this.names())
      this.tell(unknown.length > 0 ? messages.clientsNotFound(unknown) : undefined)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (this.wanted && this.wanted.size > 0) this.tell(messages.fenceNotKept(reason))
      throw error
    }
  }

  private async isTableKept(): Promise<boolean> {
    const { clock } = this.options
    if (clock.monotonicMs() - this.keptMs < trustedMs) return true
    const isKept = await this.table.isAsWritten()
    if (isKept) this.keptMs = clock.monotonicMs()
    return isKept
  }

  /** What has not changed is the same object as before. */
  private meaningOf(admission: Standing): Meaning {
    const { revision } = this.addresses
    const known = this.meanings.get(admission)
    if (known?.revision === revision) return known
    const { ports, clients, before } = admission
    const still = before !== undefined && this.addresses.unknown(clients).length > 0 ? before : []
    const isTimeOver = this.options.clock.monotonicMs() - this.readMs > beforeMs
    const addresses = [...this.addresses.of(clients), ...(isTimeOver ? [] : still)]
    const resolved = { ports, clients: canonicalAddresses(addresses) }
    const meaning = { revision, resolved, names: this.addresses.names(clients) }
    if (still.length === 0 || isTimeOver) this.meanings.set(admission, meaning)
    return meaning
  }

  private names(): Set<string> {
    return new Set([...(this.wanted?.values() ?? [])].flatMap((admission) => this.meaningOf(admission).names))
  }

  private async requireEnded(leaving: ReadonlyMap<number, string>): Promise<void> {
    if (leaving.size === 0) return
    const { listening = portsListenedOn } = this.options
    const taken = await listening()
    if (![...leaving.keys()].some((port) => taken.has(port))) return
    const argv = ['ss', '--listening', '--tcp', '--numeric', '--no-header', '--processes'] as const
    const { stdout } = await runOk(this.options.run, argv, { timeoutMs: ssMs })
    // Another program that took the port is none of ours to wait for.
    const bricks = stdout.split('\n').filter((line) => line.includes('"glusterfsd"'))
    const served = bricks.map((line) => Number(/^\S+ +\S+ +\S+ +\S*:([0-9]+) /.exec(line)?.[1]))
    const port = served.find((port) => leaving.has(port))
    if (port !== undefined) throw new Error(messages.portIsServed(port, leaving.get(port)!))
  }

  private tell(problem: string | undefined): void {
    if (problem === this.problem) return
    this.problem = problem
    if (problem !== undefined) this.options.log.error('fence', { problem })
    this.options.onProblem(problem)
  }
}

function sortedPorts(ports: readonly number[]): number[] {
  return [...new Set(ports)].sort((a, b) => a - b)
}

/** Ports that the volume does not have any more, and those that it takes over from another, which may be long gone. */
function leavingPorts(
  wanted: ReadonlyMap<string, Admission>,
  volume: string,
  ports: readonly number[],
): Map<number, string> {
  const held = [...wanted].flatMap(([name, { ports }]) => ports.map((port) => [port, name] as const))
  return new Map(held.filter(([port, name]) => (name === volume) !== ports.includes(port)))
}

function takePorts(wanted: Map<string, Standing>, volume: string, ports: readonly number[]): void {
  wanted.delete(volume)
  for (const [name, admission] of wanted) {
    const kept = admission.ports.filter((port) => !ports.includes(port))
    if (kept.length === 0) wanted.delete(name)
    else if (kept.length < admission.ports.length) wanted.set(name, { ...admission, ports: kept })
  }
}
