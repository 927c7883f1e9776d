import type { HostSpec, ServiceName, Site } from './hosts.js'
import type { ExecOptions, Result } from './interface.js'
import { serviceOf } from './services.js'
import { until } from './until.js'
import * as messages from './messages.js'

export type Exec = (argv: readonly string[], options?: ExecOptions) => Promise<Result>

/** The programs of one host. Commands in the host start and stop them, and ask whether they run. */
export class Programs {
  constructor(
    private readonly host: HostSpec,
    private readonly site: Site,
    private readonly exec: Exec,
    /** How each program is run. Another release may run its programs in another way. */
    private readonly services = serviceOf,
  ) {}

  async start(name: ServiceName, deadlineMs = 90_000): Promise<void> {
    const service = this.services(this.host, name, this.site)
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
    await until({ what: `${name} on ${this.host.name} has a pid` }, async () => !(await dead()))
    const state = await until({ what: `${name} on ${this.host.name} answers`, deadlineMs }, async () => {
      return (await ready()) ?? ((await dead()) ? 'dead' : undefined)
    })
    if (state === 'dead') throw new Error(messages.programEnded(name, this.host.name, await this.lastLines(name)))
  }

  /** Ends only the program: glusterd's brick processes and the agent's mounts stay, as with KillMode=process. */
  async stop(name: ServiceName, signal: 'TERM' | 'KILL'): Promise<void> {
    if (!(await this.isRunning(name))) return
    await this.exec(['sh', '-c', `kill -s ${signal} "$(cat /run/lab/${name}.pid)"`])
    await until(
      { what: `${name} on ${this.host.name} has ended`, deadlineMs: 30_000 },
      async () => !(await this.isRunning(name)),
    )
    await this.exec(['rm', '-f', `/run/lab/${name}.pid`])
  }

  async isRunning(name: ServiceName): Promise<boolean> {
    const alive = `pid=$(cat /run/lab/${name}.pid) && read -r stat </proc/$pid/stat && case "$stat" in *") Z "*) exit 1;; esac`
    return (await this.exec(['sh', '-c', alive])).code === 0
  }

  private async lastLines(name: ServiceName): Promise<string> {
    return (await this.exec(['tail', '-n', '3', `/var/log/${name}.out`])).stdout.trim()
  }

  private async must(argv: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.exec(argv)
    if (code !== 0) throw new Error(messages.commandFailed(argv[0]!, this.host.name, code, (stderr || stdout).trim()))
    return stdout
  }
}
