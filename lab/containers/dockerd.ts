import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, openSync, closeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Docker from 'dockerode'
import { initOf } from '../common/init.js'
import { must } from '../common/run.js'
import { until } from '../common/until.js'
import * as messages from './messages.js'

const folders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin']
export const program = folders.map((folder) => join(folder, 'dockerd')).find((file) => existsSync(file))

/**
 * A container engine of our own, in addition to any that the machine runs: it has its own folders and socket, and makes no packet
 * filter and no network by itself. Images stay in its folder; it ends with the process that started it.
 */
export class LocalEngine {
  readonly docker: Docker
  readonly socket: string
  private readonly runtime: string
  private child: ChildProcess | undefined

  constructor(private readonly dir: string) {
    // The path of a socket must be short, and containerd makes sockets in this folder.
    this.runtime = mkdtempSync(join(tmpdir(), 'bb-engine-'))
    this.socket = join(this.runtime, 'docker.sock')
    this.docker = new Docker({ socketPath: this.socket })
  }

  /** Why no engine can be started on this machine; undefined if one can. */
  static impossible(): string | undefined {
    if (process.getuid?.() !== 0) return messages.engineNeedsRoot()
    if (!program) return messages.noDockerd()
    return undefined
  }

  async start(): Promise<void> {
    const impossible = LocalEngine.impossible()
    if (impossible !== undefined || !program) throw new Error(impossible)
    mkdirSync(this.dir, { recursive: true })
    this.refuseIfInUse()
    // containerd dies with dockerd, and seems to be alive until it is reaped.
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
      throw new Error(messages.dockerdEnded(readFileSync(this.log, 'utf8').trim().split('\n').at(-1)!))
    }
  }

  /** Stops the engine, and with it every container. */
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
    // dockerd leaves its network namespaces mounted.
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
    if (initOf(join(this.dir, 'apart'))) throw new Error(messages.clusterOnEngine(this.dir))
    if (!existsSync(this.pidFile)) return
    const pid = readFileSync(this.pidFile, 'utf8').trim()
    const words = existsSync(`/proc/${pid}/cmdline`) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0') : []
    if (words.includes(this.pidFile)) throw new Error(messages.engineInUse(this.dir, pid))
    rmSync(this.pidFile)
  }
}

/** The arguments of dockerd: its own folders and socket, no packet filter, and no network by itself. */
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
