import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serveHost } from '../../src/agent/serve.js'
import { silentLog } from '../../src/daemon/log.js'
import type { HostDocument, Role } from '../../src/model/documents/host.js'
import { type PoolConfig, schedulerConfig } from '../../src/scheduler/config.js'
import type { Cluster } from '../../src/model/cluster.js'
import type { Decision } from '../../src/scheduler/commit/decision.js'
import { assembleScheduler } from '../../src/scheduler/scheduler.js'
import { dwWlmCli, type Reply } from '../../src/scheduler/slurm/dwWlmCli.js'
import { SimulatedGluster } from '../../src/simulated/gluster.js'
import { simulatedHost } from '../../src/simulated/host.js'
import {
  aMachine,
  bootOf,
  type SimulatedDisk,
  type SimulatedMachine,
  turnOff,
  turnOn,
} from '../../src/simulated/machine.js'
import { FakeEtcd } from '../../src/store/fake.js'
import { aUuid } from '../support/builders.js'
import { hasSwap, Invariants } from './invariants.js'
import { type Fate, Life } from './life.js'
import { mortalPace } from './mortalPace.js'
import { SimulatedNameService } from './nameServiceScenarios.js'
import { settled, type World } from './world.js'

export const pool = 'dedicated_nvme'
export const storageHosts = ['gluster1', 'gluster2', 'gluster3']
/** Those that a scenario adds. */
export const moreStorageHosts = ['gluster4', 'gluster5']
export const computeHosts = ['c1', 'c2']
export const disksEach = 2
export const brickPorts = { first: 29_000, last: 29_099 }

const config = schedulerConfig.parse({
  cluster: 'simulated',
  host: 'head1',
  etcd: { endpoints: ['http://simulated:2379'], insecure: true },
  pools: { [pool]: { granularity: 1e12 } },
  storageHosts: [...storageHosts, ...moreStorageHosts],
  swap: true,
})

type AssembledDependencies = ReturnType<typeof assembleScheduler>['deps']

/** The real programs on simulated machines. Whatever dies is started again, as systemd does, after a while. */
export class SimulatedCluster {
  readonly etcd: FakeEtcd
  readonly machines = new Map<string, SimulatedMachine>()
  readonly gluster: SimulatedGluster
  readonly invariants: Invariants
  readonly nameService = new SimulatedNameService()
  readonly lives = new Map<string, Life>()
  deaths = 0
  /** What happened, for people who look at a seed. */
  readonly story: string[] = []
  private readonly schedulers = new Map<string, AssembledDependencies>()
  private readonly cutOff = new Set<string>()
  private uuids = 0
  private readonly config = structuredClone(config)
  private readonly directory = mkdtempSync(join(tmpdir(), 'simulation-'))

  constructor(
    readonly world: World,
    private readonly fate: Fate,
  ) {
    this.etcd = new FakeEtcd(world.clock, world.deliver)
    for (const name of storageHosts) this.machines.set(name, storageMachine(name))
    for (const name of computeHosts) this.machines.set(name, aMachine({ name }))
    this.gluster = new SimulatedGluster(this.machines)
    this.invariants = new Invariants(this.etcd, this.machines, this.gluster, () => world.nowMs)
    for (const name of this.machines.keys()) this.startAgent(name)
  }

  startScheduler(host: string): void {
    const life = this.begin(`scheduler ${host}`, () => this.startScheduler(host))
    const { store, clock } = life
    const parts = {
      store,
      clock,
      config: { ...this.config, host },
      candidate: { host, pid: 1 },
      accounts: this.nameService.accounts,
      statPaths: () => Promise.resolve(undefined),
      log: this.log(life),
    }
    const newUuid = () => aUuid(++this.uuids)
    this.schedulers.set(host, assembleScheduler({ ...parts, newUuid, random: this.world.random }).deps)
  }

