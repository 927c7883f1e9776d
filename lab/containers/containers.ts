import { pipeline } from 'node:stream/promises'
import { mkdirSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type Docker from 'dockerode'
import { containerRun } from '../../src/agent/host/dataplane/glusterd/containerRun.js'
import { CommandError } from '../../src/agent/host/exec/run.js'
import { commandAs } from '../common/commandAs.js'
import { composeSite, type HostSpec } from '../common/hosts.js'
import type { ExecOptions } from '../common/interface.js'
import type { Result } from '../common/run.js'
import { until } from '../common/until.js'
import type { Reached } from './backend.js'
import { bootedLine } from './booted.js'
import * as messages from './messages.js'

/** The containers of one project, by the names of their hosts. */
export class Containers {
  constructor(
    private readonly project: string,
    private readonly engine: Reached,
  ) {}

  async exec(host: string, argv: readonly string[], options: ExecOptions = {}): Promise<Result> {
    const { input, timeoutMs = 120_000, ...who } = options
    const run = containerRun({ docker: this.engine.docker, socket: this.engine.address }, (await this.of(host)).id)
    const words = commandAs(composeSite, argv, who) as [string, ...string[]]
    try {
      return await run(words, { timeoutMs, ...(input === undefined ? {} : { stdin: input }) })
    } catch (error) {
      if (!(error instanceof CommandError) || error.result.timedOut || error.result.signal === null) throw error
      return { code: 137, stdout: error.result.stdout ?? '', stderr: error.result.stderr }
    }
  }

  async isOn(host: string): Promise<boolean> {
    return (await this.find(host))?.State === 'running'
  }

  /** Resolves when every program of the hosts has answered. Throws if a container ends instead. */
  async untilBooted(hosts: readonly string[], before = 0): Promise<void> {
    const awaited = new Set(hosts)
    const what = `the programs of ${hosts.join(', ')} answer`
    const seen = () => Promise.resolve(`nothing yet from ${[...awaited].join(', ')}`)
    const off = await until({ what, deadlineMs: 300_000, seen }, async () => {
      for (const host of awaited) {
        if (!(await this.isOn(host))) return host
        if ((await this.timesBooted(host)) > before) awaited.delete(host)
      }
      return awaited.size === 0 ? 'none' : undefined
    })
    if (off !== 'none') throw new Error(messages.hostDoesNotStart(off, await this.words(off, 12)))
  }

  async kill(host: string): Promise<void> {
    await (await this.of(host)).kill()
    await until({ what: `${host} is off` }, async () => !(await this.isOn(host)))
  }

  async start(host: string): Promise<void> {
    const before = await this.timesBooted(host)
    await (await this.of(host)).start()
    await this.untilBooted([host], before)
  }

  async cut(host: string): Promise<void> {
    await this.network().disconnect({ Container: (await this.of(host)).id, Force: true })
  }

  async heal({ name, address }: HostSpec): Promise<void> {
    await this.network().connect({
      Container: (await this.of(name)).id,
      EndpointConfig: { IPAMConfig: { IPv4Address: address }, Aliases: [name] },
    })
  }

  async isCut(host: string): Promise<boolean> {
    const { NetworkSettings } = await (await this.of(host)).inspect()
    return Object.keys(NetworkSettings.Networks).length === 0
  }

  /** Copies the log files of the host into a folder. */
  async copyLogs(host: string, folder: string): Promise<void> {
    if (!(await this.find(host))) return
    mkdirSync(folder, { recursive: true })
    const archive = await (await this.of(host)).getArchive({ path: '/var/log' })
    const tar = spawn('tar', ['-x', '-C', folder, '--strip-components=1'], { stdio: ['pipe', 'ignore', 'ignore'] })
    await Promise.all([pipeline(archive, tar.stdin), once(tar, 'close')])
  }

  /** The engine is asked, because that costs less than a command in the container. */
  private async timesBooted(host: string): Promise<number> {
    const lines = (await this.words(host)).split('\n')
    return lines.filter((line) => line === bootedLine(host)).length
  }

  /** The output of the container. */
  private async words(host: string, tail?: number): Promise<string> {
    const said = await (
      await this.of(host)
    ).logs({ stdout: true, stderr: true, ...(tail === undefined ? {} : { tail }) })
    return textOf(said).trim()
  }

  private async of(host: string): Promise<Docker.Container> {
    const found = await this.find(host)
    if (!found) throw new Error(messages.noContainer(host, this.project))
    return this.engine.docker.getContainer(found.Id)
  }

  private async find(host: string): Promise<Docker.ContainerInfo | undefined> {
    const label = [`com.docker.compose.project=${this.project}`, `com.docker.compose.service=${host}`]
    return (await this.engine.docker.listContainers({ all: true, filters: { label } }))[0]
  }

  private network(): Docker.Network {
    return this.engine.docker.getNetwork(`${this.project}_cluster`)
  }
}

/** The output of a container consists of frames: a kind, the length, the text. */
function textOf(frames: Buffer): string {
  const parts: Buffer[] = []
  for (let at = 0; at + 8 <= frames.length; at += 8 + frames.readUInt32BE(at + 4)) {
    parts.push(frames.subarray(at + 8, at + 8 + frames.readUInt32BE(at + 4)))
  }
  return Buffer.concat(parts).toString()
}
