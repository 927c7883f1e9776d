import { randomBytes } from 'node:crypto'
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Devices } from './devices.js'
import { layOutHomes } from './files.js'
import { LabHost } from './host.js'
import { deviceBytes, hosts, pool, type ServiceName } from './hosts.js'
import type { Cluster, ExecOptions } from './interface.js'
import { startTimeOf } from './namespace.js'
import type { Result } from './run.js'
import { Switch } from './switch.js'
import { together } from './together.js'
import { until } from './until.js'

const labs = process.env['BURSTBUFFER_LABS'] ?? resolve(import.meta.dirname, '../.lab')

export interface LabOptions {
  /** Several labs can run at once, each with its own id: the name of its folder below `.lab`. */
  id?: string
  /** Says what is being done. */
  say?: (line: string) => void
}

/** A cluster of namespaces and loop devices on this machine. Everything that it makes is in its folder or dies with it. */
export class Lab implements Cluster {
  readonly hosts = hosts
  readonly id: string
  readonly dir: string
  private readonly net: Switch
  private readonly devices: Devices
  private readonly labHosts: Map<string, LabHost>
  private readonly say: (line: string) => void

  constructor({ id = 'demo', say = () => {} }: LabOptions = {}) {
    if (!/^[a-z0-9][a-z0-9-]{0,30}$/.test(id)) throw new Error(`a lab's id is letters, digits and hyphens, not ${id}`)
    this.id = id
    this.dir = join(labs, id)
    this.say = say
    this.net = new Switch(join(this.dir, 'switch'))
    const devices = new Devices(join(this.dir, 'disks'))
    const make = (host: (typeof hosts)[number]) =>
      new LabHost(host, join(this.dir, 'hosts', host.name), devices, this.net)
    this.labHosts = new Map(hosts.map((host) => [host.name, make(host)]))
    this.devices = devices
  }

  async up(): Promise<void> {
    if (process.getuid?.() !== 0) throw new Error('the lab needs root: it makes namespaces, loop devices and mounts')
    this.refuseIfInUse()
    await this.down()
    mkdirSync(join(this.dir, 'hosts'), { recursive: true })
    chmodSync(this.dir, 0o755)
    writeFileSync(this.ownerFile, `${process.pid} ${startTimeOf(process.pid)}\n`)
    writeFileSync(join(this.dir, 'munge.key'), randomBytes(128), { mode: 0o600 })
    layOutHomes(join(this.dir, 'home'))
    this.say(`starting ${hosts.map((host) => host.name).join(', ')}`)
    await this.net.on()
    await together(this.labHosts.values(), (host) => host.on(this.mungeKey()))
    await this.startServices('etcd')
    await this.startServices('munged', 'glusterd', 'scheduler')
    await this.startServices('agent')
    await this.untilPoolIsFree()
    await this.startServices('slurmctld')
    await this.startServices('slurmd')
    await this.untilNodesAreIdle()
    this.say('the lab is up')
  }

  async down(): Promise<void> {
    if (!existsSync(this.dir)) return
    await together(this.labHosts.values(), (host) => host.off())
    await this.net.off()
    for (const host of hosts) await this.devices.detach(host)
    rmSync(this.dir, { recursive: true, force: true })
    if (existsSync(labs) && readdirSync(labs).length === 0) rmSync(labs, { recursive: true })
  }

  /** This process made it, and may take it down. */
  isMine(): boolean {
    return existsSync(this.ownerFile) && readFileSync(this.ownerFile, 'utf8').startsWith(`${process.pid} `)
  }

  /** Copies every host's logs to where `down` leaves them; gives the folder. The next failure of this lab replaces them. */
  saveLogs(): string {
    const folder = join(labs, `${this.id}-logs`)
    rmSync(folder, { recursive: true, force: true })
    for (const { name } of hosts) {
      const from = join(this.dir, 'hosts', name, 'var/log')
      if (existsSync(from)) cpSync(from, join(folder, name), { recursive: true })
    }
    return folder
  }

  isCut(name: string): Promise<boolean> {
    return this.net.isCut(this.host(name).spec)
  }

  /** The lab stays when this process ends. */
  keep(): void {
    writeFileSync(this.ownerFile, 'kept\n')
  }

  isUp(): boolean {
    return existsSync(this.dir) && [...this.labHosts.values()].some((host) => host.isOn())
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
    if (host.isOn()) throw new Error(`${name} is on already`)
    await host.on(this.mungeKey())
    for (const service of host.spec.services) await host.startService(service)
  }

  breakDisk(host: string, device: string): Promise<void> {
    return this.devices.resize(this.host(host).spec, device, 0)
  }

  replaceDisk(host: string, device: string): Promise<void> {
    return this.devices.resize(this.host(host).spec, device, deviceBytes)
  }

  stopService(host: string, service: ServiceName, signal: 'TERM' | 'KILL' = 'TERM'): Promise<void> {
    return this.host(host).stopService(service, signal)
  }

  startService(host: string, service: ServiceName): Promise<void> {
    return this.host(host).startService(service)
  }

  logs(host: string): string[] {
    return this.host(host).logs()
  }

  host(name: string): LabHost {
    const host = this.labHosts.get(name)
    if (!host) throw new Error(`no host ${name} in the lab: it has ${hosts.map((host) => host.name).join(', ')}`)
    return host
  }

  private async startServices(...names: ServiceName[]): Promise<void> {
    this.say(`starting ${names.join(', ')}`)
    await together(this.labHosts.values(), async (host) => {
      for (const service of host.spec.services) if (names.includes(service)) await host.startService(service)
    })
  }

  private async untilPoolIsFree(): Promise<void> {
    const devices = hosts.reduce((sum, host) => sum + host.devices.length, 0)
    const ask = () => this.exec('head', ['/opt/burstbuffer/dist/bin/dw_wlm_cli', '--function', 'pools'])
    const seen = async () => (await ask()).stdout.trim()
    await until({ what: `pool ${pool.name} with ${devices} free devices`, seen }, async () => {
      const { code, stdout } = await ask()
      if (code !== 0) throw new Error(stdout.trim())
      const { pools } = JSON.parse(stdout) as { pools: { id: string; free: number }[] }
      return pools.some(({ id, free }) => id === pool.name && free === devices)
    })
  }

  private async untilNodesAreIdle(): Promise<void> {
    const ask = async () => (await this.exec('head', ['sinfo', '--noheader', '--Node', '--format=%N %T'])).stdout.trim()
    const nodes = hosts.filter((host) => host.role === 'compute').map((host) => `${host.name} idle`)
    await until({ what: nodes.join(', '), seen: ask }, async () => (await ask()) === nodes.join('\n'))
  }

  private refuseIfInUse(): void {
    if (!existsSync(this.ownerFile)) return
    const [pid, startTime] = readFileSync(this.ownerFile, 'utf8').trim().split(' ')
    if (pid === 'kept') throw new Error(`a lab is up in ${this.dir}: npm run lab -- down`)
    if (startTimeOf(Number(pid)) === startTime) throw new Error(`process ${pid} is using the lab in ${this.dir}`)
  }

  private mungeKey(): Buffer {
    return readFileSync(join(this.dir, 'munge.key'))
  }

  private get ownerFile(): string {
    return join(this.dir, 'owner')
  }
}
