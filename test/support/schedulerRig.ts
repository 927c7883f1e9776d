import { type Log, silentLog } from '../../src/daemon/log.js'
import { HostGrace } from '../../src/scheduler/cluster/hostGrace.js'
import { Committer } from '../../src/scheduler/commit/committer.js'
import { Timeline } from '../../src/scheduler/loop/timeline.js'
import { Loop } from '../../src/scheduler/loop/loop.js'
import { ClusterCache } from '../../src/scheduler/cluster/cache.js'
import { CapacityQueue } from '../../src/scheduler/placement/capacityQueue.js'
import { dwWlmCli, type Reply } from '../../src/scheduler/slurm/dwWlmCli.js'
import type { SlurmDependencies } from '../../src/scheduler/slurm/functions/context.js'
import { InFlightSetups } from '../../src/scheduler/slurm/functions/inFlightSetups.js'
import { keys } from '../../src/store/keys.js'
import { FakeEtcd, type FakeStore } from '../../src/store/fake.js'
import { accountEntries, alice, type Hosted, uuids } from './builders.js'
import { aConfig } from './decisions.js'
import { HandAgents } from './handAgents.js'
import { HandClock } from './handClock.js'

export interface RigOptions {
  hosts?: Hosted[]
  config?: ReturnType<typeof aConfig>
  /** The same etcd and clock as another rig's. */
  beside?: Rig
  /** It leads from the start. */
  leads?: boolean
  log?: Log
}

/** How long a test waits for what never comes before it fails. */
const patienceMs = 10_000

/** A scheduler without its socket, on an etcd in memory and a clock that the test moves. */
export class Rig {
  readonly clock: HandClock
  readonly etcd: FakeEtcd
  readonly agents: HandAgents
  /** The scheduler's own connection, to be cut and healed. */
  readonly store: FakeStore
  readonly cache: ClusterCache
  readonly committer: Committer
  readonly loop: Loop
  readonly deps: SlurmDependencies
  fence: number | undefined

  private constructor(options: RigOptions) {
    const { config = aConfig(), beside, log = silentLog } = options
    this.clock = beside?.clock ?? new HandClock()
    this.etcd = beside?.etcd ?? new FakeEtcd(this.clock)
    this.agents = beside?.agents ?? new HandAgents(this.etcd)
    const { clock } = this
    const store = (this.store = this.etcd.open())
    const newUuid = uuids()
    this.cache = new ClusterCache(store, log, config.storageHosts)
    const leadership = { fence: () => this.fence, leader: () => this.cache.leader?.document }
    this.committer = new Committer(store, this.cache, leadership, clock, log, (fence, changes) =>
      this.loop.following(fence, changes),
    )
    const timeline = new Timeline(store, this.cache, clock, log)
    const graceMs = config.hostGraceSeconds * 1000
    const hostGrace = new HostGrace(this.cache, clock, graceMs, (host) => this.loop.lookAt([host]))
    this.loop = new Loop({
      cache: this.cache,
      committer: this.committer,
      timeline,
      hostGrace,
      config,
      clock,
      log,
      newUuid,
      claimedSlots: (pool) => this.deps.capacityQueue.claimedSlots(pool),
    })
    const accounts = new Map(accountEntries)
    this.deps = {
      decisions: this.committer,
      config,
      clock,
      newUuid,
      lookUp: (uid) => Promise.resolve(accounts.get(uid)),
      groupId: (name) => Promise.resolve(name === 'project' ? 30001 : undefined),
      groupsOf: (uid) => Promise.resolve(uid === alice.uid ? [alice.gid, 30001] : [uid]),
      statPaths: () => Promise.resolve(undefined),
      slurm: { showJob: () => Promise.resolve(''), stateSaveLocation: () => Promise.resolve('/nowhere') },
      inFlightSetups: new InFlightSetups(),
      capacityQueue: new CapacityQueue(this.committer, clock),
      becomeLeader: () => Promise.resolve(false),
    }
  }

  static async start(options: RigOptions = {}): Promise<Rig> {
    const rig = new Rig(options)
    await rig.agents.add(...(options.hosts ?? []))
    if (options.leads ?? true) await rig.lead()
    await rig.until('the cache to be read', () => rig.cache.isSynced)
    return rig
  }

  /** Takes the leader's key, from whoever has it. */
  async lead(): Promise<void> {
    this.etcd.write([], [{ delete: keys.leader }])
    const value = { v: 1, host: 'head', pid: 1, since: 1 }
    const written = this.etcd.write([], [{ put: keys.leader, value }])
    if (written.won) this.fence = written.revision
    await this.until('the cache to know its leader', () => this.cache.leader?.createRevision === this.fence)
    this.cache.announce()
  }

  async until<T>(what: string, check: () => T | undefined | false): Promise<T> {
    const deadline = performance.now() + patienceMs
    while (performance.now() < deadline) {
      const found = check()
      if (found !== undefined && found !== false) return found
      await this.turn()
    }
    throw new Error(`it never came about: ${what}\n${this.keys().join('\n')}`)
  }

  /** Until nothing has been written for long enough that nothing more will be. */
  async quiet(): Promise<void> {
    for (let still = 0, revision = this.etcd.revision; still < 100; still++) {
      await this.turn()
      if (revision !== this.etcd.revision) [still, revision] = [0, this.etcd.revision]
    }
  }

  /** Resolves with what the promise does, while everything else goes on; the clock jumps by `stepMs` between turns. */
  async run<T>(promise: Promise<T>, stepMs = 0): Promise<T> {
    let ended = false
    const watched = promise.finally(() => (ended = true))
    watched.catch(() => {})
    const deadline = performance.now() + patienceMs
    for (let turn = 0; !ended && performance.now() < deadline; turn++) {
      await this.turn()
      if (turn % 20 === 19) this.clock.advance(stepMs)
    }
    if (!ended) throw new Error(`it never ended\n${this.keys().join('\n')}`)
    return watched
  }

  /** dw_wlm_cli with these words. */
  call(...words: string[]): Promise<Reply> {
    return this.run(dwWlmCli(this.deps, words))
  }

  /** Every key below the prefix. */
  keys(prefix = ''): string[] {
    return this.etcd.list(prefix).entries.map(({ key }) => key)
  }

  read<T = Record<string, unknown>>(key: string): T | undefined {
    return this.etcd.read(key)?.value as T | undefined
  }

  /** What hosts are told, as sentences. */
  told(): string[] {
    return this.etcd
      .list('desired/')
      .entries.filter(({ key }) => !key.includes('/peer/'))
      .map(({ key, value }) => {
        const [, host, kind, id] = key.split('/')
        return `${host}: ${kind} ${id} ${(value as { wanted?: string }).wanted ?? ''}`.trim()
      })
  }

  private async turn(): Promise<void> {
    this.clock.advance(0)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
