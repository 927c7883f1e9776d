import { execFileSync } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../lab/common/until.js'
import type { BrickFence } from '../../src/agent/host/dataplane/direct/fenceType.js'
import { runningProcesses } from '../../src/agent/host/dataplane/direct/running.js'
import { type RealHost, type RealHostOptions, realHost } from '../../src/agent/host/index.js'
import { plan } from '../../src/agent/plan/index.js'
import type { Plan } from '../../src/agent/port/plan.js'
import { Refusal } from '../../src/agent/port/host.js'
import { describeStep, type StepArgs, type StepKind } from '../../src/agent/port/steps.js'
import { systemClock } from '../../src/daemon/clock.js'
import { silentLog } from '../../src/daemon/log.js'
import { brickMountPath } from '../../src/model/cluster.js'
import type { DesiredBrick } from '../../src/model/documents/brick.js'
import type { Desired, DesiredKind } from '../../src/model/documents/desired.js'
import type { BrickExport, DirectSource } from '../../src/model/documents/direct.js'
import type { DesiredMount } from '../../src/model/documents/mount.js'
import type { DirectVolume } from '../../src/model/documents/volume.js'
import { LoopDevices } from './loopDevices.js'

/** For tests that are not about it. */
export const openFence: BrickFence = {
  isAdmitted: () => Promise.resolve(true),
  admit: () => Promise.resolve(),
  admitted: () => Promise.resolve(new Map()),
  isLeft: () => Promise.resolve(false),
  release: () => Promise.resolve(),
}

/** A little more than the smallest XFS. */
const deviceBytes = 320 * 1024 ** 2
const user = { uid: 20_001, gid: 20_001 }
const buffer = { id: 1, name: '3' }

/**
 * One host that is told by documents alone, as a scheduler would write them, and has no glusterd: bricks on loop devices, the
 * processes that serve them, and mounts of them.
 */
export class DirectRig {
  readonly loops = new LoopDevices()
  readonly top = mkdtempSync(join(tmpdir(), 'burstbuffer-direct-'))
  readonly directories = { run: join(this.top, 'run'), log: join(this.top, 'log') }
  readonly mountRoot = join(this.top, 'mnt')
  readonly volume = `bbtest${process.pid}-${randomUUID().slice(0, 8)}`
  host: RealHost

  private constructor(
    readonly bricks: readonly { device: string; uuid: string; port: number }[],
    private readonly options: Partial<RealHostOptions>,
  ) {
    chmodSync(this.top, 0o755)
    for (const { device } of bricks) {
      this.loops.add(device, deviceBytes)
      this.loops.willMount(brickMountPath(device))
    }
    this.host = this.agent()
  }

  static async with(count: number, options: Partial<RealHostOptions> = {}): Promise<DirectRig> {
    const bricks = []
    for (let n = 1; n <= count; n++)
      bricks.push({ device: `bbtest${process.pid}n${n}`, uuid: randomUUID(), port: await freePort() })
    return new DirectRig(bricks, options)
  }

  /** Another agent of the same host, as after a restart. */
  agent(options: Partial<RealHostOptions> = {}): RealHost {
    return realHost({
      name: 'test',
      boot: 'boot',
      pools: { fast: [join(this.loops.directory, 'dev', 'bbtest*')] },
      mountRoot: this.mountRoot,
      clock: systemClock,
      log: silentLog,
      direct: { directories: this.directories, fence: openFence },
      ...this.options,
      ...options,
    })
  }

  restartAgent(options: Partial<RealHostOptions> = {}): void {
    void this.host.close()
    this.host = this.agent(options)
  }

  /** One round as the reconciler makes it; the steps that it took, as sentences. */
  async round<K extends DesiredKind>(kind: K, document: Desired[K]): Promise<Plan<K> & { took: string[] }> {
    const planned = plan[kind](document, await this.host.observe[kind](document))
    if (planned.refused !== undefined) throw new Refusal(planned.refused)
    for (const step of planned.steps)
      await this.host.effects[step.kind as StepKind](step as unknown as StepArgs[StepKind] & never)
    return { ...planned, took: planned.steps.map(describeStep) }
  }

