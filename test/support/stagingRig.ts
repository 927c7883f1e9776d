import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TransferOptions, transfers } from '../../src/agent/host/staging/index.js'
import { transferRoot } from '../../src/model/cluster.js'
import { runCommand } from '../../src/agent/host/exec/run.js'
import type { TransferTally } from '../../src/agent/port/host.js'
import { planTransfer } from '../../src/agent/plan/transfer.js'
import type { StepArgs } from '../../src/agent/port/steps.js'
import { silentLog } from '../../src/daemon/log.js'
import type { DesiredTransfer } from '../../src/model/documents/transfer.js'
import { until } from '../../lab/common/until.js'
import { aDesiredTransfer } from './desired.js'

/** Accounts that every Debian has: a transfer's user must be known on its host. */
export const someone = { uid: 5, gid: 60 }
export const another = { uid: 9, gid: 9 }

/**
 * The staging of one host on the real parts (rsync, find, setpriv, real users), with a directory in place of the volume. Rounds
 * are made as the reconciler makes them.
 */
export class StagingRig {
  readonly directory = mkdtempSync(join(tmpdir(), 'burstbuffer-stage-'))
  readonly lustre = join(this.directory, 'lustre')
  readonly volume = join(this.directory, 'volume')
  readonly session: { id: number; token: string }
  host: ReturnType<typeof transfers>

  constructor(private readonly options: Partial<TransferOptions> = {}) {
    this.session = { id: 1_000_000 + (process.pid % 1_000_000), token: '3' }
    chmodSync(this.directory, 0o755)
    for (const folder of [this.lustre, this.volume]) {
      mkdirSync(folder)
      chownSync(folder, someone.uid, someone.gid)
    }
    chmodSync(this.volume, 0o700)
    this.host = this.agent()
  }

  /** Another agent of the same host. */
  agent(options: Partial<TransferOptions> = {}) {
    return agentOn(this, { ...this.options, ...options })
  }

  /** The same as a process of its own, which does that part and can be killed. */
  spawnAgent(transfer: DesiredTransfer): ChildProcess {
    const { lustre, volume } = this
    const script = join(import.meta.dirname, 'stagingAgent.ts')
    const argv = [
      '--import',
      'tsx',
      script,
      JSON.stringify({ lustre, volume, transfer, smallestRange: this.options.smallestRange }),
    ]
    return spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
  }

  /** In the environment of every process of its transfer. */
  get mark(): string {
    return `BURSTBUFFER_TRANSFER=test/${this.session.id}.1`
  }

  transfer(parts: Partial<DesiredTransfer> = {}): DesiredTransfer {
    return aDesiredTransfer({
      session: this.session,
      type: 'directory',
      inside: '',
      outside: this.lustre,
      ...someone,
      share: { index: 0, of: 1 },
      noteKey: 'k'.repeat(43),
      ...parts,
    })
  }

  /** One round of one part; gives the report. */
  round(transfer: DesiredTransfer) {
    return oneRound(this.host, transfer)
  }

  /** Rounds until that part says done, or a step is refused or fails. */
  async part(transfer: DesiredTransfer): Promise<TransferTally> {
    return until({ what: `${transfer.part} is done`, deadlineMs: 120_000 }, async () => {
      try {
        const { state, counts, failures } = await this.round(transfer)
        return state === 'done' ? { result: { counts, failures } } : undefined
      } catch (error) {
        return { error: error as Error }
      }
    }).then((end) => {
      if ('error' in end) throw end.error
      return end.result
    })
  }

  /** All parts, every share in turn. */
  async all(parts: Partial<DesiredTransfer> = {}): Promise<TransferTally> {
    const transfer = this.transfer(parts)
    await this.part({ ...transfer, part: 'plan' })
    for (let index = 0; index < transfer.share.of; index++) {
      await this.part({ ...transfer, part: 'copy', share: { ...transfer.share, index } })
    }
    return this.part({ ...transfer, part: 'finish' })
  }

  async end(parts: Partial<DesiredTransfer> = {}): Promise<void> {
    const transfer = this.transfer({ ...parts, wanted: 'absent' })
    await until({ what: 'absent' }, async () => (await this.round(transfer)).state === 'absent')
  }

  /** A shell as a user, in the file system outside. */
  as(user: { uid: number; gid: number }, script: string, cwd = this.lustre): string {
    return execFileSync('setpriv', shellOf(user, script, cwd), { encoding: 'utf8' })
  }

  /** The same, which goes on, in a process group of its own. */
  spawnAs(user: { uid: number; gid: number }, script: string, cwd = this.lustre): ChildProcess {
    return spawn('setpriv', shellOf(user, script, cwd), { detached: true, stdio: 'ignore' })
  }

  async close(): Promise<void> {
    await this.host.close()
    const mount = join(transferRoot, `${this.session.id}.1`)
    for (const path of [mount]) {
      try {
        execFileSync('umount', [path], { stdio: 'ignore' })
      } catch {
        // It was not mounted.
      }
      rmSync(path, { recursive: true, force: true })
    }
    rmSync(this.directory, { recursive: true, force: true })
  }
}

function shellOf(user: { uid: number; gid: number }, script: string, cwd: string): string[] {
  const identity = [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups']
  return [...identity, '--', 'env', `--chdir=${cwd}`, 'bash', '--norc', '-euc', script]
}

type Host = ReturnType<typeof transfers>

export function agentOn(
  { lustre, volume }: Record<'lustre' | 'volume', string>,
  options: Partial<TransferOptions> = {},
): Host {
  const mountAt: TransferOptions['mountAt'] = (_, { path }) =>
    runCommand(['mount', '--bind', volume, path], { timeoutMs: 10_000 })
  const requireAllBricksOnline = () => Promise.resolve()
  const priority = 'low' as const
  const fixed = {
    name: 'test',
    stagePaths: [lustre],
    priority,
    run: runCommand,
    requireAllBricksOnline,
    log: silentLog,
    mountAt,
  }
  return transfers({ ...fixed, ...options })
}

export async function oneRound(host: Host, transfer: DesiredTransfer) {
  const planned = planTransfer(transfer, await host.facts(transfer))
  if (planned.refused !== undefined) throw new Error(planned.refused)
  for (const { kind, transfer } of planned.steps as ({ kind: string } & StepArgs['scanTransfer'])[]) {
    await host[kind.replace('Transfer', '') as 'mount' | 'scan' | 'copy' | 'finish' | 'stop' | 'end'](transfer)
  }
  return planned.report
}
