import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, openSync, closeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Docker from 'dockerode'
import { initOf } from '../common/init.js'
import { must } from '../common/run.js'
import { until } from '../common/until.js'

const folders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin']
export const program = folders.map((folder) => join(folder, 'dockerd')).find((file) => existsSync(file))

/**
 * A container engine of our own, beside any that the machine runs: it has its own folders and socket, sets no packet filter
 * and makes no network of its own accord. Images stay in its folder; it ends with the process that started it.
 */
export class LocalEngine {
  readonly docker: Docker
  readonly socket: string
  private readonly runtime: string
  private child: ChildProcess | undefined

  constructor(private readonly dir: string) {
    // Sockets have short paths, and containerd puts some below it.
    this.runtime = mkdtempSync(join(tmpdir(), 'bb-engine-'))
    this.socket = join(this.runtime, 'docker.sock')
    this.docker = new Docker({ socketPath: this.socket })
  }

  /** Why none can be started on this machine, if so. */
  static impossible(): string | undefined {
    if (process.getuid?.() !== 0) return 'a container engine needs root'
    if (!program) return "there is no dockerd: Debian's package docker.io brings it"
    return undefined
  }

  async start(): Promise<void> {
    const impossible = LocalEngine.impossible()
    if (impossible !== undefined || !program) throw new Error(impossible)
    mkdirSync(this.dir, { recursive: true })
    this.refuseIfInUse()
    // Its containerd dies with it, and is taken to be alive while nobody has reaped it.
    rmSync(join(this.runtime, 'exec/containerd/containerd.pid'), { force: true })
    const log = openSync(this.log, 'a')
    const argv = dockerd(program, this.dir, this.runtime, this.pidFile)
    const child = spawn('setpriv', ['--pdeathsig', 'TERM', '--', ...argv], { stdio: ['ignore', log, log] })
    closeSync(log)
    this.child = child
    const ended = once(child, 'exit').then(() => 'ended' as const)
    const answers = until({ what: 'the container engine answers' }, async () => {
      await this.docker.ping()
      return 'answers' as const
    })
    answers.catch(() => {})
    if ((await Promise.race([answers, ended])) === 'ended') {
      throw new Error(`dockerd ended at once: ${readFileSync(this.log, 'utf8').trim().split('\n').at(-1)}`)
    }
  }

  /** Ends it, and with it every container. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const { child } = this
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
    this.child = undefined
  }

  async close(): Promise<void> {
    await this.stop()
    // It leaves its network namespaces mounted.
    for (const path of mountsBelow(this.runtime)) await must(['umount', path])
    rmSync(this.runtime, { recursive: true, force: true })
  }

  get log(): string {
    return join(this.dir, 'engine.log')
  }

  private get pidFile(): string {
    return join(this.dir, 'engine.pid')
  }

  private refuseIfInUse(): void {
    if (initOf(join(this.dir, 'apart'))) throw new Error(`a cluster is up on the container engine in ${this.dir}`)
    if (!existsSync(this.pidFile)) return
    const pid = readFileSync(this.pidFile, 'utf8').trim()
    const words = existsSync(`/proc/${pid}/cmdline`) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0') : []
    if (words.includes(this.pidFile))
      throw new Error(`the container engine in ${this.dir} is used by another run (pid ${pid})`)
    rmSync(this.pidFile)
  }
}

/** It has its own folders and socket, sets no packet filter and makes no network of its own accord. */
export function dockerd(program: string, dir: string, runtime: string, pidFile: string): string[] {
  const flags = ['--iptables=false', '--ip6tables=false', '--ip-forward=false', '--bridge=none']
  const own = ['--data-root', join(dir, 'data'), '--exec-root', join(runtime, 'exec')]
  const files = ['--pidfile', pidFile, '--config-file', join(runtime, 'daemon.json')]
  writeFileSync(join(runtime, 'daemon.json'), '{}')
  return [program, ...own, ...files, '--host', `unix://${join(runtime, 'docker.sock')}`, ...flags]
}

function mountsBelow(folder: string): string[] {
  const paths = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
  return paths.filter((path) => path.startsWith(`${folder}/`)).reverse()
}
