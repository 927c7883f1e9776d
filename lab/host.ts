import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Devices } from './devices.js'
import { idsOf, layOut } from './files.js'
import type { HostSpec, ServiceName } from './hosts.js'
import type { ExecOptions } from './interface.js'
import { initOf, inside, powerOff, powerOn, type Init } from './namespace.js'
import { run, type Result } from './run.js'
import { environment, serviceOf } from './services.js'
import type { Switch } from './switch.js'
import { until } from './until.js'

const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** One host of the lab: its power, its cable, its programs. */
export class LabHost {
  constructor(
    readonly spec: HostSpec,
    private readonly dir: string,
    private readonly devices: Devices,
    private readonly net: Switch,
  ) {}

  isOn(): boolean {
    return initOf(this.dir) !== undefined
  }

  async on(mungeKey: Buffer): Promise<void> {
    mkdirSync(this.dir, { recursive: true })
    layOut(this.dir, this.spec, mungeKey)
    await this.devices.attach(this.spec, join(this.dir, 'devices'))
    const init = await powerOn(this.spec.name, this.dir)
    await this.net.plugIn(this.spec, init)
  }

  /** The cable first: a host that loses its power says goodbye to nobody. */
  async off(): Promise<void> {
    if (this.isOn()) await this.net.unplug(this.spec)
    await powerOff(this.spec.name, this.dir)
  }

  exec(argv: readonly string[], { user = 'root', env, cwd, input, timeoutMs }: ExecOptions = {}): Promise<Result> {
    const init = this.init()
    const { uid, gid, home } = this.account(user)
    const variables = { PATH: path, HOME: home, USER: user, LOGNAME: user, LANG: 'C.UTF-8', ...environment, ...env }
    const clean = [
      'env',
      '-i',
      `--chdir=${cwd ?? home}`,
      ...Object.entries(variables).map(([key, value]) => `${key}=${value}`),
    ]
    const as = user === 'root' ? [] : ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--init-groups', '--']
    const options = { ...(input === undefined ? {} : { input }), ...(timeoutMs === undefined ? {} : { timeoutMs }) }
    return run(inside(init, [...as, ...clean, ...argv]), options)
  }

  /** The same, as the words of a command for a terminal. */
  shell(argv: readonly string[]): string[] {
    const variables = Object.entries({ PATH: path, HOME: '/root', TERM: process.env['TERM'] ?? 'dumb', ...environment })
    return inside(this.init(), [
      'env',
      '-i',
      '--chdir=/root',
      ...variables.map(([key, value]) => `${key}=${value}`),
      ...argv,
    ])
  }

  async startService(name: ServiceName): Promise<void> {
    const service = serviceOf(this.spec, name)
    if (service.runtime) {
      const [folder, owner, mode] = service.runtime
      await this.must(['install', '-d', '-o', owner, '-g', owner, '-m', mode, folder])
    }
    const as =
      service.user === undefined
        ? []
        : ['setpriv', `--reuid=${service.user}`, `--regid=${service.user}`, '--init-groups']
    const script = 'echo $$ >"/run/lab/$0.pid" && exec "$@" >>"/var/log/$0.out" 2>&1 </dev/null'
    await this.must(['setsid', '--fork', 'sh', '-c', script, name, ...as, ...service.argv])
    const dead = async () => ((await this.isRunning(name)) ? undefined : true)
    const ready = async () => ((await this.exec(service.ready, { timeoutMs: 10_000 })).code === 0 ? 'ready' : undefined)
    await until({ what: `${name} on ${this.spec.name} has a pid` }, async () => !(await dead()))
    const state = await until({ what: `${name} on ${this.spec.name} answers`, deadlineMs: 90_000 }, async () => {
      return (await ready()) ?? ((await dead()) ? 'dead' : undefined)
    })
    if (state === 'dead') throw new Error(`${name} on ${this.spec.name} ended at once: see ${this.outputOf(name)}`)
  }

  /** Ends the program alone: glusterd's brick processes and the agent's mounts stay, as under KillMode=process. */
  async stopService(name: ServiceName, signal: 'TERM' | 'KILL'): Promise<void> {
    if (!(await this.isRunning(name))) return
    await this.exec(['sh', '-c', `kill -s ${signal} "$(cat /run/lab/${name}.pid)"`])
    await until(
      { what: `${name} on ${this.spec.name} has ended`, deadlineMs: 30_000 },
      async () => !(await this.isRunning(name)),
    )
    await this.exec(['rm', '-f', `/run/lab/${name}.pid`])
  }

  async isRunning(name: ServiceName): Promise<boolean> {
    const alive = `pid=$(cat /run/lab/${name}.pid) && read -r stat </proc/$pid/stat && case "$stat" in *") Z "*) exit 1;; esac`
    return (await this.exec(['sh', '-c', alive])).code === 0
  }

  /** Every log file of the host, as paths of the machine. */
  logs(): string[] {
    const folder = join(this.dir, 'var/log')
    if (!existsSync(folder)) return []
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    return files.map((entry) => join(entry.parentPath, entry.name)).sort()
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true })
  }

  private outputOf(name: ServiceName): string {
    return join(this.dir, 'var/log', `${name}.out`)
  }

  private init(): Init {
    const init = initOf(this.dir)
    if (!init) throw new Error(`the lab's host ${this.spec.name} is off`)
    return init
  }

  private account(user: string) {
    if (user === 'root') return { uid: 0, gid: 0, home: '/root' }
    const ids = idsOf(join(this.dir, 'etc/passwd'), user)
    return { ...ids, home: existsSync(join(this.dir, '../../home', user)) ? `/home/${user}` : '/' }
  }

  private async must(argv: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.exec(argv)
    if (code !== 0) throw new Error(`${argv[0]} on ${this.spec.name} exited ${code}: ${(stderr || stdout).trim()}`)
    return stdout
  }
}
