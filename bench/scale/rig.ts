import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { until } from '../../lab/common/until.js'
import type { StatusView } from '../../src/model/api.js'
import { keys } from '../../src/store/keys.js'
import { openStore } from '../../src/store/etcd.js'
import { maxOperations, type Write } from '../../src/store/store.js'
import { aBuffer, aSession } from '../../test/support/builders.js'
import { callSocket } from '../../test/support/socketCall.js'
import type { AgentsOptions } from './agents.js'
import { MeasuredEtcd } from './etcd.js'
import { MeasuredProcess } from './process.js'

export interface ScaleOptions {
  hosts: number
  /** Of one brick, made before anything is measured. */
  buffers: number
  /** Compute nodes. */
  nodes: number
  /** So many storage hosts share a connection to etcd; so do as many compute nodes. */
  share: number
  dataPlane: 'glusterd' | 'direct'
  /** The scheduler of `dist`, or that of `src`, which takes longer to start and more memory. */
  program: 'built' | 'source'
}

export const pool = 'bench'
export const disksEach = 16
/** Of a user whom every system has. */
export const owner = { uid: 65_534, gid: 65_534 }
/** It exists nowhere, and so the scheduler asks nobody whether a source may be read. */
export const stagePath = '/burstbuffer-bench'
export const copyMs = 40_000
const terabyte = 1e12
const here = import.meta.dirname
const repository = resolve(here, '../..')

/** A cluster with real programs: etcd, scheduler and agents, each in processes of their own; only the hosts are simulated. */
export class ScaleRig {
  readonly directory = mkdtempSync(join(tmpdir(), 'bb-scale-'))
  readonly schedulers = new Map<string, MeasuredProcess>()
  readonly storageHosts: string[]
  readonly computeNodes: string[]
  /** Storage hosts that can be lost and return. */
  readonly apart: string[]
  etcd!: MeasuredEtcd
  storage!: MeasuredProcess
  compute: MeasuredProcess | undefined