  /** What slurmctld hears; undefined when the scheduler is away or dies over it. */
  async call(host: string, ...words: string[]): Promise<Reply | undefined> {
    const life = this.lives.get(`scheduler ${host}`)
    const deps = this.schedulers.get(host)
    if (!life?.isAlive || !deps) return undefined
    this.tell(`slurmctld calls ${words.join(' ')} of ${host}`)
    if (words[0] === 'teardown' && words.includes('--hurry')) this.invariants.hurried.add(words[2]!)
    return new Promise((resolve) => {
      let ended = false
      const end = (reply: Reply | undefined) => {
        if (ended) return
        ended = true
        this.tell(`${words[0]} ${words[2]} of ${host}: ${reply ? `${reply.code} ${reply.text.trim()}` : 'no answer'}`)
        resolve(reply)
      }
      life.atDeath.push(() => end(undefined))
      dwWlmCli(deps, ['--function', ...words]).then(
        (reply) => life.whenAwake(() => end(reply)),
        () => end(undefined),
      )
    })
  }

  /** What an operator asks for; false when the scheduler is away, dies over it or refuses. */
  async operate(host: string, decide: (cluster: Cluster) => Decision<unknown>): Promise<boolean> {
    const life = this.lives.get(`scheduler ${host}`)
    const deps = this.schedulers.get(host)
    if (!life?.isAlive || !deps) return false
    return new Promise((resolve) => {
      life.atDeath.push(() => resolve(false))
      deps.decisions.commit(decide).then(
        (committed) => life.whenAwake(() => resolve('result' in committed)),
        () => resolve(false),
      )
    })
  }

  /** What new buffers are served by from now on, as after a change of scheduler.yaml. */
  serveWith(dataPlane: NonNullable<PoolConfig['dataPlane']>, { tls = false } = {}): void {
    this.tell(`the pool is served by ${dataPlane}${tls ? ' with TLS' : ''} now`)
    Object.assign(this.config.pools[pool]!, { dataPlane, ...(tls ? { tls } : {}) })
  }

  /** What the pool promises new buffers from now on, as after a change of scheduler.yaml. */
  promise(wipe: 'discard' | 'zero'): void {
    this.tell(`the pool is wiped with ${wipe} now`)
    if (wipe === 'discard') delete this.config.pools[pool]!.wipe
    else this.config.pools[pool]!.wipe = wipe
  }

  /** So many bricks are made ahead from now on, as after a change of scheduler.yaml. */
  keepSpares(count: number): void {
    this.tell(`the pool keeps ${count} spares now`)
    this.config.pools[pool]!.spares = count
  }

  spares(): { host: string; device: string; isReady: boolean }[] {
    return this.etcd.list('desired/').entries.flatMap(({ key, value }) => {
      const [, host, , device] = key.split('/') as [string, string, string, string]
      if ((value as { spare?: string }).spare === undefined) return []
      const report = this.etcd.read(key.replace('desired/', 'observed/'))?.value as { state: string } | undefined
      return [{ host, device, isReady: report?.state === 'ready' }]
    })
  }

  nodeFile(hosts: string[]): string {
    const file = join(this.directory, hosts.join('-'))
    writeFileSync(file, hosts.map((host) => `${host}\n`).join(''))
    return file
  }

  /** The script of a job that uses these buffers, beside one of its own of that size. */
  scriptUsing(names: string[], terabytes: number): string {
    const jobdw = terabytes === 0 ? [] : [`#DW jobdw capacity=${terabytes}TB`]
    return this.script(`using-${names.join('-')}-${terabytes}`, [
      ...jobdw,
      ...names.map((name) => `#DW persistentdw name=${name}`),
    ])
  }

  script(name: string, lines: string[]): string {
    const file = join(this.directory, `script-${name}`)
    writeFileSync(file, ['#!/bin/sh', ...lines, ''].join('\n'))
    return file
  }

  addStorageHost(name: string): void {
    this.machines.set(name, storageMachine(name))
    this.startAgent(name)
  }

  turnOff(name: string): void {
    this.tell(`${name} loses power`)
    const machine = this.machines.get(name)!
    turnOff(machine)
    for (const disk of machine.disks.values()) disk.users = []
    this.lives.get(`agent ${name}`)?.die()
    this.invariants.changed = true
  }

  turnOn(name: string): void {
    this.tell(`${name} is turned on`)
    turnOn(this.machines.get(name)!)
    this.gluster.restart(name)
    this.startAgent(name)
  }

  /** A network cable is pulled: the host runs on and sees nobody; or it is etcd alone that it does not see. */
  cut(name: string, fromAll: boolean): void {
    this.tell(`${name} is cut off${fromAll ? '' : ' from etcd'}`)
    this.machines.get(name)!.isConnected = !fromAll
    this.cutOff.add(name)
    this.lives.get(`agent ${name}`)?.cut()
  }

