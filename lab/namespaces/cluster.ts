import { randomBytes } from 'node:crypto'
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Devices } from './devices.js'
import { layOutHomes } from '../common/files.js'
import { LabHost } from './host.js'
import { deviceBytes, type HostSpec, labSite, type ServiceName } from '../common/hosts.js'
import type { BreakableDisks, ExecOptions, HostState, OperatedCluster } from '../common/interface.js'
import { idOf, labs } from '../common/paths.js'
import { Lockfile } from '../common/lockfile.js'
import type { Exec } from '../common/programs.js'
import { untilNodesAreIdle, untilPoolIsFree } from '../common/waitForCluster.js'
import type { Result } from '../common/run.js'
import { Network } from './network.js'
import { allSettled } from '../common/allSettled.js'
import * as messages from '../common/messages.js'

export interface LabOptions {
  /** Several labs can run at once, each with its own id: the name of its folder below `.lab`. */
  id?: string
  /** Those of the lab, perhaps with other disks. */
  hosts?: readonly HostSpec[]
  /** Called with a line for each thing that is done. */
  say?: (line: string) => void
}

/** A cluster of namespaces and loop devices on this machine. `down` removes everything that it makes. */
export class Lab implements OperatedCluster, BreakableDisks {
  readonly hosts: readonly HostSpec[]
  readonly id: string
  readonly dir: string
  private readonly owner: Lockfile
  private readonly net: Network
  private readonly devices: Devices
  private readonly labHosts: Map<string, LabHost>
  private readonly say: (line: string) => void

  constructor({ id = 'demo', hosts = labSite.hosts, say = () => {} }: LabOptions = {}) {
    this.id = idOf(id)
    this.hosts = hosts
    this.dir = join(labs, id)
    this.say = say
    this.owner = new Lockfile(this.dir)
    this.net = new Network(join(this.dir, 'switch'))
    const devices = new Devices(join(this.dir, 'disks'))
    const make = (host: HostSpec) => new LabHost(host, join(this.dir, 'hosts', host.name), devices, this.net)
    this.labHosts = new Map(hosts.map((host) => [host.name, make(host)]))
    this.devices = devices
  }

  async up(): Promise<void> {
    if (process.getuid?.() !== 0) throw new Error(messages.needsRoot())
    this.owner.refuseIfInUse(`npm run lab -- down --id ${this.id}`)
    await this.down()
    mkdirSync(join(this.dir, 'hosts'), { recursive: true })
    chmodSync(this.dir, 0o755)
    this.owner.claim()
    writeFileSync(join(this.dir, 'munge.key'), randomBytes(128), { mode: 0o600 })
    layOutHomes(join(this.dir, 'home'))
    this.say(messages.starting(this.hosts.map((host) => host.name)))
    await this.net.on()
    await allSettled(this.labHosts.values(), (host) => host.on(this.mungeKey()))
    const head: Exec = (argv) => this.exec('head', argv)
    await this.startServices('etcd')
    await this.startServices('munged', 'glusterd', 'scheduler')
    await this.startServices('agent')
    await untilPoolIsFree(this, head)
    await this.startServices('slurmctld')
    await this.startServices('slurmd')
    await untilNodesAreIdle(this, head)
    this.say(messages.labIsUp())
  }

  async down(): Promise<void> {
    if (!existsSync(this.dir)) return
    // Compute hosts first: their swap is read back from the storage hosts.
    const [compute, others] = [true, false].map((is) =>
      [...this.labHosts.values()].filter(({ spec }) => (spec.role === 'compute') === is),
    )
    await allSettled(compute!, (host) => host.off())
    await allSettled(others!, (host) => host.off())
    await this.net.off()
    await this.devices.detach()
    rmSync(this.dir, { recursive: true, force: true })
    if (existsSync(labs) && readdirSync(labs).length === 0) rmSync(labs, { recursive: true })
  }

  isMine(): boolean {
    return this.owner.isMe()
  }

  saveLogs(): Promise<string> {
    const folder = join(labs, `${this.id}-logs`)
    rmSync(folder, { recursive: true, force: true })
    for (const { name } of this.hosts) {
      const from = join(this.dir, 'hosts', name, 'var/log')
      if (existsSync(from)) cpSync(from, join(folder, name), { recursive: true })
    }
    return Promise.resolve(folder)
  }

  async state(name: string): Promise<HostState> {
    const host = this.host(name)
    if (!host.isOn()) return { isOn: false, isCut: false, running: [] }
    const { services } = host.spec
    const runs = await Promise.all(services.map((service) => host.programs.isRunning(service)))
    return { isOn: true, isCut: await this.net.isCut(host.spec), running: services.filter((_, index) => runs[index]) }
  }

  shell(host: string, argv: readonly string[]): Promise<string[]> {
    return Promise.resolve(this.host(host).shell(argv))
  }

  keep(): void {
    this.owner.keep()
  }

  isUp(): Promise<boolean> {
    return Promise.resolve(existsSync(this.dir) && [...this.labHosts.values()].some((host) => host.isOn()))
  }

  exec(host: string, argv: readonly string[], options: ExecOptions = {}): Promise<Result> {
    return this.host(host).exec(argv, options)
  }

  cut(host: string): Promise<void> {
    return this.net.cut(this.host(host).spec)
  }

  heal(host: string): Promise<void> {
    return this.net.heal(this.host(host).spec)
  }

  kill(host: string): Promise<void> {
    return this.host(host).off()
  }

  async start(name: string): Promise<void> {
    const host = this.host(name)
    if (host.isOn()) throw new Error(messages.hostIsOn(name))
    await host.on(this.mungeKey())
    for (const service of host.spec.services) await host.programs.start(service)
  }

  breakDisk(host: string, device: string): Promise<void> {
    return this.devices.resize(this.host(host).spec, device, 0)
  }

  replaceDisk(host: string, device: string): Promise<void> {
    return this.devices.resize(this.host(host).spec, device, deviceBytes)
  }

  stopService(host: string, service: ServiceName, signal: 'TERM' | 'KILL' = 'TERM'): Promise<void> {
    return this.host(host).programs.stop(service, signal)
  }

  startService(host: string, service: ServiceName): Promise<void> {
    return this.host(host).programs.start(service)
  }

  host(name: string): LabHost {
    const host = this.labHosts.get(name)
    if (!host) throw new Error(messages.noHost(name, [...this.labHosts.keys()]))
    return host
  }

  private async startServices(...names: ServiceName[]): Promise<void> {
    this.say(messages.starting(names))
    await allSettled(this.labHosts.values(), async (host) => {
      for (const service of host.spec.services) if (names.includes(service)) await host.programs.start(service)
    })
  }

  private mungeKey(): Buffer {
    return readFileSync(join(this.dir, 'munge.key'))
  }
}
