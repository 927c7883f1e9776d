import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chooseBackend, machineEngine, ownEngine, type Backend } from './backend.js'
import { Containers } from './containers.js'
import { startingImages } from './image.js'
import { Project } from './project.js'
import { composeSite, hostNamed, type ServiceName } from '../common/hosts.js'
import type { ExecOptions, HostState, OperatedCluster } from '../common/interface.js'
import { idOf, labs } from '../common/paths.js'
import { Lockfile } from '../common/lockfile.js'
import { Programs } from '../common/programs.js'
import { untilNodesAreIdle, untilPoolIsFree } from '../common/waitForCluster.js'
import type { Result } from '../common/run.js'
import { allSettled } from '../common/allSettled.js'
import { starting } from '../common/messages.js'
import { clusterIsUp, clusterNotUp } from './messages.js'

const { hosts } = composeSite

export interface ComposeOptions {
  id?: string
  say?: (line: string) => void
  /** `own`: never the machine's engine. By default, the machine's engine is used if it answers. */
  engine?: 'any' | 'own'
}

/** The cluster of docker/compose.yaml. Its folder names its owner and its engine; everything else is in the containers. */
export class ComposeCluster implements OperatedCluster {
  readonly hosts = hosts
  readonly id: string
  private readonly dir: string
  private readonly owner: Lockfile
  private readonly project: Project
  private readonly say: (line: string) => void
  private readonly which: 'any' | 'own'

  constructor({ id = 'demo', say = () => {}, engine = 'any' }: ComposeOptions = {}) {
    this.id = idOf(id)
    this.dir = join(labs, `docker-${id}`)
    this.owner = new Lockfile(this.dir)
    this.project = new Project(`burstbuffer-${id}`)
    this.say = say
    this.which = engine
  }

  async up(): Promise<void> {
    this.owner.refuseIfInUse(`npm run lab -- --docker down --id ${this.id}`)
    const backend = await chooseBackend(labs, this.which)
    await this.down()
    mkdirSync(this.dir, { recursive: true })
    this.owner.claim()
    writeFileSync(this.backendFile, backend.isShared ? 'machine' : 'own')
    await backend.withOutside(async (engine) => {
      const node = await startingImages({ docker: engine.docker, say: this.say })
      this.say('building the image of docker/Dockerfile')
      await this.project.build(engine, node, backend.isShared)
    })
    await backend.start()
    // An engine that was killed still has its containers.
    await this.project.down(backend)
    this.say(starting(hosts.map(({ name }) => name)))
    await this.project.up(backend)
    await this.containers().untilBooted(hosts.map(({ name }) => name))
    const head = (argv: readonly string[]) => this.exec('head', argv)
    await untilPoolIsFree(composeSite, head)
    await untilNodesAreIdle(composeSite, head)
    this.say(clusterIsUp())
  }

  async down(): Promise<void> {
    if (!existsSync(this.dir)) return
    const backend = this.backend()
    if (backend && (await backend.isUp())) {
      await this.project.down(backend)
      await backend.stop()
    }
    rmSync(this.dir, { recursive: true, force: true })
  }

  async isUp(): Promise<boolean> {
    return (await this.backend()?.isUp()) ?? false
  }

  isMine(): boolean {
    return this.owner.isMe()
  }

  keep(): void {
    this.owner.keep()
  }

  async saveLogs(): Promise<string> {
    const folder = join(labs, `docker-${this.id}-logs`)
    rmSync(folder, { recursive: true, force: true })
    if (await this.isUp()) await allSettled(hosts, ({ name }) => this.containers().copyLogs(name, join(folder, name)))
    return folder
  }

  exec(host: string, argv: readonly string[], options: ExecOptions = {}): Promise<Result> {
    return this.containers().exec(host, argv, options)
  }

  cut(host: string): Promise<void> {
    return this.containers().cut(host)
  }

  heal(host: string): Promise<void> {
    return this.containers().heal(hostNamed(host, composeSite))
  }

  kill(host: string): Promise<void> {
    return this.containers().kill(host)
  }

  start(host: string): Promise<void> {
    return this.containers().start(host)
  }

  stopService(host: string, service: ServiceName, signal: 'TERM' | 'KILL' = 'TERM'): Promise<void> {
    return this.programs(host).stop(service, signal)
  }

  startService(host: string, service: ServiceName): Promise<void> {
    return this.programs(host).start(service)
  }

  async state(name: string): Promise<HostState> {
    const containers = this.containers()
    if (!(await containers.isOn(name))) return { isOn: false, isCut: false, running: [] }
    const { services } = hostNamed(name, composeSite)
    const runs = await Promise.all(services.map((service) => this.programs(name).isRunning(service)))
    return { isOn: true, isCut: await containers.isCut(name), running: services.filter((_, index) => runs[index]) }
  }

  async shell(host: string, argv: readonly string[]): Promise<string[]> {
    return this.project.words(this.live(), ['exec', ...(process.stdin.isTTY ? [] : ['-T']), host, ...argv])
  }

  private programs(name: string): Programs {
    return new Programs(hostNamed(name, composeSite), composeSite, (argv, options) => this.exec(name, argv, options))
  }

  private containers(): Containers {
    return new Containers(this.project.name, this.live())
  }

  private live(): Backend {
    const backend = this.backend()
    if (!backend) throw new Error(clusterNotUp())
    return backend
  }

  /** The engine that `up` chose. */
  private backend(): Backend | undefined {
    if (!existsSync(this.backendFile)) return undefined
    return readFileSync(this.backendFile, 'utf8') === 'machine' ? machineEngine() : ownEngine(labs)
  }

  private get backendFile(): string {
    return join(this.dir, 'engine')
  }
}