  heal(name: string): void {
    this.tell(`${name} is back on the network`)
    this.machines.get(name)!.isConnected = true
    this.cutOff.delete(name)
    this.gluster.settle(name)
    this.lives.get(`agent ${name}`)?.heal()
  }

  disks(): { machine: SimulatedMachine; disk: SimulatedDisk }[] {
    return [...this.machines.values()].flatMap((machine) =>
      [...machine.disks.values()].map((disk) => ({ machine, disk })),
    )
  }

  swapsOn(host: string, token: string): boolean {
    return hasSwap(this.machines.get(host)!, token)
  }

  tell(what: string): void {
    this.story.push(`${(this.world.nowMs / 1000).toFixed(3)} ${what}`)
  }

  /** Everything that an observer could tell apart, but for names of no meaning. */
  state(): string {
    const documents = this.etcd
      .list('')
      .entries.filter(({ key }) => !key.startsWith('events/'))
      .map(({ key, value }) => [key, value])
    const machines = [...this.machines.values()].map((machine) => [
      machine.isOn,
      machine.isConnected,
      [...machine.disks.values()].map(({ content, files, condition, remains }) => [
        content,
        remains,
        files.stamp,
        [...files.directories],
        condition,
      ]),
      [...machine.mounted.keys()],
      [...machine.served].map(([device, { volume, port, startedWith, silent }]) => [
        device,
        volume,
        port,
        startedWith,
        silent,
      ]),
      [...machine.fences],
      [...machine.foreignPorts],
      [...machine.clients],
      [...machine.swaps],
    ])
    const volumes = [...this.gluster.volumes.values()]
    const alive = [...this.lives.values()].map(({ isAlive }) => isAlive)
    return JSON.stringify([documents, machines, volumes, alive]).replace(
      /"(fence|since|startedAt|createdAt|builtAt|when|at)":[0-9]+/g,
      '',
    )
  }

  close(): void {
    rmSync(this.directory, { recursive: true, force: true })
  }

  private startAgent(name: string): void {
    const machine = this.machines.get(name)!
    if (!machine.isOn) return
    const life = this.begin(`agent ${name}`, () => this.startAgent(name))
    if (this.cutOff.has(name)) life.cut()
    const roles: Role[] = computeHosts.includes(name) ? ['compute'] : ['storage']
    const pace = mortalPace(life, machine, this.world, this.invariants)
    const host = simulatedHost({ machine, gluster: this.gluster, pace, clock: this.world.clock })
    const ofStorage = roles.includes('storage') ? { stagePaths: ['/lustre'], brickPorts } : {}
    const document: HostDocument = {
      v: 1,
      host: name,
      roles,
      addresses: [name],
      versions: {},
      startedAt: 1,
      boot: bootOf(machine),
      ...ofStorage,
    }
    const { store, clock } = life
    serveHost({ host, roles, document, store, clock, log: this.log(life), random: this.world.random })
  }

  private begin(program: string, startAgain: () => void): Life {
    this.tell(`${program} starts`)
    const life = new Life(program, this.world, this.etcd, this.fate, () => {
      this.deaths++
      const afterMs = this.world.pick([10, 500, 5_000, 20_000, 45_000])
      this.tell(`${program} dies, to start again after ${afterMs / 1000} s`)
      this.world.at(afterMs, () => {
        if (this.lives.get(program) === life) startAgain()
      })
    })
    this.lives.set(program, life)
    return life
  }

  private log(life: Life) {
    const say = (phrase: string, fields?: object) =>
      this.tell(`${life.program}: ${phrase} ${fields ? JSON.stringify(fields) : ''}`)
    return { ...silentLog, info: say, warn: say, error: say }
  }
}

function storageMachine(name: string): SimulatedMachine {
  return aMachine({ name, disks: disksEach, pool })
}

/** Waits until a call has read its files, which is the only thing that it does outside of the simulated world. */
export async function filesRead(): Promise<void> {
  do await settled()
  while (process.getActiveResourcesInfo().some((name) => /FSReq|CloseReq|FileHandle/.test(name)))
}
