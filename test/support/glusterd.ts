import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../lab/common/until.js'
import { volumeNames } from '../../src/agent/host/dataplane/glusterd/gluster.js'
import { glusterThrough } from '../../src/agent/host/dataplane/glusterd/command.js'
import { type Run, runCommand } from '../../src/agent/host/exec/run.js'

/** A real glusterd on a free port of loopback, without peers and volumes; it neither needs nor touches the machine's own. */
export class Glusterd {
  private readonly directory = mkdtempSync(join(tmpdir(), 'burstbuffer-glusterd-'))
  private readonly socket = join(this.directory, 'glusterd.socket')
  private process: ChildProcess | undefined

  async start(): Promise<void> {
    const at = (name: string) => join(this.directory, name)
    for (const name of ['work', 'run']) mkdirSync(at(name))
    const options = {
      'working-directory': at('work'),
      'run-directory': at('run'),
      'transport-type': 'socket',
      'transport.socket.bind-address': '127.0.0.1',
      'transport.socket.listen-port': String(20_000 + (process.pid % 10_000)),
    }
    const lines = Object.entries(options).map(([name, value]) => `  option ${name} ${value}`)
    writeFileSync(at('vol'), ['volume management', '  type mgmt/glusterd', ...lines, 'end-volume', ''].join('\n'))
    const files = ['-f', at('vol'), '-S', this.socket, '-p', at('pid'), '-l', at('log')]
    this.process = spawn('glusterd', ['--no-daemon', ...files], { stdio: 'ignore' })
    await until(
      { what: 'glusterd answers' },
      async () => (await volumeNames(glusterThrough(this.run)).catch(() => undefined)) !== undefined,
    )
  }

  /** Runs a gluster command against this glusterd. */
  readonly run: Run = ([program, ...words], options) =>
    runCommand([program, `--glusterd-sock=${this.socket}`, ...words], options)

  async stop(): Promise<void> {
    if (this.process && this.process.exitCode === null) {
      const gone = once(this.process, 'exit')
      this.process.kill('SIGTERM')
      await gone
    }
    rmSync(this.directory, { recursive: true, force: true })
  }
}