  constructor(readonly options: ScaleOptions) {
    const named = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, index) => `${prefix}${String(index + 1).padStart(4, '0')}`)
    this.storageHosts = named('s', options.hosts)
    this.computeNodes = named('c', options.nodes)
    this.apart = this.storageHosts.slice(-Math.max(1, Math.floor(options.hosts / 10)))
  }

  /** Starts everything except the compute nodes, and waits until every buffer is ready. */
  async start(say: (line: string) => void): Promise<void> {
    this.countNameService()
    this.etcd = await MeasuredEtcd.start(this.directory)
    await this.seed()
    this.storage = this.startAgents('storage', this.storageHosts)
    // The scheduler sees all of them at once: which of them comes first is not what is measured.
    const hosts = { what: 'every storage host is alive', deadlineMs: 600_000 }
    await until(hosts, async () => (await this.etcd.countBelow('hosts/')) === this.options.hosts)
    say(`${this.options.hosts} hosts`)
    await this.startScheduler('head')
    let last = 0
    await until({ what: 'every buffer is ready', deadlineMs: 1_800_000 }, async () => {
      const { hosts, buffers } = await this.status()
      if (Date.now() - last > 5_000) say(`buffers: ${JSON.stringify(buffers)}`)
      if (Date.now() - last > 5_000) last = Date.now()
      await pause(1_000)
      return hosts.alive === this.options.hosts && (buffers.ready ?? 0) === this.options.buffers
    })
    await this.untilQuiet()
  }

  /** Until etcd was not written for that long. */
  async untilQuiet(quietMs = 1_500): Promise<void> {
    let [before, since] = [-1, performance.now()]
    await until({ what: 'nothing is written any more', deadlineMs: 600_000 }, async () => {
      const { transactions, puts } = await this.etcd.counts()
      if (transactions + puts !== before) [before, since] = [transactions + puts, performance.now()]
      else if (performance.now() - since >= quietMs) return true
      await pause(quietMs / 3)
      return false
    })
  }

  /** Until so many hosts are alive in etcd, and the scheduler has seen it. It is asked rarely, because its answer costs it something. */
  async untilAlive(count: number): Promise<void> {
    const hosts = { what: `${count} hosts are alive`, deadlineMs: 600_000 }
    await until(hosts, async () => (await this.etcd.countBelow('hosts/')) === count)
    await until(hosts, async () => {
      if ((await this.status()).hosts.alive === count) return true
      await pause(1_000)
      return false
    })
  }

  async startComputeNodes(): Promise<void> {
    if (this.compute) return
    this.compute = this.startAgents('compute', this.computeNodes)
    await this.untilAlive(this.options.hosts + this.options.nodes)
  }

  /** A scheduler with that name, which has its own socket. Returns when it answers. */
  async startScheduler(host: string): Promise<MeasuredProcess> {
    const started = this.spawnScheduler(host)
    await until({ what: `the scheduler ${host} answers`, deadlineMs: 120_000 }, async () => {
      if (!started.isRunning) throw new Error(`it has ended: ${this.lastWords(host)}`)
      return (await callSocket(this.socketOf(host), 'GET', '/v1/status')).status === 200
    })
    return started
  }

  spawnScheduler(host: string): MeasuredProcess {
    const file = join(this.directory, `${host}.yaml`)
    const config = {
      cluster: 'bench',
      host,
      etcd: { endpoints: [this.etcd.endpoint], insecure: true },
      socket: this.socketOf(host),
      pools: { [pool]: { granularity: terabyte, dataPlane: this.options.dataPlane } },
      storageHosts: ['s*'],
      computeNetworks: ['10.0.0.0/8'],
      log: { file: join(this.directory, `${host}.log`) },
    }
    writeFileSync(file, JSON.stringify(config))
    const program =
      this.options.program === 'built' ? ['dist/scheduler/main.js'] : ['--import', 'tsx', 'src/scheduler/main.ts']
    const words = ['--max-semi-space-size=4', '--expose-gc', '--import', join(here, 'pauses.js'), ...program]
    const process = this.spawn(`scheduler ${host}`, [...words, '--config', file])
    this.schedulers.set(host, process)
    return process
  }

  get scheduler(): MeasuredProcess {
    return this.schedulers.get('head')!
  }

  get processes(): MeasuredProcess[] {
    return [this.etcd.process, this.storage, ...(this.compute ? [this.compute] : []), ...this.schedulers.values()]
  }

  /** What an operator's call answers. */
  async text(method: string, path: string, host = 'head'): Promise<string> {
    const { status, text } = await callSocket(this.socketOf(host), method, path)
    if (status !== 200) throw new Error(`${method} ${path} of ${host}: ${status} ${text}`)
    return text
  }

  async status(host = 'head'): Promise<StatusView> {
    return JSON.parse(await this.text('GET', '/v1/status', host)) as StatusView
  }

  /** What the shim says for a program, and its answer. Throws when the call was refused. */
  async shim(program: 'dw_wlm_cli' | 'dwstat', ...words: string[]): Promise<string> {
    const body = words.map((word) => `${word}\0`).join('')
    const { text, headers } = await callSocket(this.socketOf('head'), 'POST', `/shim/${program}`, body)
    if (headers['x-exit-code'] !== '0') throw new Error(`${words.join(' ')}: ${text}`)
    return text
  }

  async create(name: string): Promise<void> {
    const who = ['-u', String(owner.uid), '-g', String(owner.gid)]
    await this.shim(
      'dw_wlm_cli',
      '--function',
      'create_persistent',
      '-c',
      'CLI',
      '-t',
      name,
      ...who,
      '-C',
      `${pool}:1TB`,
      '-a',
      'striped',
    )
  }

  async remove(token: string): Promise<void> {
    await this.shim('dw_wlm_cli', '--function', 'teardown', '--token', token, '--hurry')
  }

  /** How often the scheduler has asked the name service. */
  get nameServiceCalls(): number {
    return readFileSync(join(this.directory, 'getent.calls'), 'utf8').length
  }

  file(name: string, content: string): string {
    const path = join(this.directory, name)
    writeFileSync(path, content, { mode: 0o644 })
    return path
  }

  async close(): Promise<void> {
    const all = this.etcd ? this.processes.filter((process) => process !== undefined) : []
    await Promise.all(all.map((process) => process.end('SIGKILL')))
    rmSync(this.directory, { recursive: true, force: true })
  }

  lastWords(host: string): string {
    const lines = readFileSync(join(this.directory, `${host}.log`), 'utf8')
      .trim()
      .split('\n')
    return lines.slice(-20).join('\n')
  }

  private socketOf(host: string): string {
    return join(this.directory, `${host}.sock`)
  }

  private spawn(name: string, words: string[]): MeasuredProcess {
    const env = { ...process.env, MALLOC_ARENA_MAX: '2', PATH: `${join(this.directory, 'bin')}:${process.env.PATH}` }
    return new MeasuredProcess(name, process.execPath, words, {
      cwd: repository,
      env,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
  }

  private startAgents(role: AgentsOptions['role'], hosts: string[]): MeasuredProcess {
    const options: AgentsOptions = {
      endpoint: this.etcd.endpoint,
      role,
      hosts,
      disks: disksEach,
      pool,
      diskBytes: terabyte,
      share: this.options.share,
      apart: role === 'storage' ? this.apart : [],
      stagePaths: [stagePath],
      copyMs,
    }
    const words = [
      '--import',
      join(here, 'pauses.js'),
      '--import',
      'tsx',
      join(here, 'agents.ts'),
      JSON.stringify(options),
    ]
    return this.spawn(`${role} agents`, words)
  }

  /** A getent that counts its calls. */
  private countNameService(): void {
    const calls = this.file('getent.calls', '')
    mkdirSync(join(this.directory, 'bin'))
    const script = `#!/bin/sh\nprintf . >>${calls}\nexec /usr/bin/getent "$@"\n`
    writeFileSync(join(this.directory, 'bin/getent'), script, { mode: 0o755 })
  }

  /** Buffers that were placed and not yet made: scheduler and agents make them. */
  private async seed(): Promise<void> {
    const { buffers } = this.options
    if (buffers === 0) return
    const store = openStore({ endpoints: [this.etcd.endpoint] })
    const writes = Array.from({ length: buffers }, (_, at): Write[] => {
      const host = this.storageHosts[at % this.storageHosts.length]!
      const device = `nvme${Math.floor(at / this.storageHosts.length) + 1}n1`
      const name = `seed${at}`
      const ids = { id: 2 * at + 1, name, ...owner, pool }
      const direct =
        this.options.dataPlane === 'direct'
          ? { dataPlane: 'direct' as const, secret: String(at).padStart(43, '0') }
          : {}
      const buffer = aBuffer({ ...ids, bricks: [`${host}/${device}`], ...direct })
      const port = { address: host, port: 30_000 + Math.floor(at / this.storageHosts.length) }
      const bricks = buffer.bricks.map((brick) => ({
        ...brick,
        uuid: `00000000-0000-4000-9000-${String(at).padStart(12, '0')}`,
        ...(this.options.dataPlane === 'direct' ? { at: port } : {}),
      }))
      const session = aSession({ token: name, id: 2 * at + 2, ...owner, buffer: name })
      return [
        { put: keys.buffer(name), value: { ...buffer, bricks } },
        { put: keys.session(name), value: session },
      ]
    }).flat()
    for (let from = 0; from < writes.length; from += maxOperations)
      await store.write([], writes.slice(from, from + maxOperations))
    await store.write([], [{ put: keys.placement, value: { v: 1, lastId: 2 * buffers + 2 } }])
    await store.close()
  }
}
