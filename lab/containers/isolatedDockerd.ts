import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import Docker from 'dockerode'
import { initOf, powerOff } from '../common/init.js'
import { until } from '../common/until.js'
import { dockerd, LocalEngine, program } from './dockerd.js'
import { dockerdEnded } from './messages.js'

/** The pid 1 of the namespaces writes its pid on the machine to a file, and becomes the engine. */
const script = `set -eu
read -r stat </proc/self/stat
init=$1; shift
set -- $stat -- "$@"
echo "$1 \${22}" >"$init.tmp"
mv "$init.tmp" "$init"
while [ "$1" != -- ]; do shift; done
shift
mount -t proc proc /proc
ip link set lo up
exec "$@"`

/**
 * A container engine of our own with mount, network and process namespaces of its own, as the lab's hosts have. The networks of its
 * containers are separate from the machine's addresses and packet filters, and when its pid 1 is killed, the kernel ends every
 * container, network and mount. It stays when the process that started it ends. It cannot reach any other network: a LocalEngine of
 * the same folder makes the images before.
 */
export class IsolatedDockerd {
  readonly docker: Docker
  readonly socket: string
  private readonly runtime: string

  constructor(private readonly dir: string) {
    // The path of a socket must be short, and the same in every run.
    const name = createHash('sha256').update(resolve(dir)).digest('hex').slice(0, 12)
    this.runtime = `/run/burstbuffer-engine-${name}`
    this.socket = join(this.runtime, 'docker.sock')
    this.docker = new Docker({ socketPath: this.socket })
  }

  isUp(): boolean {
    return initOf(this.home) !== undefined
  }

  async start(): Promise<void> {
    const impossible = LocalEngine.impossible()
    if (impossible !== undefined || !program) throw new Error(impossible)
    rmSync(this.runtime, { recursive: true, force: true })
    for (const folder of [this.home, this.runtime]) mkdirSync(folder, { recursive: true, mode: 0o700 })
    const log = openSync(this.log, 'a')
    const flags = ['--mount', '--net', '--pid', '--fork']
    const argv = dockerd(program, this.dir, this.runtime, join(this.runtime, 'docker.pid'))
    const child = spawn('unshare', [...flags, 'sh', '-c', script, 'sh', join(this.home, 'init'), ...argv], {
      detached: true,
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    child.unref()
    await until({ what: 'the container engine answers', seen: () => Promise.resolve(this.lastLine()) }, async () => {
      if (child.exitCode !== null) throw new Error(dockerdEnded(this.lastLine()))
      await this.docker.ping()
      return true
    })
  }

  /** Ends it with SIGTERM, or by killing its pid 1 if it does not answer. */
  async stop(): Promise<void> {
    const init = initOf(this.home)
    if (init) {
      process.kill(init.pid, 'SIGTERM')
      const ended = until({ what: 'the container engine ends', deadlineMs: 20_000 }, () => {
        return Promise.resolve(initOf(this.home) === undefined)
      })
      await ended.catch(() => {})
    }
    await powerOff('the container engine', this.home)
    rmSync(this.runtime, { recursive: true, force: true })
    rmSync(this.home, { recursive: true, force: true })
  }

  private lastLine(): string {
    return existsSync(this.log) ? readFileSync(this.log, 'utf8').trim().split('\n').at(-1)! : ''
  }

  private get log(): string {
    return join(this.dir, 'engine.log')
  }

  private get home(): string {
    return join(this.dir, 'apart')
  }
}
