import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, systemClock } from '../../src/daemon/clock.js'
import { type Log, silentLog } from '../../src/daemon/log.js'
import type { StatusView } from '../../src/model/api.js'
import type { Reply } from '../../src/scheduler/slurm/dwWlmCli.js'
import { type StandaloneCluster, startCluster } from '../../src/standalone/cluster.js'
import type { Fault } from '../../src/simulated/pace.js'
import { openStore } from '../../src/store/etcd.js'
import { pool, terabyte } from './builders.js'
import { aConfig } from './decisions.js'
import type { EtcdUser } from './etcdUsers.js'
import { callSocket } from './socketCall.js'

const shape = {
  storage: { gluster1: 3, gluster2: 3 },
  computeHosts: 1,
  pool,
  granularityBytes: terabyte,
  stagePaths: ['/lustre'],
}

interface Options {
  faults?: Fault[]
  /** Settings of the scheduler. */
  settings?: object
  /** Whom each program is to etcd; nobody in particular when absent. */
  user?: (program: string) => EtcdUser
}

/** A call that is given up leaves timers, which must not keep the tests' process alive. */
const clock: Clock = {
  ...systemClock,
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms).unref()
    return () => clearTimeout(timer)
  },
}

/** A scheduler, its agents and simulated hosts in this process, on a real etcd, and Slurm's door to them. */
export class StandaloneRig {
  private readonly directory = mkdtempSync(join(tmpdir(), 'bb-standalone-'))
  private readonly socket = join(this.directory, 'scheduler.sock')
  /** Warnings, as `phrase: reason`. */
  readonly warnings: string[] = []
  private cluster: StandaloneCluster | undefined

  async start(endpoints: string[], { faults = [], settings = {}, user }: Options = {}): Promise<void> {
    const warn: Log['warn'] = (phrase, fields) =>
      void this.warnings.push(`${phrase}: ${String((fields as { reason?: unknown } | undefined)?.reason)}`)
    this.cluster = await startCluster({
      shape,
      faults,
      config: aConfig({ socket: this.socket, etcd: { endpoints, insecure: true }, ...settings }),
      openStore: (program) => openStore({ endpoints, ...(user ? { user: user(program) } : {}) }, { clock }),
      clock,
      log: { ...silentLog, warn },
    })
  }

  async stop(): Promise<void> {
    await this.cluster?.stop()
    rmSync(this.directory, { recursive: true })
  }

  /** dw_wlm_cli, as slurmctld calls it. */
  async slurm(line: string): Promise<Reply> {
    const words = ['--function', ...line.split(' ')].map((word) => `${word}\0`).join('')
    const { headers, text } = await callSocket(this.socket, 'POST', '/shim/dw_wlm_cli', words)
    return { code: Number(headers['x-exit-code']), text }
  }

  async status(): Promise<StatusView> {
    return JSON.parse((await callSocket(this.socket, 'GET', '/v1/status')).text) as StatusView
  }

  /** Gives the path. */
  file(name: string, text: string): string {
    const path = join(this.directory, name)
    writeFileSync(path, text)
    return path
  }

  /** What hosts have mounted and serve, as sentences. */
  holds(): string[] {
    return [...(this.cluster?.machines.values() ?? [])]
      .flatMap(({ name, mounted, served, clients }) => [
        ...[...mounted.keys()].map((device) => `${name} has ${device} mounted`),
        ...[...served].map(([device, { volume }]) => `${name} serves ${volume} from ${device}`),
        ...[...clients].map(([path, { volume }]) => `${name} has ${volume} mounted at ${path}`),
      ])
      .sort()
  }
}