  /** Why a round does not mount it. */
  async mountFailure(document: Desired['mount']): Promise<Error> {
    try {
      await this.round('mount', document)
    } catch (error) {
      return error as Error
    }
    throw new Error('it was mounted')
  }

  /** Rounds until nothing is left to do, and nothing to wait for; all steps that were taken. */
  async settle<K extends DesiredKind>(kind: K, document: Desired[K]): Promise<Plan<K> & { took: string[] }> {
    const took: string[] = []
    return until(
      { what: `${kind} is as desired`, deadlineMs: 60_000, seen: () => Promise.resolve(took.join('; ')) },
      async () => {
        const done = await this.round(kind, document)
        took.push(...done.took)
        return done.steps.length + done.waitingFor.length === 0 ? { ...done, took } : undefined
      },
    )
  }

  brickDocuments(parts: Partial<DesiredBrick> = {}): DesiredBrick[] {
    return this.bricks.map(({ device, uuid }) => ({
      v: 1,
      fence: 1,
      kind: 'brick',
      buffer,
      device,
      identity: this.loops.identityOf(device),
      sizeBytes: deviceBytes,
      uuid,
      directory: 'brick',
      ...user,
      mode: 0o700,
      dataPlane: 'direct',
      wanted: 'present',
      ...parts,
    }))
  }

  volumeDocument(parts: Partial<DirectVolume> = {}): DirectVolume {
    return {
      v: 1,
      fence: 1,
      kind: 'volume',
      buffer,
      type: 'direct',
      volume: this.volume,
      bricks: [...this.bricks],
      directory: 'brick',
      exports: [this.export('striped', '/')],
      clients: ['127.0.0.1'],
      sessionsLetIn: [],
      wanted: 'started',
      ...parts,
    }
  }

  private readonly logins = new Map<string, BrickExport['login']>()

  export(name: string, directory: string, parts: Partial<BrickExport> = {}): BrickExport {
    const login = this.logins.get(name) ?? { user: aSecret().slice(0, 22), password: aSecret() }
    this.logins.set(name, login)
    return { name, directory, ...user, mode: 0o700, login, ...parts }
  }

  source(name: string, parts: Partial<DirectSource> = {}): DirectSource {
    const bricks = this.bricks.map(({ port }) => ({ address: '127.0.0.1', port }))
    return { export: name, login: this.export(name, '/').login, bricks, ...parts }
  }

  mountDocument(name: string, parts: Partial<DesiredMount> = {}): DesiredMount {
    return {
      v: 1,
      fence: 1,
      kind: 'mount',
      session: { id: 20, token: '3' },
      buffer,
      volume: this.volume,
      servers: ['test'],
      direct: this.source(name),
      path: join(this.mountRoot, '3.20', name),
      wanted: 'present',
      ...parts,
    }
  }

  async makeBricks(parts: Partial<DesiredBrick> = {}): Promise<void> {
    for (const brick of this.brickDocuments(parts)) await this.settle('brick', brick)
  }

  /** Pids of the processes that serve its bricks, or that its mounts hang on. */
  async pids(kind: 'brick' | 'client'): Promise<number[]> {
    const all = await runningProcesses()
    return all.filter((each) => each.kind === kind && each.volume.startsWith(this.volume)).map(({ pid }) => pid)
  }

  /** Takes everything off, as its documents would; whatever a test has left half-way. */
  async close(): Promise<void> {
    for (const signal of ['SIGCONT', 'SIGKILL'] as const)
      for (const pid of [...(await this.pids('client')), ...(await this.pids('brick'))]) process.kill(pid, signal)
    await this.host.close()
    for (const path of mountsBelow(this.top)) execFileSync('umount', ['--', path])
    this.loops.close()
    rmSync(this.top, { recursive: true, force: true })
  }
}

export function mountsBelow(top: string): string[] {
  const table = execFileSync('findmnt', ['--noheadings', '--list', '--output', 'TARGET'], { encoding: 'utf8' })
  return table
    .split('\n')
    .filter((path) => path.startsWith(`${top}/`))
    .reverse()
}

function aSecret(): string {
  return randomBytes(32).toString('base64url')
}

/** A port that nobody uses at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
